package deps

import (
	"math"
	"slices"

	"github.com/tierceldb/tiercel/storage"
)

// What TestReplayStore does with a manager beyond export_test.go.

// PassThrough takes r through the section, and others who have arrived before,
// and reports who passed.
func (m *Manager) PassThrough(r *Record, others ...*Record) []bool {
	arrivals := make([]*arrival, len(others))
	for i, other := range others {
		arrivals[i] = &arrival{passage: passage{record: other}}
		m.section.push(arrivals[i])
	}
	through := []bool{m.passThrough(passage{record: r}).outcome == passed}
	for _, a := range arrivals {
		through = append(through, a.outcome == passed)
	}
	return through
}

// Stamp is release.
func (m *Manager) Stamp(r *Record) { m.release(r, r.CommitTS()) }

// Leave is leave.
func (m *Manager) Leave(r *Record) { m.leave(r) }

// StepAll is step without a budget.
func (m *Manager) StepAll() { m.step(math.MaxInt) }

// Scanned is what the last scan found.
type Scanned struct {
	M               uint64
	Active, Updates []uint64
}

// Scanned returns what the last scan found.
func (m *Manager) Scanned() Scanned {
	p := &m.purge
	return Scanned{M: p.m.Load(), Active: p.active, Updates: slices.Compact(slices.Clone(p.updates))}
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
