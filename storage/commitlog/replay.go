package commitlog

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// Replay delivers the groups that have timestamps younger than after, in order, those
// of a segment at a time, which are valid until deliver returns. The next segment is
// read meanwhile. Then it gets the log ready to be appended to, in a new segment. It is
// called once, before anything else. An error of deliver ends it and is returned. A
// group with after as its first and last timestamp may be one without a commit of its
// own that stands behind that commit, so it is delivered too.
//
// After is how far the log is not needed, the timestamp up to which everything
// is kept elsewhere: if the log begins later than that, a segment is missing.
//
// Progress, unless it is nil, is told from time to time how many of all the bytes
// to be read are done.
func (l *Log) Replay(after uint64, deliver func([]Frame) error, progress func(done, all int64)) error {
	if err := l.enterStage(opened, replaying); err != nil {
		return err
	}
	from, err := l.firstNeeded(after)
	if err != nil {
		return err
	}
	needed := func(f Frame) bool { return f.Last > after || f.First == after }
	r := replay{log: l, headers: l.segments[from:], deliver: deliver, progress: progress}
	c, err := r.run(needed)
	if err != nil {
		return err
	}
	l.wasClosed = c.closed || len(r.headers) == 0
	if err := l.resume(c, max(after, c.last, l.newestBase())); err != nil {
		return located(err)
	}
	return l.enterStage(replaying, ready)
}

// enterStage goes from one stage to the next.
func (l *Log) enterStage(from, to stage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage == ended {
		return ErrClosed
	}
	if l.stage != from {
		return ErrNotReplayed
	}
	l.stage = to
	return nil
}

// firstNeeded is the index of the newest segment before which nothing is to be
// delivered. A segment that begins after just that timestamp may follow one that has
// groups without commits of their own there.
func (l *Log) firstNeeded(after uint64) (int, error) {
	if len(l.segments) == 0 {
		if after > l.opts.After {
			return 0, corrupt(1, 0, ErrSegmentMissing, "there is none at all, and there were commits up to timestamp %d", after)
		}
		return 0, nil
	}
	for i := len(l.segments) - 1; i >= 0; i-- {
		if base := l.segments[i].base; base < after || i == 0 && base == after {
			return i, nil
		}
	}
	oldest := l.segments[0]
	return 0, corrupt(oldest.number-1, 0, ErrSegmentMissing, "the log begins after timestamp %d, and is needed after %d", oldest.base, after)
}

// newestBase is the base of the last segment: a group that began before it and
// was lost with the crash may have used timestamps up to there.
func (l *Log) newestBase() uint64 {
	if len(l.segments) == 0 {
		return l.opts.After
	}
	return l.segments[len(l.segments)-1].base
}

// replay reads consecutive segments.
type replay struct {
	log      *Log
	headers  []header
	deliver  func([]Frame) error
	progress func(done, all int64)
}

// run delivers the groups that are needed, and returns what they were read as.
func (r *replay) run(needed func(Frame) bool) (*chain, error) {
	var done, all int64
	for _, h := range r.headers {
		all += h.size
	}
	r.tell(0, all)
	a := r.log.readAhead(r.headers, needed)
	defer a.end()
	for s := range a.segments {
		if s.err != nil {
			return nil, s.err
		}
		if len(s.groups) > 0 {
			if err := r.deliver(s.groups); err != nil {
				return nil, err
			}
		}
		done += s.size
		r.tell(done, all)
	}
	return a.chain, a.chain.finish()
}

func (r *replay) tell(done, all int64) {
	if r.progress != nil {
		r.progress(done, all)
	}
}

// resume starts a new segment and seals those that have no seal. The new one is
// there first, and the oldest gets its seal first, so that a crash in between
// leaves what the next opening accepts.
func (l *Log) resume(c *chain, last uint64) error {
	h, file, err := l.newSegment(last)
	if err != nil {
		return err
	}
	if err := l.settle(c); err != nil {
		file.Close()
		return err
	}
	l.writer.last = last
	l.mu.Lock()
	l.last = last
	l.mu.Unlock()
	l.enter(h, file)
	return nil
}

// settle makes sure that what was delivered is on the disk, and seals it.
func (l *Log) settle(c *chain) error {
	if c.newest.sealed {
		if err := l.rewrite(c.newest, (*writer).close); err != nil {
			return err
		}
	}
	for _, t := range c.open {
		if err := l.rewrite(t, (*writer).finish); err != nil {
			return err
		}
	}
	return nil
}

// rewrite writes the last write to a segment once more, and ends the segment. That
// write may never have been acknowledged. If its sync failed, it can be read as
// long as the system is up, and no sync will ever write it, since the system
// takes it for written.
func (l *Log) rewrite(t tail, finish func(*writer) error) error {
	path := l.path(header{number: t.segment})
	from := t.write &^ (fsys.BlockSize - 1)
	last := make([]byte, t.position-from)
	if err := readPart(l.fs, path, last, from); err != nil {
		return fmt.Errorf("segment %d: %w", t.segment, err)
	}
	file, err := l.fs.Direct(path)
	if err != nil {
		return err
	}
	w := writer{file: file, seed: seedOf(l.store, t.segment)}
	w.goOn(from)
	w.write = t.write
	if err = w.copy(last); err == nil {
		err = finish(&w)
	}
	if err != nil {
		file.Close()
		return fmt.Errorf("segment %d: %w", t.segment, err)
	}
	return nil
}
