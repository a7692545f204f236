package deps

import (
	"math"
	"slices"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// Follower goes along the committed list, for one goroutine: to the log, or to the
// engine. The list is not cut before it has passed.
type Follower struct {
	m  *Manager
	at *Record // the last that it has passed
	_  pad.Align64
	// passed is the timestamp of at, for the purge to look at.
	passed atomic.Uint64
}

// followers are those that there are. A manager has two, or none.
type followers struct {
	mu  sync.Mutex // protects following field
	all []*Follower
}

// Follow returns a follower that has passed what is committed.
func (m *Manager) Follow() *Follower {
	f := &Follower{m: m}
	m.follow.mu.Lock()
	defer m.follow.mu.Unlock()
	f.at = m.section.tail.Load()
	f.passed.Store(f.at.CommitTS())
	m.follow.all = append(m.follow.all, f)
	return f
}

// Unfollow lets the list be cut without regard to f.
func (m *Manager) Unfollow(f *Follower) {
	m.follow.mu.Lock()
	defer m.follow.mu.Unlock()
	m.follow.all = slices.DeleteFunc(m.follow.all, func(x *Follower) bool { return x == f })
}

// lowest returns the lowest timestamp that a follower has passed.
func (s *followers) lowest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	low := uint64(math.MaxUint64)
	for _, f := range s.all {
		low = min(low, f.passed.Load())
	}
	return low
}

// Next passes the next record, if there is one up to limit, and returns it.
func (f *Follower) Next(limit uint64) *Record {
	next := f.at.next.Load()
	if next == nil || next.CommitTS() > limit {
		return nil
	}
	f.at = next
	return next
}

// Rest lets the list be cut up to where the follower is.
func (f *Follower) Rest() { f.passed.Store(f.at.CommitTS()) }

// Passed returns the timestamp of the last record that was passed.
func (f *Follower) Passed() uint64 { return f.at.CommitTS() }

// EndsGroup reports whether r, which is committed, is the last of its group.
func (r *Record) EndsGroup() bool { return r.endsGroup }
