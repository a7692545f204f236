package deps_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/storage"
)

// The model of locking one object: the lock word with its modes, the queue under
// the stripe's mutex, hand-over, upgrades, the lists of who holds what
// (explore_locks_test.go), contexts that are cancelled, forced ends, and the removal
// of an object without versions, step for step as in waits.go, locks.go and package
// storage.
//
// The word is not kept: it is what the transactions hold, the mark, and whether the
// object is dead. So to take off the word what is not in it is found at once, and a
// lock that was let go twice, or never, too.

// waitFault is one deliberate mistake in the model of the waits.
type waitFault int

const (
	noWaitFault waitFault = iota
	enterWithoutMark
	bargeIn
	unlockByStore
	releaseWakesAll
	wakeBeforeWord
	giveUpSwallowsGrant
	giveUpStaysQueued
	giveUpLetsNobodyIn
	upgradeBehindNewcomers
	sleepWithoutLook
	forceDespiteUpgrade
	addWithoutLook
	aloneWithoutLook
	lowerWithoutLook
	seizeDespiteOthers
)

const waitTxns = 3

// waitState is the state of the model.
type waitState struct {
	hold         [waitTxns]storage.LockMode
	marked, dead bool

	committed bool  // it has a committed version
	pending   uint8 // transaction + 1 whose version is linked
	gone      bool  // from the indexes

	mutex bool
	queue [waitTxns]uint8 // transaction + 1, as the code has it
	line  [waitTxns]uint8 // likewise, as it should be; nobody looks at it
	txns  [waitTxns]lockingTxn
	calls [waitTxns + 1]waitCall // of each process
}

// lockingTxn is a transaction.
type lockingTxn struct {
	state            uint8
	waiting, granted bool // the record's pointer to the wait, and its waiter
	woken, cancelled bool
	failed           bool // the owner was told that it has to end
	from, to         storage.LockMode

	// The holdings.
	n, fallen uint8
	alone, mu bool
	list      [3]modelHolding
}

type modelHolding struct{ mode, before storage.LockMode }

// waitCall is what a process keeps while it lets go.
type waitCall struct {
	from, to  storage.LockMode
	i, n      uint8
	ret, drop uint8 // where lower, or admitWaiters, and dropByForce return to
}

// States of a transaction.
const (
	lockOpen uint8 = iota
	lockForced
	lockEnded
)

// waitProcess collects the steps of one process.
type waitProcess struct {
	fault  waitFault
	name   string
	id     int // of its call
	of     int // the transaction whose locks it changes
	labels []string
	steps  []explore.Step[waitState]
}

func (p *waitProcess) step(label string, do func(s *waitState) explore.Next) {
	p.steps = append(p.steps, explore.Step[waitState]{Label: label, Do: do})
}

func (p *waitProcess) done() explore.Process[waitState] {
	return explore.Process[waitState]{Name: p.name, Steps: p.steps}
}

// place numbers a label to return to.
func (p *waitProcess) place(label string) uint8 {
	for i, l := range p.labels {
		if l == label {
			return uint8(i)
		}
	}
	p.labels = append(p.labels, label)
	return uint8(len(p.labels) - 1)
}

func (p *waitProcess) back(to uint8) explore.Next { return explore.To(p.labels[to]) }

// lockMutex is the stripe's.
func (p *waitProcess) lockMutex(label string) {
	p.step(label, func(s *waitState) explore.Next {
		if s.mutex {
			return explore.Wait()
		}
		s.mutex = true
		return explore.On()
	})
}

// admits is admits of package storage, for transaction t to go from what it holds.
func (s *waitState) admits(t int, to storage.LockMode) bool {
	for other, mode := range s.hold {
		if other != t && mode != storage.Unlocked && mode.Excludes(to) {
			return false
		}
	}
	return !s.dead
}

func (s *waitState) isFree() bool {
	return s.hold == [waitTxns]storage.LockMode{} && !s.marked && !s.dead
}

func (s *waitState) isEmpty() bool { return !s.committed && s.pending == 0 }

// change is a CAS that succeeds: transaction t holds the object in mode to instead
// of from. It returns what is wrong with that, or "".
func (s *waitState) change(t int, from, to storage.LockMode) string {
	if s.hold[t] != from {
		return fmt.Sprintf("T%d goes from mode %v, and holds %v", t, from, s.hold[t])
	}
	wrong := ""
	if to > from {
		wrong = s.outOfTurn(t, from)
	}
	s.hold[t] = to
	s.line = without(s.line, t)
	return wrong
}

// outOfTurn says who should have come before transaction t. Who holds something
// already need not look at the queue.
func (s *waitState) outOfTurn(t int, from storage.LockMode) string {
	if from == storage.Unlocked && s.line[0] != 0 && int(s.line[0]-1) != t {
		return fmt.Sprintf("T%d comes before T%d, which has waited longer", t, s.line[0]-1)
	}
	return ""
}

// insert puts t into a queue where it belongs: those that make a lock stronger come
// before newcomers.
func (s *waitState) insert(queue [waitTxns]uint8, t int, behindAll bool) [waitTxns]uint8 {
	at := 0
	for at < waitTxns && queue[at] != 0 &&
		(behindAll || s.txns[t].from == storage.Unlocked || s.txns[queue[at]-1].from != storage.Unlocked) {
		at++
	}
	after := queue
	after[at] = uint8(t + 1)
	copy(after[at+1:], queue[at:])
	return after
}

func without(queue [waitTxns]uint8, t int) (kept [waitTxns]uint8) {
	n := 0
	for _, w := range queue {
		if w != 0 && w != uint8(t+1) {
			kept[n] = w
			n++
		}
	}
	return kept
}

// lower is Manager.lower of the holding in the process's call.
func (p *waitProcess) lower(s *waitState, x modelHolding, ret string) explore.Next {
	c := &s.calls[p.id]
	c.from, c.to, c.ret = x.mode, x.before, p.place(ret)
	return explore.To("lower: seize")
}

// lowered returns from lower.
func (p *waitProcess) lowered(s *waitState) explore.Next {
	c := &s.calls[p.id]
	ret := c.ret
	c.from, c.to, c.ret = storage.Unlocked, storage.Unlocked, 0
	return p.back(ret)
}

// withLower adds the steps of lower and admitWaiters.
func (p *waitProcess) withLower() {
	p.step("lower: seize", func(s *waitState) explore.Next {
		c := &s.calls[p.id]
		alone := s.admits(p.of, storage.Update) || p.fault == seizeDespiteOthers
		if c.to != storage.Unlocked || !s.isEmpty() || !alone {
			return explore.To("lower: CAS word")
		}
		if s.hold[p.of] != c.from {
			return explore.Broken("T%d seizes from mode %v, and holds %v", p.of, c.from, s.hold[p.of])
		}
		s.hold[p.of], c.from = storage.Update, storage.Update
		return explore.On()
	})
	p.kill("lower: ", "lower: CAS word", p.lowered)
	p.step("lower: CAS word", func(s *waitState) explore.Next {
		c := &s.calls[p.id]
		if s.marked && p.fault != unlockByStore {
			return explore.To("lower: lock mutex")
		}
		s.marked = false
		if wrong := s.change(p.of, c.from, c.to); wrong != "" {
			return explore.Broken("%s", wrong)
		}
		if c.to != storage.Unlocked || p.fault == lowerWithoutLook {
			return p.lowered(s)
		}
		return explore.On()
	})
	p.step("lower: look whether it is empty, CAS word", func(s *waitState) explore.Next {
		if !s.isEmpty() || !s.isFree() {
			return p.lowered(s)
		}
		s.hold[p.of], s.calls[p.id].from = storage.Update, storage.Update
		return explore.To("lower: kill")
	})
	p.lockMutex("lower: lock mutex")
	p.lowerFor()
	p.withAdmit()
}

// lowerFor is the part of lower under the mutex.
func (p *waitProcess) lowerFor() {
	p.step("lower: CAS word, and mark", func(s *waitState) explore.Next {
		c := &s.calls[p.id]
		if p.fault == wakeBeforeWord {
			if w := s.queue[0]; w != 0 {
				s.wake(int(w - 1))
				s.mutex = false
			}
			return explore.On()
		}
		if wrong := s.change(p.of, c.from, c.to); wrong != "" {
			return explore.Broken("%s", wrong)
		}
		return explore.To("admit next")
	})
	p.step("lower: CAS word late", func(s *waitState) explore.Next {
		c := &s.calls[p.id]
		s.change(p.of, c.from, c.to)
		return p.lowered(s)
	})
}

// wake is a hand-over without a look at the word.
func (s *waitState) wake(t int) {
	s.queue = without(s.queue, t)
	s.line = without(s.line, t)
	x := &s.txns[t]
	s.hold[t], x.granted, x.woken = x.to, true, true
}

// kill is Store.Remove of an object without versions.
func (p *waitProcess) kill(prefix, failed string, removed func(*waitState) explore.Next) {
	p.step(prefix+"kill", func(s *waitState) explore.Next {
		if s.marked || !s.admits(p.of, storage.Update) {
			return explore.To(failed)
		}
		s.dead, s.hold[p.of] = true, storage.Unlocked
		return explore.On()
	})
	p.step(prefix+"leave indexes", func(s *waitState) explore.Next {
		s.gone = true
		return removed(s)
	})
}

// withAdmit adds the steps of admitWaiters, and the unlock behind it.
func (p *waitProcess) withAdmit() {
	p.step("admit next", func(s *waitState) explore.Next {
		if s.queue[0] == 0 {
			return explore.On()
		}
		if p.fault == releaseWakesAll {
			for _, w := range s.queue {
				if w != 0 {
					s.txns[w-1].woken = true
				}
			}
			s.queue, s.marked = [waitTxns]uint8{}, false
			return explore.To("admit: unlock mutex")
		}
		t := int(s.queue[0] - 1)
		x := &s.txns[t]
		if !s.admits(t, x.to) {
			return explore.To("admit: unlock mutex")
		}
		if wrong := s.change(t, x.from, x.to); wrong != "" {
			return explore.Broken("%s", wrong)
		}
		s.queue = without(s.queue, t)
		x.granted, x.woken = true, true
		return explore.To("admit next")
	})
	p.step("admit: no more waiters", func(s *waitState) explore.Next {
		s.marked = false
		return explore.On()
	})
	p.step("admit: look whether it is empty, CAS word", func(s *waitState) explore.Next {
		if !s.isEmpty() || !s.isFree() {
			return explore.To("admit: unlock mutex")
		}
		s.hold[p.of] = storage.Update
		return explore.On()
	})
	p.kill("admit: ", "admit: unlock mutex", func(*waitState) explore.Next { return explore.On() })
	p.step("admit: unlock mutex", func(s *waitState) explore.Next {
		s.mutex = false
		return p.lowered(s)
	})
}

// waitHolds: modes that exclude each other are not held together, and nobody waits
// although it is its turn.
func waitHolds(s *waitState) string {
	for t, mode := range s.hold {
		if mode != storage.Unlocked && !s.admits(t, mode) {
			return fmt.Sprintf("T%d holds the object in mode %v, and others do, or it is dead: %v", t, mode, s.hold)
		}
	}
	if s.mutex {
		return ""
	}
	if s.marked != (s.queue[0] != 0) {
		return "the mark does not say whether somebody waits"
	}
	if s.queue[0] != 0 {
		if t := int(s.queue[0] - 1); s.admits(t, s.txns[t].to) {
			return fmt.Sprintf("T%d waits although it is its turn", t)
		}
	}
	for _, w := range s.queue {
		if w != 0 && !s.txns[w-1].waiting {
			return fmt.Sprintf("T%d is in the queue and does not wait", w-1)
		}
	}
	return ""
}

func waitAtEnd(s *waitState) string {
	if s.hold != [waitTxns]storage.LockMode{} || s.marked || s.queue[0] != 0 {
		return "the object is held by nobody for ever"
	}
	if s.isEmpty() && !(s.dead && s.gone) {
		return "I10: an object without versions is left"
	}
	return ""
}
