package commitlog

import (
	"fmt"
	"math"
	"path/filepath"
)

// Obsolete returns the number of the first segment that Truncate of ts would keep.
func (l *Log) Obsolete(ts uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return 0
	}
	return l.segments[l.upTo(ts, math.MaxUint64)].number
}

// Truncate gives up the segments at the old end in which all groups have
// timestamps up to and including ts, but none with a number from keep on (see
// Stats.Current; math.MaxUint64 if any may go). The caller promises to give Replay no
// older timestamp than ts ever after. Younger groups stay, and so may older ones. Spares
// beyond those to be kept are removed, unless something is reserved in them.
//
// If a file cannot be renamed or removed the error says so, the file stays where
// it is, and the log goes on. If the directory cannot be synced the log fails.
func (l *Log) Truncate(ts, keep uint64) error {
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	old, spares, err := l.obsolete(ts, keep)
	if err != nil {
		return err
	}
	for _, h := range old {
		recycle := spares > 0 && h.size == l.opts.SegmentBytes
		if recycle {
			spares--
			err = l.recycle(h)
		} else {
			err = l.remove(h)
		}
		if err != nil {
			return fmt.Errorf("commitlog: truncate: %w", err)
		}
	}
	if err := l.trim(); err != nil {
		return fmt.Errorf("commitlog: truncate: %w", err)
	}
	return nil
}

// obsolete returns the segments to be given up, and how many of them are worth keeping
// as spares.
func (l *Log) obsolete(ts, keep uint64) (old []header, spares int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return nil, 0, err
	}
	n := l.upTo(ts, keep)
	return l.segments[:n:n], l.opts.Spares - len(l.spares), nil
}

// upTo returns how many segments have nothing younger than ts, and lower numbers than
// keep. The last one is never among them. The caller holds mu.
func (l *Log) upTo(ts, keep uint64) (n int) {
	for n+1 < len(l.segments) && l.segments[n+1].base <= ts && l.segments[n].number < keep {
		n++
	}
	return n
}

// recycle makes a spare of the oldest segment.
func (l *Log) recycle(h header) error {
	l.spareSeq++
	spare := spareName(l.spareSeq)
	if err := l.fs.Rename(l.path(h), filepath.Join(l.dir, spare)); err != nil {
		return err
	}
	if err := l.gone(); err != nil {
		return err
	}
	l.pushSpares(spare)
	return nil
}

// remove removes the oldest segment.
func (l *Log) remove(h header) error {
	if err := l.fs.Remove(l.path(h)); err != nil {
		return err
	}
	return l.gone()
}

func (l *Log) path(h header) string { return filepath.Join(l.dir, segmentName(h.number)) }

// gone takes the oldest segment, which no longer has its name, out of the list.
// The directory is synced each time: a crash must not bring back a segment
// without those behind it, nor one that was written to as a spare.
func (l *Log) gone() error {
	l.drop()
	return l.fail(l.fs.SyncDir(l.dir))
}

// drop takes the oldest segment out of the list.
func (l *Log) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = l.segments[1:]
}
