package commitlog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// Frame is a group of commits.
type Frame struct {
	First, Last uint64 // its first and last commit timestamp
	Payload     []byte // what the caller makes of it
}

// MaxPayload is the largest payload of a frame, in bytes.
const MaxPayload = 1 << 30

// Log is an open log.
type Log struct {
	fs    fsys.FS
	dir   string
	opts  Options
	store StoreID
	lock  io.Closer

	writer writer // of the goroutine that appends

	wasClosed bool // set by Replay

	// upkeep is held while files are made, recycled or removed. It is taken
	// before mu.
	upkeep   sync.Mutex
	spareSeq uint64 // of the last spare that got a name; protected by upkeep

	mu       sync.Mutex // protects the following fields; not held during I/O
	stage    stage
	segments []header // oldest first; when ready, the last one is being written
	spares   []string // names of files
	free     int64    // for frames in the segment being written
	reserved int64
	begun    int // segments, since the log was opened
	vain     int // begun when AddSpare failed
	last     uint64
	appended Appended
	failed   error
}

// stage is how far the life of a log has come.
type stage uint8

const (
	opened stage = iota
	replaying
	ready
	ended
)

// Open opens the log in a directory, makes both if they are not there, and locks
// the directory. Nothing is read but the headers of the segments.
func Open(fs fsys.FS, dir string, opts Options) (*Log, error) {
	l := &Log{fs: fs, dir: dir, opts: opts.filled(), store: opts.StoreID}
	if err := fs.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("commitlog: %w", err)
	}
	lock, err := fs.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("commitlog: %w", err)
	}
	l.lock = lock
	if err := l.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

// load finds out what is there.
func (l *Log) load() error {
	found, err := list(l.fs, l.dir)
	if err != nil {
		return fmt.Errorf("commitlog: %w", err)
	}
	for _, number := range found.segments {
		h, err := readHeader(l.fs, l.dir, number)
		if err != nil {
			return located(err)
		}
		if err := l.owns(h); err != nil {
			return err
		}
		if n := len(l.segments); n > 0 && l.segments[n-1].number+1 != number {
			return corrupt(number-1, 0, ErrSegmentMissing, "there are number %d and number %d", l.segments[n-1].number, number)
		}
		l.segments = append(l.segments, h)
	}
	if l.store == (StoreID{}) {
		rand.Read(l.store[:]) // never fails
	}
	return l.loadSpares(found)
}

// owns checks that a segment belongs to the store, which may be known from the
// first segment only.
func (l *Log) owns(h header) error {
	if l.store == (StoreID{}) {
		l.store = h.store
	}
	if h.store != l.store {
		return fmt.Errorf("%w: segment %d is of store %s, not %s", ErrStoreID, h.number, h.store, l.store)
	}
	return nil
}

// located puts the name of the package before errors that do not have it.
func located(err error) error {
	var corruption *CorruptionError
	if err == nil || errors.As(err, &corruption) || errors.Is(err, ErrVersion) || errors.Is(err, ErrStoreID) {
		return err
	}
	return fmt.Errorf("commitlog: %w", err)
}

// files are the names in the directory that mean something.
type files struct {
	segments []uint64 // in order
	spares   []string
	garbage  []string // spares that are not finished
}

func list(fs fsys.FS, dir string) (files, error) {
	names, err := fs.List(dir)
	var f files
	for _, name := range names {
		if number, ok := segmentNumber(name); ok {
			f.segments = append(f.segments, number)
		} else if seq, done, ok := spareNumber(name); ok && done {
			f.spares = append(f.spares, spareName(seq))
		} else if ok {
			f.garbage = append(f.garbage, name)
		}
	}
	slices.Sort(f.segments)
	return f, err
}

// StoreID is the store that the log belongs to.
func (l *Log) StoreID() StoreID { return l.store }

// Last is the timestamp that the next group must be younger than: that of the
// last group, or a younger one that was lost in a crash before it was
// acknowledged, or the one that Replay was given. It is known after Replay.
func (l *Log) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// WasClosed reports whether the log was new, or had been closed before it was opened,
// so that nothing that was ever to be appended to it is missing. It is known after
// Replay.
func (l *Log) WasClosed() bool { return l.wasClosed }

// Close writes the mark that tells a log that was closed from one that crashed,
// closes the files and unlocks the directory. No Append may be running. What makes or
// removes files is waited for: whoever opens the directory next may use their names.
// What was reserved is given back. To close again does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	was, failed := l.stage, l.failed
	l.stage = ended
	l.mu.Unlock()
	if was == ended {
		return nil
	}
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	var err error
	if was == ready && failed == nil {
		err = l.fail(l.mark())
	}
	if l.writer.file != nil {
		err = errors.Join(err, l.writer.file.Close())
	}
	return errors.Join(err, l.lock.Close())
}

func (l *Log) isUsable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usable()
}

// usable is nil if the log can be appended to. The caller holds mu.
func (l *Log) usable() error {
	switch {
	case l.stage == ended:
		return ErrClosed
	case l.stage != ready:
		return ErrNotReplayed
	}
	return l.failed
}

// fail ends the log for good, unless err is nil, and returns the error to tell.
func (l *Log) fail(err error) error {
	if err == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return l.failed
}
