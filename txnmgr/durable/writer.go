package durable

import (
	"math"
	"runtime"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/redo"
)

// writer brings commits to the log, in commit order: one write and one sync for all
// that has become visible since the last.
//
// A commit that finds nobody writing does it itself, which saves two wake-ups, and
// with a single client that is the difference to the bare disk. It writes until its
// own record is on the disk; what has come meanwhile it leaves to a goroutine that
// goes on for as long as there is something. So no client works for the others for
// ever, and with many of them one goroutine does nothing else.
type writer struct {
	deps *deps.Manager
	log  *commitlog.Log

	_    pad.Line
	busy atomic.Bool
	_    pad.Line

	wake chan struct{} // one element: there may be something to write
	quit chan struct{}
	gone chan struct{}

	mu      sync.Mutex // protects following fields
	notes   []*note    // to be written, oldest first
	stopped bool       // none will be written any more

	// What follows belongs to who is busy.
	list    *deps.Follower
	written uint64 // timestamp of the last frame
	company uint64 // commits in the last write
	buf     []byte
	ends    []end
	frames  []commitlog.Frame
	onWrite func(upTo uint64)
}

// end is where a frame ends in buf.
type end struct {
	at          int
	first, last uint64
}

// note is a payload that is not a commit. It stands behind the commits that were
// visible when it came, and the notes that came before it, and ahead of all others: so
// what is prepared stands behind what it was validated against, and its end ahead of
// those for whom that made room.
type note struct {
	payload []byte        // nil: nothing is written, it is only waited for
	of      *kept         // that it has, if it is of a prepared transaction
	after   uint64        // V when it came
	done    chan struct{} // closed when it is on the disk, or never will be
	err     error         // before that
}

// frameSize is how many bytes of commits go into a frame, about.
const frameSize = 4 << 20

// gatherings is how often others are let run before a write, at most.
const gatherings = 8

// maxBuffer is how large a buffer is kept for the next write.
const maxBuffer = 64 << 20

// start is called when the log is replayed and the watermarks are set.
func (w *writer) start(m *deps.Manager, log *commitlog.Log, onWrite func(upTo uint64)) {
	w.deps, w.log, w.onWrite = m, log, onWrite
	w.list, w.written = m.Follow(), m.Visible()
	w.wake, w.quit, w.gone = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go w.run()
}

// run writes what others have left.
func (w *writer) run() {
	defer close(w.gone)
	for {
		select {
		case <-w.quit:
			return
		case <-w.wake:
			w.writeAll()
		}
	}
}

// writeAll writes until there is nothing more, unless somebody else does.
func (w *writer) writeAll() {
	for w.isBehind() && w.enter() {
		for w.round() {
		}
		w.busy.Store(false)
	}
}

// writeUpTo writes until ts is durable, if nobody else is writing. It reports
// whether it did.
func (w *writer) writeUpTo(ts uint64) bool {
	if !w.enter() {
		return false
	}
	for w.deps.DurableUpTo() < ts && w.round() {
	}
	w.busy.Store(false)
	// Who came in between found it busy, and waits for whoever looks here.
	w.nudge()
	return true
}

func (w *writer) enter() bool { return !w.busy.Load() && w.busy.CompareAndSwap(false, true) }

// nudge has what is there written soon, or refused if the log has failed.
func (w *writer) nudge() {
	if w.deps.LogFailed() != nil {
		w.refuse()
	} else if !w.busy.Load() && w.isBehind() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// isBehind reports whether there is something to write.
func (w *writer) isBehind() bool {
	if w.deps.LogFailed() != nil {
		return false
	}
	return w.deps.DurableUpTo() < w.deps.Visible() || w.hasNotes()
}

func (w *writer) hasNotes() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.notes) > 0
}

// leave leaves a payload to be written.
func (w *writer) leave(n *note) {
	n.done = make(chan struct{})
	w.mu.Lock()
	stopped := w.stopped
	if !stopped {
		n.after = w.deps.Visible()
		w.notes = append(w.notes, n)
	}
	w.mu.Unlock()
	if stopped {
		n.err = ErrClosed
		close(n.done)
		return
	}
	w.nudge()
}

// take returns the notes that do not stand behind a commit after upTo.
func (w *writer) take(upTo uint64) []*note {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(w.notes) && w.notes[n].after <= upTo {
		n++
	}
	notes := w.notes[:n:n]
	w.notes = w.notes[n:]
	return notes
}

// gather lets others run until half as many commits have come as were in the last
// write. Without that the first of those who have just been told would write alone,
// and all others wait for the next write. With all of them, nobody would compute while
// the disk is at work; so it is two parties that take turns. A client that is alone is
// not delayed.
func (w *writer) gather() {
	for range gatherings {
		before := w.deps.Visible()
		if before-w.deps.DurableUpTo() >= w.company/2 {
			return
		}
		runtime.Gosched()
		if w.deps.Visible() == before {
			return
		}
	}
}

// round writes what there is once. It reports whether that was anything.
func (w *writer) round() bool {
	if w.deps.LogFailed() != nil {
		return false
	}
	w.gather()
	upTo := w.deps.Visible()
	notes := w.take(upTo)
	if upTo == w.deps.DurableUpTo() && len(notes) == 0 {
		return false
	}
	w.company = upTo - w.deps.DurableUpTo()
	w.deps.Writing(upTo)
	room := w.encode(notes, upTo)
	w.enclose(notes)
	err := w.log.Append(w.frames...)
	w.log.Release(room)
	if err != nil {
		w.deps.FailLog(err)
	} else {
		w.written = upTo
		w.deps.Durable()
	}
	settleNotes(notes, err)
	if err != nil {
		w.refuse() // what was left in the meantime; who comes later sees that the log has failed
	}
	w.onWrite(upTo)
	return err == nil
}

// settleNotes tells what became of notes.
func settleNotes(notes []*note, err error) {
	for _, n := range notes {
		if n.err = err; err == nil && n.of != nil {
			n.of.written.Store(true)
		}
		close(n.done)
	}
}

// refuse lets nobody wait for a note that will not be written.
func (w *writer) refuse() {
	err := w.deps.LogFailed()
	if err == nil {
		err = ErrClosed
	}
	settleNotes(w.take(math.MaxUint64), err)
}

// encode appends the records up to a group's end to buf, and returns the room that
// was reserved for them. A frame ends where a note goes.
func (w *writer) encode(notes []*note, upTo uint64) (room int64) {
	if cap(w.buf) > maxBuffer {
		w.buf = nil
	}
	w.buf, w.ends = redo.AppendHeader(w.buf[:0]), w.ends[:0]
	first, before := w.written+1, uint64(0)
	for r := w.list.Next(upTo); r != nil; r = w.list.Next(upTo) {
		ts := r.CommitTS()
		cut := w.full() || r.Room > frameSize // a large one may fill a frame alone
		for len(notes) > 0 && notes[0].after < ts {
			cut, notes = true, notes[1:]
		}
		if cut && before != 0 {
			w.ends = append(w.ends, end{at: len(w.buf), first: first, last: before})
			w.buf = redo.AppendHeader(w.buf)
			first, before = ts, 0
		}
		w.buf = redo.AppendCommit(w.buf, before, ts, r.XID(), len(r.Writes))
		w.buf = appendWrites(w.buf, r.Writes)
		room += r.Room
		before = ts
	}
	w.list.Rest()
	if invariants.Enabled && upTo > w.written && before != upTo {
		invariants.Violated("I6: the log goes to %d, and the list to %d", upTo, before)
	}
	if before != 0 {
		w.ends = append(w.ends, end{at: len(w.buf), first: first, last: before})
	}
	return room
}

// full reports whether the frame that is being encoded should end.
func (w *writer) full() bool {
	begin := 0
	if n := len(w.ends); n > 0 {
		begin = w.ends[n-1].at
	}
	return len(w.buf)-begin > frameSize
}

func appendWrites(buf []byte, writes []deps.Write) []byte {
	for i := range writes {
		if v := writes[i].Version; v.Tombstone() {
			buf = redo.AppendDelete(buf, writes[i].Object.Key())
		} else {
			buf = redo.AppendPut(buf, writes[i].Object.Key(), v.Value())
		}
	}
	return buf
}

// enclose makes frames of what is encoded, and of the notes.
func (w *writer) enclose(notes []*note) {
	w.frames = w.frames[:0]
	last, begin := w.written, 0
	for _, e := range w.ends {
		notes = w.encloseNotes(notes, last, e.first)
		w.frames = append(w.frames, commitlog.Frame{First: e.first, Last: e.last, Payload: w.buf[begin:e.at]})
		last, begin = e.last, e.at
	}
	w.encloseNotes(notes, last, math.MaxUint64)
}

// encloseNotes makes frames of the notes that go before a timestamp, and returns the
// others. A frame without commits repeats the last timestamp.
func (w *writer) encloseNotes(notes []*note, last, before uint64) []*note {
	for len(notes) > 0 && notes[0].after < before {
		n := notes[0]
		notes = notes[1:]
		if n.payload != nil && (n.of == nil || !n.of.isOver(last)) {
			w.frames = append(w.frames, commitlog.Frame{First: last, Last: last, Payload: n.payload})
		}
	}
	return notes
}

// stop writes what is there, and no more afterwards.
func (w *writer) stop() {
	close(w.quit)
	<-w.gone
	for !w.enter() {
		pause()
	}
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	for w.round() {
	}
	w.refuse()
}
