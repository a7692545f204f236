package commitlog

import (
	"fmt"
	"path/filepath"

	"github.com/tierceldb/tiercel/internal/fsys"
)

const (
	// tailRoom is left free at the end of a segment, for the mark of a log that is
	// closed and the seal behind it.
	tailRoom = 2 * frameHeader

	// minPart is the least payload for which a group is cut in two.
	minPart = 64

	// buffered is how many bytes are gathered before they are written: a larger
	// Append takes more than one write, but still one sync.
	buffered = 1 << 20
)

// writer is where the log is being written: past the cache of the system, in whole
// blocks. Against a write through it that is half the processor time, and a sync does
// not wait for what else the cache has to write. A block that is not full yet is
// written again with what comes next, its beginning as it was.
type writer struct {
	file fsys.File
	seed uint32
	size int64 // of the segment

	position int64 // of the next frame
	write    int64 // position at which the write that is not synced yet begins

	// buf are the bytes from begin, a multiple of the block size, up to position. What
	// is before flushed is written.
	buf            []byte
	begin, flushed int64

	last  uint64 // of the groups put
	syncs uint64
}

// Append writes groups behind what is there, with one write and one sync for all
// of them, and returns when they are on the disk. Their timestamps must ascend:
// the first of each is younger than the last of the one before (see Last); or
// the group has no commit of its own, and repeats that last timestamp as its
// first and last.
//
// If it fails for another reason than what it was given (ErrOrder, ErrTooLarge),
// the groups may be on the disk or not, a crash may show them or not, and every
// later call gets an error that matches ErrFailed and the cause.
func (l *Log) Append(frames ...Frame) error {
	if err := l.admit(frames); err != nil || len(frames) == 0 {
		return err
	}
	if err := l.write(frames); err != nil {
		return l.fail(err)
	}
	l.note(frames)
	return nil
}

// admit looks whether the frames can be appended.
func (l *Log) admit(frames []Frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	last := l.last
	for _, f := range frames {
		if !inOrder(last, f.First, f.Last) {
			return fmt.Errorf("commitlog: %w: %d to %d after %d", ErrOrder, f.First, f.Last, last)
		}
		if len(f.Payload) > MaxPayload {
			return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(f.Payload))
		}
		last = f.Last
	}
	return nil
}

// write puts the frames on the disk.
func (l *Log) write(frames []Frame) error {
	l.writer.write = l.writer.position
	for _, f := range frames {
		if err := l.put(f); err != nil {
			return err
		}
	}
	return l.writer.sync()
}

// note counts what was appended.
func (l *Log) note(frames []Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = frames[len(frames)-1].Last
	l.free = l.writer.free()
	l.appended.Frames += uint64(len(frames))
	for _, f := range frames {
		l.appended.Bytes += uint64(len(f.Payload))
	}
	l.appended.Syncs = l.writer.syncs
}

// put puts one group into the segment, and what does not fit into the next ones.
func (l *Log) put(f Frame) error {
	w := &l.writer
	base := w.last // of the next segment, if nothing of the group is in this one
	for rest, begun := f.Payload, false; ; {
		n, ok := w.fits(len(rest))
		if ok {
			done := n == len(rest)
			if err := w.emit(part{kind: partKind(begun, done), first: f.First, last: f.Last, payload: rest[:n]}); err != nil {
				return err
			}
			if done {
				w.last = f.Last
				return nil
			}
			rest, begun, base = rest[n:], true, f.Last
		}
		if err := l.roll(base); err != nil {
			return err
		}
	}
}

// partKind is the kind of a frame that holds a group's payload from its beginning
// or not, and to its end or not.
func partKind(begun, done bool) kind {
	switch {
	case done && !begun:
		return whole
	case done:
		return end
	case begun:
		return middle
	}
	return begin
}

// fits tells how much of a payload of n bytes goes into the segment. It is not ok
// to put so little there.
func (w *writer) fits(n int) (int, bool) {
	room := w.size - tailRoom - w.position
	if frameSize(n) <= room {
		return n, true
	}
	return int(room - frameHeader), room >= frameHeader+minPart
}

// emit puts a frame at the position.
func (w *writer) emit(p part) error {
	p.position, p.write = w.position, w.write
	h := p.header(w.seed)
	if err := w.copy(h[:]); err != nil {
		return err
	}
	if err := w.copy(p.payload); err != nil {
		return err
	}
	var zeros [frameAlign]byte
	return w.copy(zeros[:padding(len(p.payload))])
}

// copy puts bytes at the position.
func (w *writer) copy(b []byte) error {
	for {
		n := copy(w.buf[len(w.buf):cap(w.buf)], b)
		w.buf = w.buf[:len(w.buf)+n]
		w.position += int64(n)
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
}

// flush writes what is in the buffer, and zeros behind it.
func (w *writer) flush() error {
	if w.flushed == w.position {
		return nil
	}
	n := len(w.buf)
	full := n &^ (fsys.BlockSize - 1)
	blocks := w.buf[:(n+fsys.BlockSize-1)&^(fsys.BlockSize-1)]
	clear(blocks[n:])
	_, err := w.file.WriteAt(blocks, w.begin)
	w.buf = w.buf[:copy(w.buf, blocks[full:n])]
	w.begin += int64(full)
	w.flushed = w.position
	return err
}

// goOn makes a position, which is a multiple of the block size, that of the next frame.
func (w *writer) goOn(position int64) {
	if w.buf == nil {
		w.buf = fsys.Blocks(buffered)
	}
	w.buf = w.buf[:0]
	w.begin, w.flushed, w.position, w.write = position, position, position, position
}

// sync puts all up to the position on the disk.
func (w *writer) sync() error {
	if err := w.flush(); err != nil {
		return err
	}
	w.syncs++
	return w.file.Datasync()
}

// mark writes that the log was closed.
func (l *Log) mark() error {
	w := &l.writer
	w.write = w.position
	if err := w.emit(part{kind: closed}); err != nil {
		return err
	}
	return w.sync()
}

// roll seals the segment and goes on in a new one: what a crash finds is never a
// seal with nothing behind it, nor frames behind a segment without a seal.
func (l *Log) roll(base uint64) error {
	w := &l.writer
	h, file, err := l.newSegment(base)
	if err != nil {
		return err
	}
	if err := w.finish(); err != nil {
		file.Close()
		return err
	}
	l.enter(h, file)
	return nil
}

// finish seals the segment and closes it.
func (w *writer) finish() error {
	if err := w.emit(part{kind: sealed}); err != nil {
		return err
	}
	return w.close()
}

// close closes the segment with what was put.
func (w *writer) close() error {
	if err := w.sync(); err != nil {
		return err
	}
	return w.file.Close()
}

// enter makes a new segment the one that is written.
func (l *Log) enter(h header, file fsys.File) {
	w := &l.writer
	w.file, w.size, w.seed = file, h.size, seedOf(h.store, h.number)
	w.goOn(segmentHeader)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, h)
	l.begun++
	l.free = w.free()
}

// newSegment turns a spare into the next segment, ready to be written.
func (l *Log) newSegment(base uint64) (header, fsys.File, error) {
	spare, err := l.takeSpare()
	if err != nil {
		return header{}, nil, err
	}
	h := header{store: l.store, number: l.nextNumber(), base: base, size: l.opts.SegmentBytes}
	name := filepath.Join(l.dir, segmentName(h.number))
	if err := l.inscribe(filepath.Join(l.dir, spare), h); err != nil {
		return h, nil, err
	}
	if err := l.fs.Rename(filepath.Join(l.dir, spare), name); err != nil {
		return h, nil, err
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return h, nil, err
	}
	file, err := l.fs.Direct(name)
	return h, file, err
}

// inscribe writes a header into a file. It is on the disk before the file is
// called a segment.
func (l *Log) inscribe(name string, h header) error {
	f, err := l.fs.Direct(name)
	if err != nil {
		return err
	}
	block := fsys.Blocks(segmentHeader)
	copy(block, h.encode())
	if _, err = f.WriteAt(block, 0); err == nil {
		err = f.Datasync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// nextNumber is the number of the next segment.
func (l *Log) nextNumber() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return 1
	}
	return l.segments[len(l.segments)-1].number + 1
}
