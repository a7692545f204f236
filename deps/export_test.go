package deps

import (
	"context"

	"github.com/tierceldb/tiercel/storage"
)

// What the tests have to know of the bounds.
const (
	FewKeys    = fewKeys
	FewRecords = fewRecords
	ScanEvery  = scanEvery
	MostWork   = mostWork
)

// The parts of Commit, for tests that stop between them.

// Vote is vote.
func (m *Manager) Vote(ctx context.Context, r *Record) error { return m.vote(r, &Patience{Txn: ctx}) }

// Finish is finish.
func (m *Manager) Finish(r *Record) error {
	_, err := m.finish(passage{record: r})
	return err
}

// CheckOutside is checkOutside.
func (m *Manager) CheckOutside(r *Record) *Conflict { return m.checkOutside(r) }

// Admit takes r through the section, with no look at its reads outside.
func (m *Manager) Admit(r *Record) (clash *Conflict, isStale bool) {
	v := m.passThrough(passage{record: r})
	return v.clash, v.outcome == stale
}

// Undo is undo of a whole vote.
func (m *Manager) Undo(r *Record) { m.undo(r, len(r.Writes)) }

// Release is what Commit does behind the section, but for the purge.
func (m *Manager) Release(r *Record) {
	m.release(r, r.CommitTS())
	m.leave(r)
}

// IsSmall is isSmall.
func (s *ReadSet) IsSmall() bool { return s.isSmall() }

// HoldSection enters the section, and leaves it, serving who has arrived, when the
// result is called.
func (m *Manager) HoldSection() (leave func()) {
	for !m.section.enter() {
		pause()
	}
	return func() { m.serve(nil) }
}

// Arrivals returns how many have arrived at the section and are not served.
func (m *Manager) Arrivals() (n int) {
	for a := m.section.arrived.Load(); a != nil; a = a.behind {
		n++
	}
	return n
}

// Tail returns the last record of the committed list.
func (m *Manager) Tail() *Record { return m.section.tail.Load() }

// Committed returns the records behind one.
func (m *Manager) Committed(behind *Record) (records []*Record) {
	for r := behind.next.Load(); r != nil; r = r.next.Load() {
		records = append(records, r)
	}
	return records
}

// Acquire is acquire of an object that r does not hold, in mode Update.
func (m *Manager) Acquire(ctx context.Context, r *Record, o *storage.Object) (storage.LockResult, error) {
	return m.acquire(r, o, storage.Unlocked, storage.Update, &Patience{Txn: ctx})
}

// Unlock lets go of what Acquire got.
func (m *Manager) Unlock(o *storage.Object) { m.lower(o, storage.Update, storage.Unlocked) }

// Waiting returns how many wait for an object.
func (m *Manager) Waiting(o *storage.Object) (n int) {
	s := m.waits.of(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.queue {
		if w.object == o {
			n++
		}
	}
	return n
}

// HoldPurge keeps everybody from purging until the result is called.
func (m *Manager) HoldPurge() (release func()) {
	m.purge.mu.Lock()
	return m.purge.mu.Unlock
}

// Scan is scan.
func (m *Manager) Scan() {
	m.purge.mu.Lock()
	defer m.purge.mu.Unlock()
	m.scan()
}

// Step is step.
func (m *Manager) Step(budget int) {
	m.purge.mu.Lock()
	defer m.purge.mu.Unlock()
	m.step(budget)
}

// PurgeState is how far the purge is.
type PurgeState struct {
	Horizon uint64
	Writes  int            // of the committed list that are still to be looked at
	Aside   map[uint64]int // by snapshot, how many versions are set aside
	Freed   int            // of lists of snapshots that are gone
}

// PurgeState returns how far the purge is.
func (m *Manager) PurgeState() PurgeState {
	p := &m.purge
	p.mu.Lock()
	defer p.mu.Unlock()
	st := PurgeState{
		Horizon: p.horizon.Load(),
		Writes:  int(m.section.tail.Load().total - p.done.writes),
		Aside:   make(map[uint64]int),
		Freed:   len(p.freed),
	}
	for snapshot, list := range p.aside {
		st.Aside[snapshot] = len(list)
	}
	return st
}

// GroupEnd is groupEnd.
func (r *Record) GroupEnd() *Record { return r.groupEnd() }

// CutBehind cuts the list behind r, as the purge does.
func (r *Record) CutBehind() { r.next.Store(nil) }
