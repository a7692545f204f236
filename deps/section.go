package deps

import (
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// section is where commits get their order. Who finds it free passes through and
// takes along all who have arrived in the meantime: they form one group, and
// become visible by one store. The others wait for their record to be done, or
// for the section to be free, whichever comes first; nobody is handed the
// section, since a hand-over costs a wake-up, and a queue of sleepers that are
// woken one by one (a convoy) never gets shorter again.
//
// In the section nothing waits, no object lock is taken, and no user code runs.
type section struct {
	busy atomic.Bool
	_    pad.Line
	// arrived is a stack of records, newest first, linked by behind.
	arrived atomic.Pointer[Record]
	_       pad.Line

	// tail is the last record of the committed list. Changed in the section.
	tail atomic.Pointer[Record]
	last uint64 // its timestamp; owned by whoever is in the section
	_    pad.Line
}

type outcome uint8

const (
	passed     outcome = iota
	conflicted         // Record.clash says with whom
	forced             // ended from outside
	stale              // too much was committed since the check outside
)

// Phases of a record in the section.
const (
	arrivedPhase = iota
	parkedPhase
	donePhase
)

func (s *section) enter() bool { return !s.busy.Load() && s.busy.CompareAndSwap(false, true) }

// finish takes r through the section.
func (m *Manager) finish(r *Record) error {
	for {
		if c := m.checkOutside(r); c != nil {
			return c
		}
		m.passThrough(r)
		switch r.outcome {
		case passed:
			return nil
		case conflicted:
			return r.clash
		case forced:
			return ErrEnded
		case stale:
			r.phase.Store(arrivedPhase)
		}
	}
}

func (m *Manager) passThrough(r *Record) {
	if m.section.enter() {
		m.serve(r)
		return
	}
	m.section.push(r)
	for range spins {
		if r.phase.Load() == donePhase {
			return
		}
		if m.section.enter() {
			m.serve(nil)
			continue
		}
		pause()
	}
	m.park(r)
}

// park sleeps until r is done. Whoever leaves the section looks at the arrivals
// afterwards, and r is among them; so either that look finds r, or the attempt
// to enter here finds the section free.
func (m *Manager) park(r *Record) {
	if r.wake == nil { // a second time it may still be looked at, and does as well
		r.wake = make(chan struct{}, 1)
	}
	if !r.phase.CompareAndSwap(arrivedPhase, parkedPhase) {
		return
	}
	for r.phase.Load() != donePhase {
		if m.section.enter() {
			m.serve(nil)
			continue
		}
		<-r.wake
	}
}

// push adds r to the arrivals.
func (s *section) push(r *Record) {
	for {
		top := s.arrived.Load()
		r.behind = top
		if s.arrived.CompareAndSwap(top, r) {
			return
		}
	}
}

// take empties the arrivals and returns them, first come first.
func (s *section) take() (first *Record) {
	if s.arrived.Load() == nil {
		return nil
	}
	for r := s.arrived.Swap(nil); r != nil; {
		below := r.behind
		r.behind, first = first, r
		r = below
	}
	return first
}

// maxRounds bounds how long one committer works for the others.
const maxRounds = 8

// serve passes own, if it is not nil, and all arrivals. The caller has entered
// the section, and is out of it afterwards.
func (m *Manager) serve(own *Record) {
	for round := 1; ; round++ {
		group := m.section.take()
		if own != nil {
			own.behind, group = group, own
		}
		if group != nil {
			m.pass(group, own)
		}
		own = nil
		m.section.busy.Store(false)
		waiting := m.section.arrived.Load()
		if waiting == nil {
			return
		}
		if round == maxRounds {
			waiting.rouse()
			return
		}
		if !m.section.enter() {
			return
		}
	}
}

// rouse makes a record that sleeps try the section itself.
func (r *Record) rouse() {
	if r.phase.Load() == parkedPhase {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// pass takes a group through the section: each is validated against all before
// it, its own group included; then all become visible at once (I3). All but own
// are told.
func (m *Manager) pass(group, own *Record) {
	s := &m.section
	for r := group; r != nil; r = r.behind {
		r.outcome = m.admit(r)
	}
	if s.last > m.visible.Load() {
		m.visible.Store(s.last)
	}
	for r := group; r != nil; {
		next := r.behind // r may be gone once it is told
		if r != own {
			r.done()
		}
		r = next
	}
}

// admit validates r, draws its timestamp, and links its record.
//
// The state becomes committed before the record is linked: who checks its reads
// outside starts at a linked record, and must find the versions up to there
// committed. The timestamp is used up only if the state was won.
func (m *Manager) admit(r *Record) outcome {
	s := &m.section
	if !r.Reads.isEmpty() {
		clash, all := m.checkInside(r)
		if clash != nil {
			r.clash = clash
			return conflicted
		}
		if !all {
			return stale
		}
	}
	if !r.Commit(s.last + 1) {
		return forced
	}
	s.last++
	m.labels.note(s.last, r.Label())
	tail := s.tail.Load()
	r.total = tail.total + uint64(len(r.Writes))
	tail.next.Store(r)
	s.tail.Store(r)
	return passed
}

// done lets the owner of r go on.
func (r *Record) done() {
	if r.phase.Swap(donePhase) == parkedPhase {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}
