package deps

import (
	"context"
	"slices"

	"github.com/tierceldb/tiercel/storage"
)

// The parts of Commit, for tests that stop between them.

// Vote is vote.
func (m *Manager) Vote(r *Record) error { return m.vote(context.Background(), r) }

// CheckOutside is checkOutside; it reports whether nothing was in the way.
func (m *Manager) CheckOutside(r *Record) bool { return m.checkOutside(r) == nil }

// PassThrough takes r through the section, and others who have arrived before,
// and reports who passed.
func (m *Manager) PassThrough(r *Record, others ...*Record) []bool {
	arrivals := make([]*arrival, len(others))
	for i, other := range others {
		arrivals[i] = &arrival{record: other}
		m.section.push(arrivals[i])
	}
	through := []bool{m.passThrough(r).outcome == passed}
	for _, a := range arrivals {
		through = append(through, a.outcome == passed)
	}
	return through
}

// Release is release, of a committed transaction.
func (m *Manager) Release(r *Record) { m.release(r, r.CommitTS()) }

// Leave is leave.
func (m *Manager) Leave(r *Record) { m.leave(r) }

// Undo is undo of a whole vote.
func (m *Manager) Undo(r *Record) { m.undo(r, len(r.Writes)) }

// Scan and Step are the parts of a purge.
func (m *Manager) Scan() { m.scan() }

// Step is step without a budget.
func (m *Manager) Step() { m.step(int(^uint(0) >> 1)) }

// Scanned is what the last scan found.
type Scanned struct {
	M, Horizon      uint64
	Active, Updates []uint64
}

// Scanned returns what the last scan found.
func (m *Manager) Scanned() Scanned {
	p := &m.purge
	return Scanned{M: p.m.Load(), Horizon: p.horizon.Load(), Active: p.active, Updates: slices.Compact(slices.Clone(p.updates))}
}

// Aside calls fn with everything that is set aside, and the snapshot it is set
// aside for (with pool.Update added if it waits for an update transaction); and
// with what was freed, and 0.
func (m *Manager) Aside(fn func(snapshot uint64, o *storage.Object, v *storage.Version)) {
	for snapshot, list := range m.purge.aside {
		for _, e := range list {
			fn(snapshot, e.object, e.version)
		}
	}
	for _, e := range m.purge.freed {
		fn(0, e.object, e.version)
	}
}

// Done returns how many records the purge has looked at.
func (m *Manager) Done() uint64 { return m.purge.done.records }
