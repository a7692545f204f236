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

	guards guards // likewise
}

// passage is what a transaction wants in the section.
type passage struct {
	record   *Record
	why      purpose
	prepared *Prepared // not when committing
}

type purpose uint8

const (
	committing purpose = iota
	preparing          // to be able to commit later
	finishing          // what was prepared
	dropping           // what was prepared
)

// arrival is a transaction that found the section taken.
type arrival struct {
	passage
	behind *arrival
	verdict
	phase atomic.Uint32
	wake  chan struct{} // set before the phase is parkedPhase
}

// verdict is what the section says of a transaction.
type verdict struct {
	outcome outcome
	clash   *Conflict // with outcome conflicted
	by      *Prepared // with outcome blocked
}

type outcome uint8

const (
	passed     outcome = iota
	conflicted         // clash says with whom
	forced             // ended from outside
	stale              // too much was committed since the check outside
	blocked            // by a prepared transaction
)

// Phases of an arrival.
const (
	arrivedPhase = iota
	parkedPhase
	donePhase
)

func (s *section) enter() bool { return !s.busy.Load() && s.busy.CompareAndSwap(false, true) }

// finish validates and takes p through the section, which passes or blocks it.
func (m *Manager) finish(p passage) (verdict, error) {
	v, err := m.passValidated(p)
	if many := p.record.Reads.many; many != nil && many.checked != nil {
		m.stepOff(many)
	}
	return v, err
}

// passValidated is finish while the validation stands on a record.
func (m *Manager) passValidated(p passage) (verdict, error) {
	for {
		if c := m.checkOutside(p.record); c != nil {
			return verdict{}, c
		}
		switch v := m.passThrough(p); v.outcome {
		case passed, blocked:
			return v, nil
		case conflicted:
			return v, v.clash
		case forced:
			return v, ErrEnded
		}
	}
}

func (m *Manager) passThrough(p passage) verdict {
	if m.section.enter() {
		return m.serve(&p)
	}
	a := &arrival{passage: p}
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
func (m *Manager) serve(own *passage) (v verdict) {
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
		a.verdict = m.admit(&a.passage)
	}
	if m.section.last > m.visible.Load() {
		m.section.tail.Load().endsGroup = true
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

// admit does what p wants. What was prepared has been validated, and is guarded.
func (m *Manager) admit(p *passage) verdict {
	s, r := &m.section, p.record
	switch p.why {
	case finishing:
		s.guards.remove(p.prepared)
		r.CommitPrepared(s.last + 1)
		m.link(r)
		return verdict{outcome: passed}
	case dropping:
		s.guards.remove(p.prepared)
		r.RollBackPrepared()
		return verdict{outcome: passed}
	}
	if v := m.validate(r); v.outcome != passed {
		return v
	}
	if by := s.guards.protecting(r); by != nil {
		return verdict{outcome: blocked, by: by}
	}
	if p.why == preparing {
		return m.admitPrepared(p)
	}
	if !r.Commit(s.last + 1) {
		return verdict{outcome: forced}
	}
	m.link(r)
	return verdict{outcome: passed}
}

// validate is the part of the validation in the section.
func (m *Manager) validate(r *Record) verdict {
	if r.Reads.isEmpty() {
		return verdict{outcome: passed}
	}
	clash, all := m.checkInside(r)
	if clash != nil {
		return verdict{outcome: conflicted, clash: clash}
	}
	if !all {
		return verdict{outcome: stale}
	}
	return verdict{outcome: passed}
}

// link uses up the next timestamp, at which r is committed, and appends the record.
//
// The state becomes committed before the record is linked: who checks its reads
// outside starts at a linked record, and must find the versions up to there
// committed. The timestamp is used up only if the state was won.
func (m *Manager) link(r *Record) {
	s := &m.section
	s.last++
	m.labels.note(s.last, r.Label())
	tail := s.tail.Load()
	r.total = tail.total + uint64(len(r.Writes))
	tail.next.Store(r)
	s.tail.Store(r)
}

// admitPrepared makes p prepared and guards it.
func (m *Manager) admitPrepared(p *passage) verdict {
	guards := &m.section.guards
	if by := guards.changing(p.record); by != nil {
		return verdict{outcome: blocked, by: by}
	}
	if !p.record.Prepare() {
		return verdict{outcome: forced}
	}
	guards.add(p.prepared)
	return verdict{outcome: passed}
}

// Quiesce returns when everything that had committed before Close is visible. Nothing
// else commits any more.
func (m *Manager) Quiesce() {
	for !m.section.enter() {
		pause()
	}
	m.serve(nil)
}
