package commitlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// A spare is a file of the size of a segment that is on the disk whole. Its
// contents do not matter.

func spareName(seq uint64) string { return sparePrefix + strconv.FormatUint(seq, 10) }

// spareNumber is the number in the name of a spare, and whether it was finished.
func spareNumber(name string) (seq uint64, done, ok bool) {
	digits, ok := strings.CutPrefix(name, sparePrefix)
	if !ok {
		return 0, false, false
	}
	digits, part := strings.CutSuffix(digits, unfinished)
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, !part, err == nil && (spareName(seq) == name || spareName(seq)+unfinished == name)
}

// loadSpares keeps the spares that are there and of the right size, and removes
// the others. If there are no segments it keeps none: numbers begin anew, and a
// spare could hold frames from when it had one of them.
func (l *Log) loadSpares(found files) error {
	for _, name := range found.spares {
		seq, _, _ := spareNumber(name)
		l.spareSeq = max(l.spareSeq, seq)
		fits, err := l.rightSize(name)
		if err != nil {
			return fmt.Errorf("commitlog: %w", err)
		}
		if fits && len(l.segments) > 0 {
			l.spares = append(l.spares, name)
		} else {
			found.garbage = append(found.garbage, name)
		}
	}
	for _, name := range found.garbage {
		if err := l.fs.Remove(filepath.Join(l.dir, name)); err != nil {
			return fmt.Errorf("commitlog: %w", err)
		}
	}
	return nil
}

// rightSize tells whether a file is as long as a new segment.
func (l *Log) rightSize(name string) (bool, error) {
	f, err := l.fs.Read(filepath.Join(l.dir, name))
	if err != nil {
		return false, err
	}
	size, err := f.Size()
	return size == l.opts.SegmentBytes, errors.Join(err, f.Close())
}

// takeSpare returns the name of a spare, which is no longer one. There is one if
// room was reserved.
func (l *Log) takeSpare() (string, error) {
	for {
		if name, ok := l.popSpare(); ok {
			return name, nil
		}
		l.upkeep.Lock()
		err := l.addSpare()
		l.upkeep.Unlock()
		if err != nil {
			return "", err
		}
	}
}

func (l *Log) popSpare() (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spares) == 0 {
		return "", false
	}
	name := l.spares[0]
	l.spares = l.spares[1:]
	return name, true
}

func (l *Log) pushSpares(names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spares = append(l.spares, names...)
}

// addSpare makes a spare. The caller holds upkeep.
func (l *Log) addSpare() error {
	l.spareSeq++
	name := spareName(l.spareSeq)
	path := filepath.Join(l.dir, name)
	if err := l.allocate(path + unfinished); err != nil {
		return fmt.Errorf("a segment of %d bytes: %w", l.opts.SegmentBytes, err)
	}
	if err := l.fs.Rename(path+unfinished, path); err != nil {
		return err
	}
	l.pushSpares(name)
	return nil
}

// Short reports whether it is time for AddSpare: the segment that is written is half
// full, and there are fewer spares than segments were begun since the log was opened,
// and than are kept anyway. So a log that is written in bursts soon has as many as one
// of them takes, and one that is written little has none.
func (l *Log) Short() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usable() == nil && l.free < roomIn(segmentHeader, l.opts.SegmentBytes)/2 && l.vain != l.begun &&
		len(l.spares) < min(l.begun, l.opts.Spares)
}

// AddSpare makes a segment ready, so that Reserve need not. It may take a while, and
// other calls go on meanwhile. If it fails, the log is not Short again before the next
// segment.
func (l *Log) AddSpare() error {
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	err := l.isUsable()
	if err != nil {
		return err
	}
	if err = l.addSpare(); err == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.vain = l.begun
	return fmt.Errorf("commitlog: make a segment ready: %w", err)
}

// allocate makes a file of zeros, or none if the disk is full. It is synced for the
// sake of time, so that the writer has not to wait for all these zeros later, and
// because some file systems find out only then that they are full.
func (l *Log) allocate(path string) error {
	f, err := l.fs.Create(path)
	if err != nil {
		return err
	}
	if err = f.Allocate(l.opts.SegmentBytes); err == nil {
		err = f.Datasync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return withCause(err, l.fs.Remove(path))
	}
	return nil
}

// trim removes spares beyond those to be kept, as far as nothing is reserved in
// them. The caller holds upkeep.
func (l *Log) trim() error {
	for {
		name, ok := l.surplus()
		if !ok {
			return nil
		}
		if err := l.fs.Remove(filepath.Join(l.dir, name)); err != nil {
			return err
		}
	}
}

// surplus takes a spare that is not needed out of the list.
func (l *Log) surplus() (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.spares) - 1
	if n < l.opts.Spares || l.room(n) < l.reserved {
		return "", false
	}
	name := l.spares[n]
	l.spares = l.spares[:n]
	return name, true
}

// withCause returns err, joined by what went wrong while cleaning up after it.
func withCause(err, cleaning error) error {
	if cleaning == nil {
		return err
	}
	return errors.Join(err, cleaning)
}
