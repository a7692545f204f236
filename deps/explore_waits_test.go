package deps_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
)

// The model of waiting for an object: the lock word, the queue under the stripe's
// mutex, the channel by which a waiter is woken, a context that is cancelled, and a
// forced end, step for step as in waits.go and package storage.

// waitFault is one deliberate mistake in the model of the waits.
type waitFault int

const (
	noWaitFault waitFault = iota
	enterWithoutMark
	giveUpSwallowsGrant
	unlockByStore
	wakeWithoutHandOver
	sleepWithoutLook
	narrowWake // room for one wake-up
)

const waitTxns = 3

// waitState is the state of the model.
type waitState struct {
	held, marked bool // the lock word
	mutex        bool
	queue        [waitTxns]uint8 // transaction + 1, first come first
	waiters      [waitTxns]modelWaiter
	owner        uint8 // transaction + 1; nobody looks at it
}

// modelWaiter is a transaction that wants the object.
type modelWaiter struct {
	waiting, granted      bool // the record's pointer to the wait, and its waiter
	wakes                 uint8
	cancelled, rolledBack bool
}

// waitProcess collects the steps of one process.
type waitProcess struct {
	fault waitFault
	name  string
	steps []explore.Step[waitState]
}

func (p *waitProcess) step(label string, do func(s *waitState) explore.Next) {
	p.steps = append(p.steps, explore.Step[waitState]{Label: label, Do: do})
}

func (p *waitProcess) done() explore.Process[waitState] {
	return explore.Process[waitState]{Name: p.name, Steps: p.steps}
}

// lockMutex and unlockMutex are the stripe's.
func (p *waitProcess) lockMutex(label string) {
	p.step(label, func(s *waitState) explore.Next {
		if s.mutex {
			return explore.Wait()
		}
		s.mutex = true
		return explore.On()
	})
}

func (p *waitProcess) unlockMutex(label string, next func(s *waitState) explore.Next) {
	p.step(label, func(s *waitState) explore.Next {
		s.mutex = false
		return next(s)
	})
}

func on(*waitState) explore.Next { return explore.On() }

func goTo(label string) func(*waitState) explore.Next {
	return func(*waitState) explore.Next { return explore.To(label) }
}

// own is the time in which transaction t owns the object.
func (s *waitState) own(t int) explore.Next {
	if s.owner != 0 {
		return explore.Broken("T%d and T%d own the object", s.owner-1, t)
	}
	s.owner = uint8(t + 1)
	return explore.To("use")
}

func (s *waitState) drop(t int) {
	kept, n := [waitTxns]uint8{}, 0
	for _, w := range s.queue {
		if w != 0 && w != uint8(t+1) {
			kept[n] = w
			n++
		}
	}
	if s.queue = kept; n == 0 {
		s.marked = false
	}
}

// wake puts a wake-up into the channel, if there is room.
func (p *waitProcess) wake(x *modelWaiter) bool {
	room := uint8(2)
	if p.fault == narrowWake {
		room = 1
	}
	if x.wakes == room {
		return false
	}
	x.wakes++
	return true
}

// waiting is Manager.lock, a while in which t owns the object, and unlock.
func waiting(fault waitFault, t int) explore.Process[waitState] {
	p := &waitProcess{fault: fault, name: fmt.Sprintf("T%d", t)}
	p.step("try to lock", func(s *waitState) explore.Next {
		if !s.held {
			s.held = true
			return s.own(t)
		}
		return explore.On()
	})
	p.enter(t)
	p.sleep(t)
	p.use(t)
	return p.done()
}

// enter is wait up to its sleep.
func (p *waitProcess) enter(t int) {
	p.step("announce wait", func(s *waitState) explore.Next {
		s.waiters[t].waiting = true
		return explore.On()
	})
	p.lockMutex("enter: lock mutex")
	p.step("enter: try to lock", func(s *waitState) explore.Next {
		if !s.held {
			s.held = true
			return explore.To("enter: unlock mutex, have it")
		}
		return explore.On()
	})
	p.step("enter: mark word", func(s *waitState) explore.Next {
		if p.fault != enterWithoutMark {
			if !s.held {
				return explore.To("enter: try to lock")
			}
			s.marked = true
		}
		for i := range s.queue {
			if s.queue[i] == 0 {
				s.queue[i] = uint8(t + 1)
				break
			}
		}
		return explore.On()
	})
	p.unlockMutex("enter: unlock mutex", goTo("sleep: look at state"))
	p.unlockMutex("enter: unlock mutex, have it", func(s *waitState) explore.Next { return s.own(t) })
}

// sleep is the sleep, and what wait does behind it.
func (p *waitProcess) sleep(t int) {
	p.step("sleep: look at state", func(s *waitState) explore.Next {
		if s.waiters[t].rolledBack && p.fault != sleepWithoutLook {
			return explore.To("woken: lock mutex")
		}
		return explore.On()
	})
	p.steps = append(p.steps, explore.Step[waitState]{
		Label: "sleep: select",
		Do: func(s *waitState) explore.Next {
			if x := &s.waiters[t]; x.wakes > 0 {
				x.wakes--
				return explore.On()
			}
			return explore.Wait()
		},
		Or: func(s *waitState) explore.Next {
			if s.waiters[t].cancelled {
				return explore.On()
			}
			return explore.Wait()
		},
	})
	p.lockMutex("woken: lock mutex")
	p.step("woken: look at grant", func(s *waitState) explore.Next {
		x := &s.waiters[t]
		switch {
		case p.fault == wakeWithoutHandOver:
			s.drop(t)
			if x.cancelled || x.rolledBack {
				return explore.On()
			}
			return explore.To("woken: unlock mutex, try again")
		case x.granted && p.fault == giveUpSwallowsGrant && (x.cancelled || x.rolledBack):
		case x.granted:
			return explore.To("woken: unlock mutex, have it")
		}
		s.drop(t)
		return explore.On()
	})
	p.unlockMutex("woken: unlock mutex, give up", func(s *waitState) explore.Next {
		s.waiters[t].waiting = false
		return explore.Done()
	})
	p.unlockMutex("woken: unlock mutex, try again", goTo("try to lock"))
	p.unlockMutex("woken: unlock mutex, have it", func(s *waitState) explore.Next {
		s.waiters[t].waiting = false
		return s.own(t)
	})
}

// use is the time in which t owns the object, and unlock with handOver.
func (p *waitProcess) use(t int) {
	p.step("use", func(s *waitState) explore.Next {
		s.owner = 0
		return explore.On()
	})
	p.step("unlock: CAS word", func(s *waitState) explore.Next {
		if !s.marked || p.fault == unlockByStore {
			s.held, s.marked = false, false
			return explore.Done()
		}
		return explore.On()
	})
	p.lockMutex("hand over: lock mutex")
	p.step("hand over: look at queue", func(s *waitState) explore.Next {
		if s.queue[0] == 0 { // gave up since
			s.marked = false
			return explore.On()
		}
		if p.fault == wakeWithoutHandOver {
			s.held = false
		}
		return explore.To("hand over: grant")
	})
	p.step("hand over: unlock word", func(s *waitState) explore.Next {
		s.held = false
		return explore.To("hand over: unlock mutex")
	})
	p.step("hand over: grant", func(s *waitState) explore.Next {
		to := s.queue[0] - 1
		if !p.wake(&s.waiters[to]) {
			return explore.Wait()
		}
		if s.drop(int(to)); p.fault != wakeWithoutHandOver {
			s.waiters[to].granted = true
		}
		return explore.On()
	})
	p.unlockMutex("hand over: unlock mutex", on)
}

// keeper owns the object from the start and never lets it go.
func keeper() explore.Process[waitState] {
	return explore.Process[waitState]{Name: "T0, which does not move"}
}

// canceller cancels the context of t.
func canceller(fault waitFault, t int) explore.Process[waitState] {
	p := &waitProcess{fault: fault, name: "cancel"}
	p.step("cancel context", func(s *waitState) explore.Next {
		s.waiters[t].cancelled = true
		return explore.On()
	})
	return p.done()
}

// forcer ends t by force: Manager.Force, as far as it concerns a wait.
func forcer(fault waitFault, t int) explore.Process[waitState] {
	p := &waitProcess{fault: fault, name: "force"}
	p.step("CAS state open→rolled back", func(s *waitState) explore.Next {
		s.waiters[t].rolledBack = true
		return explore.On()
	})
	p.step("load wait", func(s *waitState) explore.Next {
		if !s.waiters[t].waiting {
			return explore.Done()
		}
		return explore.On()
	})
	p.step("wake it", func(s *waitState) explore.Next {
		p.wake(&s.waiters[t])
		return explore.On()
	})
	return p.done()
}

// waitHolds: nobody owns an object whose word is free.
func waitHolds(s *waitState) string {
	if s.owner != 0 && !s.held {
		return fmt.Sprintf("T%d owns the object, and its word is free", s.owner-1)
	}
	return ""
}

func waitAtEnd(s *waitState) string {
	if s.held || s.marked || s.queue[0] != 0 {
		return "the object is held by nobody for ever"
	}
	return ""
}

func waitScenes() []scene[waitState, waitFault] {
	return []scene[waitState, waitFault]{
		{"three owners", false, threeOwners},
		{"wait that is cancelled", false, cancelledWait},
		{"wait that is ended by force", false, forcedWait},
		{"owner that never moves", false, ownerThatNeverMoves},
	}
}

func waitModel(processes ...explore.Process[waitState]) explore.Model[waitState] {
	return explore.Model[waitState]{Processes: processes, Holds: waitHolds, AtEnd: waitAtEnd}
}

func threeOwners(fault waitFault) explore.Model[waitState] {
	return waitModel(waiting(fault, 0), waiting(fault, 1), waiting(fault, 2))
}

func cancelledWait(fault waitFault) explore.Model[waitState] {
	return waitModel(waiting(fault, 0), waiting(fault, 1), waiting(fault, 2), canceller(fault, 1))
}

func forcedWait(fault waitFault) explore.Model[waitState] {
	return waitModel(waiting(fault, 0), waiting(fault, 1), canceller(fault, 1), forcer(fault, 1))
}

// ownerThatNeverMoves: a forced end gets a waiter out all the same.
func ownerThatNeverMoves(fault waitFault) explore.Model[waitState] {
	m := waitModel(keeper(), waiting(fault, 1), forcer(fault, 1))
	m.Start = waitState{held: true, owner: 1}
	m.AtEnd = nil
	return m
}
