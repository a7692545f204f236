package redo

import (
	"errors"
	"fmt"
)

// ErrVersion says that a payload is in another version of the format, mostly one
// that a newer program has written. The error that says so names both.
var ErrVersion = errors.New("redo: another format version")

// The reasons of a *CorruptionError.
var (
	// ErrTruncated: the payload ends before the record does.
	ErrTruncated = errors.New("cut off")
	// ErrKind: no record begins like this.
	ErrKind = errors.New("unknown kind of record")
	// ErrNumber: a number does not fit, or has more bytes than it needs.
	ErrNumber = errors.New("malformed number")
	// ErrRange: a range is of no known kind.
	ErrRange = errors.New("unknown kind of range")
	// ErrXID: the name of a prepared transaction is empty.
	ErrXID = errors.New("empty xid")
	// ErrOrder: a commit timestamp is not greater than the one before.
	ErrOrder = errors.New("commit timestamps out of order")
)

// CorruptionError says that a payload is not what was written, and where. It
// matches its Reason.
type CorruptionError struct {
	Offset int // in the payload, in bytes
	Reason error
}

// Error says what and where.
func (e *CorruptionError) Error() string {
	return fmt.Sprintf("redo: corrupt at offset %d: %v", e.Offset, e.Reason)
}

// Unwrap returns the Reason.
func (e *CorruptionError) Unwrap() error { return e.Reason }
