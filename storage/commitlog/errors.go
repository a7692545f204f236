package commitlog

import (
	"errors"
	"fmt"
)

// Errors of Open, Replay and Verify that say what is the matter with the files.
// The first four come as the Reason of a *CorruptionError.
var (
	// ErrDamaged: a frame that had been acknowledged is not what was written.
	ErrDamaged = errors.New("damaged frame")
	// ErrHeader: the header of a segment is not what was written.
	ErrHeader = errors.New("damaged segment header")
	// ErrSegmentMissing: a segment between two others, the first one that is
	// needed, or the last one is not there.
	ErrSegmentMissing = errors.New("segment missing")
	// ErrSegmentSize: a segment is longer or shorter than its header says.
	ErrSegmentSize = errors.New("segment of the wrong length")
	// ErrOrder: the timestamps of frames do not ascend. Append returns it as well,
	// for frames that would make it so.
	ErrOrder = errors.New("commit timestamps out of order")

	// ErrVersion: the log was written by another version of this package.
	ErrVersion = errors.New("commitlog: written in another format version")
	// ErrStoreID: the log belongs to another store.
	ErrStoreID = errors.New("commitlog: belongs to another store")
)

// Errors of a Log in use.
var (
	// ErrFailed: a write or a sync failed earlier, and the log takes nothing more.
	// The error that says so wraps the cause too.
	ErrFailed = errors.New("commitlog: stopped by an earlier failure")
	// ErrNotReplayed: Replay must come first, and only once.
	ErrNotReplayed = errors.New("commitlog: not replayed exactly once")
	// ErrTooLarge: a payload is larger than MaxPayload.
	ErrTooLarge = errors.New("commitlog: payload too large")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("commitlog: closed")
)

// CorruptionError says that a log is not what was written, and where. It matches
// its Reason.
type CorruptionError struct {
	Segment uint64 // the number of the segment
	Offset  int64  // from the beginning of the segment's file, in bytes
	Reason  error
}

// Error says what and where.
func (e *CorruptionError) Error() string {
	return fmt.Sprintf("commitlog: corrupt: segment %d (%s) at offset %d: %v", e.Segment, segmentName(e.Segment), e.Offset, e.Reason)
}

// Unwrap returns the Reason.
func (e *CorruptionError) Unwrap() error { return e.Reason }

// corrupt makes a CorruptionError whose text says more than its reason does.
func corrupt(segment uint64, offset int64, reason error, format string, args ...any) error {
	detail := fmt.Errorf("%w: "+format, append([]any{reason}, args...)...)
	return &CorruptionError{Segment: segment, Offset: offset, Reason: detail}
}
