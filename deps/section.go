package deps

import (
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// section is where commits get their order. Who finds it free passes through and
// takes along all who have arrived in the meantime: they form one group, and
// become visible by one store. The others wait to be told, or for the section to
// be free, whichever comes first; nobody is handed the section, since a hand-over
// costs a wake-up, and a queue of sleepers that are woken one by one (a convoy)
// never gets shorter again.
//
// In the section nothing waits, no object lock is taken, and no user code runs.
type section struct {
	busy atomic.Bool
	_    pad.Line
	// arrived is a stack, newest first, linked by behind.
	arrived atomic.Pointer[arrival]
	_       pad.Line

	// tail is the last record of the committed list. Changed in the section.
	tail atomic.Pointer[Record]
	last uint64 // its timestamp; owned by whoever is in the section
	_    pad.Line
}

// arrival is a transaction that found the section taken.
type arrival struct {
	record *Record
	behind *arrival
	verdict
	phase atomic.Uint32
	wake  chan struct{} // set before the phase is parkedPhase
}

// verdict is what the section says of a transaction.
type verdict struct {
	outcome outcome
	clash   *Conflict // with outcome conflicted
}

type outcome uint8

const (
	passed     outcome = iota
	conflicted         // clash says with whom
	forced             // ended from outside
	stale              // too much was committed since the check outside
)

// Phases of an arrival.
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
		switch v := m.passThrough(r); v.outcome {
		case passed:
			return nil
		case conflicted:
			return v.clash
		case forced:
			return ErrEnded
		}
	}
}

func (m *Manager) passThrough(r *Record) verdict {
	if m.section.enter() {
		return m.serve(r)
	}
	a := &arrival{record: r}
	m.section.push(a)
	for range spins {
		if a.phase.Load() == donePhase {
			return a.verdict
		}
		if m.section.enter() {
			m.serve(nil)
			continue
		}
		pause()
	}
	m.park(a)
	return a.verdict
}

// park sleeps until a is told. Whoever leaves the section looks at the arrivals
// afterwards, and a is among them; so either that look finds a, or the attempt to
// enter here finds the section free.
func (m *Manager) park(a *arrival) {
	a.wake = make(chan struct{}, 1)
	if !a.phase.CompareAndSwap(arrivedPhase, parkedPhase) {
		return
	}
	for a.phase.Load() != donePhase {
		if m.section.enter() {
			m.serve(nil)
			continue
		}
		<-a.wake
	}
}

// push adds a to the arrivals.
func (s *section) push(a *arrival) {
	for {
		a.behind = s.arrived.Load()
		if s.arrived.CompareAndSwap(a.behind, a) {
			return
		}
	}
}

// take empties the arrivals and returns them, first come first.
func (s *section) take() (first *arrival) {
	if s.arrived.Load() == nil {
		return nil
	}
	for a := s.arrived.Swap(nil); a != nil; {
		below := a.behind
		a.behind, first = first, a
		a = below
	}
	return first
}

// maxRounds bounds how long one committer works for the others.
const maxRounds = 8

// serve passes own, if it is not nil, and all arrivals, and returns the verdict on
// own. The caller has entered the section, and is out of it afterwards.
func (m *Manager) serve(own *Record) (v verdict) {
	for round := 1; ; round++ {
		group := m.section.take()
		if own != nil {
			v = m.admit(own)
			own = nil
		}
		m.pass(group)
		m.section.busy.Store(false)
		rest := m.section.arrived.Load()
		if rest == nil {
			return v
		}
		if round == maxRounds {
			rest.rouse()
			return v
		}
		if !m.section.enter() {
			return v
		}
	}
}

// rouse makes an arrival that sleeps look up.
func (a *arrival) rouse() {
	if a.phase.Load() == parkedPhase {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}

// pass takes a group through the section: each is validated against all before
// it, its own group included; then all, and who was admitted just before, become
// visible at once (I3).
func (m *Manager) pass(group *arrival) {
	for a := group; a != nil; a = a.behind {
		a.verdict = m.admit(a.record)
	}
	if m.section.last > m.visible.Load() {
		m.visible.Store(m.section.last)
	}
	for a := group; a != nil; a = a.behind {
		if a.phase.Swap(donePhase) == parkedPhase {
			select {
			case a.wake <- struct{}{}:
			default:
			}
		}
	}
}

// admit validates r, draws its timestamp, and links its record.
//
// The state becomes committed before the record is linked: who checks its reads
// outside starts at a linked record, and must find the versions up to there
// committed. The timestamp is used up only if the state was won.
func (m *Manager) admit(r *Record) verdict {
	s := &m.section
	if !r.Reads.isEmpty() {
		clash, all := m.checkInside(r)
		if clash != nil {
			return verdict{outcome: conflicted, clash: clash}
		}
		if !all {
			return verdict{outcome: stale}
		}
	}
	if !r.Commit(s.last + 1) {
		return verdict{outcome: forced}
	}
	s.last++
	m.labels.note(s.last, r.Label())
	tail := s.tail.Load()
	r.total = tail.total + uint64(len(r.Writes))
	tail.next.Store(r)
	s.tail.Store(r)
	return verdict{outcome: passed}
}
