package deps

import (
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/internal/pad"
)

// durability has the watermarks of a store with a log: D, up to which the log is on
// the disk, and R, at which read-only transactions begin. R is D, or the end of the
// group of the newest commit that was acknowledged without waiting for the disk.
// Both move from group end to group end only (I6).
//
// # Who waits
//
// A commit waits for the write that its record goes into: for the one that is under
// way, if that has taken it along, and else for the next. So each is woken once,
// and all of one write by one close of a channel.
type durability struct {
	_        pad.Line
	_        pad.Align64
	durable  atomic.Uint64 // D
	_        pad.Line
	_        pad.Align64
	readable atomic.Uint64 // R
	_        pad.Line

	mu      sync.Mutex    // protects following fields
	writing uint64        // the write under way takes along everything up to here
	present chan struct{} // closed when that is on the disk; nil if none is under way
	next    chan struct{} // likewise of the write after that
	failed  error
	dead    atomic.Bool // failed is not nil
}

func (d *durability) init() { d.next = make(chan struct{}) }

// Writing says that a write begins which takes along everything up to ts, a group's end.
func (m *Manager) Writing(ts uint64) {
	d := &m.durability
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writing = ts
	d.present, d.next = d.next, make(chan struct{})
}

// Durable says that what Writing has announced is on the disk: D is that, and R at
// least that.
func (m *Manager) Durable() {
	d := &m.durability
	if invariants.Enabled && (d.writing < d.durable.Load() || d.writing > m.visible.Load()) {
		invariants.Violated("I6: D goes from %d to %d, with V at %d", d.durable.Load(), d.writing, m.visible.Load())
	}
	raise(&d.readable, d.writing) // first: who finds D there begins at R next, and must see its own commit (I4)
	d.durable.Store(d.writing)
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.present)
	d.present = nil
}

// FailLog says that the write under way failed, and that nothing will be written any
// more. Who waits for it is told err.
func (m *Manager) FailLog(err error) {
	d := &m.durability
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed == nil {
		d.failed = err
		d.dead.Store(true)
		if d.present != nil {
			close(d.present)
		}
		close(d.next)
	}
}

// LogFailed returns why nothing is written any more, or nil.
func (m *Manager) LogFailed() error {
	if !m.durability.dead.Load() {
		return nil
	}
	m.durability.mu.Lock()
	defer m.durability.mu.Unlock()
	return m.durability.failed
}

// DurableFrom returns nil if D has reached ts, or what is closed when it may have
// been. The error is that of FailLog.
func (m *Manager) DurableFrom(ts uint64) (<-chan struct{}, error) {
	d := &m.durability
	if d.durable.Load() >= ts {
		return nil, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.durable.Load() >= ts:
		return nil, nil
	case d.failed != nil:
		return nil, d.failed
	case ts <= d.writing:
		return d.present, nil
	}
	return d.next, nil
}

// DurableUpTo returns D.
func (m *Manager) DurableUpTo() uint64 { return m.durability.durable.Load() }

// Visible returns V.
func (m *Manager) Visible() uint64 { return m.visible.Load() }

// Readable returns R.
func (m *Manager) Readable() uint64 { return m.readable.Load() }

// Acknowledge makes the committed r readable, and with it its group and everything
// before, although it need not be durable yet.
func (m *Manager) Acknowledge(r *Record) {
	for m.durability.readable.Load() < r.CommitTS() {
		if end := r.groupEnd(); end != nil {
			raise(&m.durability.readable, end.CommitTS())
		}
	}
}

// groupEnd returns the last record of the group of r, which is committed; or nil if the
// list was cut behind r: while R is below r it is not.
func (r *Record) groupEnd() *Record {
	for r != nil && !r.endsGroup {
		r = r.next.Load()
	}
	return r
}

// raise makes mark at least ts.
func raise(mark *atomic.Uint64, ts uint64) {
	for {
		old := mark.Load()
		if old >= ts || mark.CompareAndSwap(old, ts) {
			return
		}
	}
}
