package deps_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
)

// The model of the way into the section: the word that says whether it is busy,
// the stack of arrivals, spinning, parking and being woken, step for step as in
// section.go. What is done inside is the store model's.

// sectionFault is one deliberate mistake in the model of the section.
type sectionFault int

const (
	noSectionFault sectionFault = iota
	leaveWithoutLook
	parkWithoutTry
	parkByStore
	leaveWithoutRouse
)

const sectionTxns = 3

// Phases of an arrival.
const (
	phaseWaiting uint8 = iota
	phaseParked
	phaseTold
)

// sectionState is the state of the model.
type sectionState struct {
	busy    bool
	arrived [sectionTxns]uint8 // transaction + 1, the newest first
	txns    [sectionTxns]arriving
}

// arriving is a transaction on its way, and what its goroutine keeps.
type arriving struct {
	phase  uint8
	woken  bool // a wake-up is in the channel
	passed uint8
	top    [sectionTxns]uint8 // the stack that a push has seen
	group  [sectionTxns]uint8 // being served
	told   uint8              // of group
	round  uint8
	own    bool // it entered without being pushed
	parked bool // serve goes on in park
}

// modelRounds is maxRounds.
const modelRounds = 2

type sectionProcess struct {
	fault sectionFault
	steps []explore.Step[sectionState]
}

func (p *sectionProcess) step(label string, do func(s *sectionState) explore.Next) {
	p.steps = append(p.steps, explore.Step[sectionState]{Label: label, Do: do})
}

// passer is passThrough of transaction t, spinning once.
func passer(fault sectionFault, t int) explore.Process[sectionState] {
	p := &sectionProcess{fault: fault}
	p.step("enter", func(s *sectionState) explore.Next {
		if s.busy {
			return explore.On()
		}
		s.busy, s.txns[t].own = true, true
		s.txns[t].group[0] = uint8(t + 1)
		return explore.To("take arrivals")
	})
	p.push(t)
	p.park(t)
	p.serve(t)
	return explore.Process[sectionState]{Name: fmt.Sprintf("T%d", t), Steps: p.steps}
}

func (p *sectionProcess) push(t int) {
	p.step("push: load top", func(s *sectionState) explore.Next {
		s.txns[t].top = s.arrived
		return explore.On()
	})
	p.step("push: CAS top", func(s *sectionState) explore.Next {
		x := &s.txns[t]
		if s.arrived[0] != x.top[0] { // the pointer is all that a CAS compares
			return explore.To("push: load top")
		}
		below := s.arrived
		s.arrived[0] = uint8(t + 1)
		copy(s.arrived[1:], below[:])
		x.top = [sectionTxns]uint8{}
		return explore.On()
	})
	p.step("spin: load phase", func(s *sectionState) explore.Next {
		if s.txns[t].phase == phaseTold {
			return explore.Done()
		}
		return explore.On()
	})
	p.step("spin: enter", func(s *sectionState) explore.Next {
		if s.busy {
			return explore.On()
		}
		s.busy = true
		return explore.To("take arrivals")
	})
}

func (p *sectionProcess) park(t int) {
	p.step("park: CAS phase", func(s *sectionState) explore.Next {
		x := &s.txns[t]
		if x.phase != phaseWaiting && p.fault != parkByStore {
			return explore.Done()
		}
		x.phase, x.parked = phaseParked, true
		if p.fault == parkWithoutTry {
			return explore.To("park: sleep")
		}
		return explore.On()
	})
	p.step("park: load phase", func(s *sectionState) explore.Next {
		if s.txns[t].phase == phaseTold {
			return explore.Done()
		}
		return explore.On()
	})
	p.step("park: enter", func(s *sectionState) explore.Next {
		if s.busy {
			return explore.On()
		}
		s.busy = true
		return explore.To("take arrivals")
	})
	p.step("park: sleep", func(s *sectionState) explore.Next {
		x := &s.txns[t]
		if !x.woken {
			return explore.Wait()
		}
		x.woken = false
		return explore.To("park: load phase")
	})
}

// serve is serve, and the telling in pass.
func (p *sectionProcess) serve(t int) {
	p.step("take arrivals", func(s *sectionState) explore.Next {
		x := &s.txns[t]
		n := 0
		if x.group[0] != 0 {
			n = 1
		}
		for i := len(s.arrived) - 1; i >= 0; i-- {
			if s.arrived[i] != 0 {
				x.group[n] = s.arrived[i]
				n++
			}
		}
		s.arrived = [sectionTxns]uint8{}
		x.told = 0
		for _, by := range x.group {
			if by != 0 {
				s.txns[by-1].passed++
			}
		}
		return explore.On()
	})
	p.step("tell next", func(s *sectionState) explore.Next {
		x := &s.txns[t]
		if int(x.told) == len(x.group) || x.group[x.told] == 0 {
			x.group, x.told = [sectionTxns]uint8{}, 0
			return explore.On()
		}
		to := x.group[x.told] - 1
		x.told++
		if r := &s.txns[to]; !r.own {
			r.woken = r.woken || r.phase == phaseParked
			r.phase = phaseTold
		}
		return explore.To("tell next")
	})
	p.leave(t)
}

func (p *sectionProcess) leave(t int) {
	p.step("leave", func(s *sectionState) explore.Next {
		s.busy = false
		if p.fault == leaveWithoutLook {
			return p.served(s, t)
		}
		return explore.On()
	})
	p.step("look at arrivals", func(s *sectionState) explore.Next {
		x := &s.txns[t]
		if s.arrived[0] == 0 {
			return p.served(s, t)
		}
		if x.round++; x.round == modelRounds {
			if p.fault == leaveWithoutRouse {
				return p.served(s, t)
			}
			x.top[0] = s.arrived[0]
			return explore.To("rouse")
		}
		return explore.On()
	})
	p.step("enter again", func(s *sectionState) explore.Next {
		if s.busy {
			return p.served(s, t)
		}
		s.busy = true
		return explore.To("take arrivals")
	})
	p.step("rouse", func(s *sectionState) explore.Next {
		x := &s.txns[t]
		if r := &s.txns[x.top[0]-1]; r.phase == phaseParked {
			r.woken = true
		}
		x.top = [sectionTxns]uint8{}
		return p.served(s, t)
	})
}

// served goes on where serve was called.
func (p *sectionProcess) served(s *sectionState, t int) explore.Next {
	x := &s.txns[t]
	x.round = 0
	switch {
	case x.own:
		return explore.Done()
	case x.parked:
		return explore.To("park: load phase")
	}
	return explore.To("spin: load phase")
}

func sectionHolds(s *sectionState) string {
	for t := range s.txns {
		if r := &s.txns[t]; r.passed > 1 {
			return fmt.Sprintf("T%d passed twice", t)
		} else if r.passed == 1 && !s.busy && !r.own && r.phase != phaseTold {
			return fmt.Sprintf("T%d has passed, and will never know", t)
		}
	}
	return ""
}

func sectionAtEnd(s *sectionState) string {
	for t := range s.txns {
		if s.txns[t].passed != 1 {
			return fmt.Sprintf("T%d went on without having passed", t)
		}
	}
	return ""
}

func sectionScenes() []scene[sectionState, sectionFault] {
	return []scene[sectionState, sectionFault]{{"three commits", false, intoSection}}
}

// intoSection is three commits on their way into the section.
func intoSection(fault sectionFault) explore.Model[sectionState] {
	m := explore.Model[sectionState]{Holds: sectionHolds, AtEnd: sectionAtEnd}
	for t := range sectionTxns {
		m.Processes = append(m.Processes, passer(fault, t))
	}
	return m
}
