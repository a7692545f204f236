package deps_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/storage"
)

// The transactions of the model of the waits: each locks, makes stronger, rolls
// back to a savepoint, votes, and ends, while others end it by force, or cancel it.

// lockOp is one thing that a transaction does.
type lockOp struct {
	kind lockKind
	mode storage.LockMode
	to   uint8 // of toSavepoint: so many locks are kept
}

type lockKind uint8

const (
	lockMode    lockKind = iota // Manager.Lock
	toSavepoint                 // Manager.UnlockTo
	voteMode                    // voteAndPass and release, of the object
	rollBack                    // Manager.Rollback
)

// lockingProcess is a transaction with its operations.
type lockingProcess struct {
	*waitProcess
	t   int
	ops []lockOp
	op  int // the number of the one whose steps are made
}

// locking is transaction t.
func locking(fault waitFault, t int, ops ...lockOp) explore.Process[waitState] {
	all := &waitProcess{fault: fault, name: fmt.Sprintf("T%d", t), id: t, of: t}
	for i, op := range ops {
		p := &lockingProcess{waitProcess: all, t: t, ops: ops, op: i}
		switch op.kind {
		case lockMode:
			p.lock(op.mode)
		case toSavepoint:
			p.unlockTo(op.to)
		case voteMode:
			p.vote(op.mode)
		case rollBack:
			p.rollBack()
		}
	}
	all.letGo(t)
	all.withLower()
	all.withDrop(t)
	return all.done()
}

// label returns a label of the operation, and start its first one.
func (p *lockingProcess) label(what string) string { return fmt.Sprintf("%d. %s", p.op+1, what) }

func (p *lockingProcess) next() explore.Next {
	if p.op+1 == len(p.ops) {
		return explore.Done()
	}
	names := map[lockKind]string{
		lockMode: "look for free word", toSavepoint: "savepoint: lock list",
		voteMode: "vote: set alone", rollBack: "CAS state to rolled back",
	}
	return explore.To(fmt.Sprintf("%d. %s", p.op+2, names[p.ops[p.op+1].kind]))
}

func (p *lockingProcess) to(what string) explore.Next { return explore.To(p.label(what)) }

// mode returns how the owner of x believes to hold the object.
func (x *lockingTxn) mode() storage.LockMode {
	if x.n == 0 {
		return storage.Unlocked
	}
	return x.list[x.n-1].mode
}

// lock is Manager.Lock with lockMore, for an object that there is.
func (p *lockingProcess) lock(mode storage.LockMode) {
	p.step(p.label("look for free word"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if s.isFree() {
			x.from, x.to = storage.Unlocked, mode
			if wrong := s.change(p.t, x.from, x.to); wrong != "" {
				return explore.Broken("%s", wrong)
			}
			return p.to("add to list")
		}
		if x.from, x.to = x.mode(), mode; x.from >= mode {
			x.from, x.to = storage.Unlocked, storage.Unlocked
			return p.next()
		}
		if x.from != storage.Unlocked {
			return explore.On()
		}
		return p.to("try to lock")
	})
	p.setAlone(p.label("set alone"), p.label("failed"))
	p.acquire()
	p.step(p.label("added"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		x.from, x.to = storage.Unlocked, storage.Unlocked
		switch {
		case x.alone:
			return explore.On()
		case x.failed:
			return p.ended(s)
		}
		return p.next()
	})
	p.step(p.label("set no longer alone"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if x.mu {
			return explore.Wait()
		}
		x.alone = false
		return explore.On()
	})
	p.step(p.label("look at state after alone"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		switch {
		case x.state == lockForced:
			x.failed = true
			return p.drop(s, p.label("dropped after alone"))
		case x.failed:
			return p.ended(s)
		}
		return p.next()
	})
	p.step(p.label("dropped after alone"), func(s *waitState) explore.Next { return p.ended(s) })
	p.step(p.label("failed"), func(s *waitState) explore.Next {
		s.txns[p.t].failed = true
		return p.to("added")
	})
}

// ended is how a transaction ends that was told to: its owner rolls it back, which
// does nothing if it was forced.
func (p *lockingProcess) ended(s *waitState) explore.Next {
	x := &s.txns[p.t]
	x.failed = false
	if x.state == lockForced {
		return explore.Done()
	}
	x.state = lockEnded
	return explore.To("let go: look at list")
}

// setAlone is setAlone, and the look at the state that has to follow.
func (p *lockingProcess) setAlone(label, failed string) {
	p.step(label, func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if x.mu {
			return explore.Wait()
		}
		x.alone = true
		return explore.On()
	})
	p.step(label+", look at state", func(s *waitState) explore.Next {
		if s.txns[p.t].state == lockForced && p.fault != aloneWithoutLook {
			return explore.To(failed)
		}
		return explore.On()
	})
}

// acquire is Manager.acquire with wait and note, from "try to lock" on. It goes on
// at "added", or at "failed".
func (p *lockingProcess) acquire() {
	p.step(p.label("try to lock"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		switch {
		case s.dead:
			x.from, x.to = storage.Unlocked, storage.Unlocked
			return p.deadObject(s)
		case x.from == storage.Unlocked && s.marked && p.fault != bargeIn, !s.admits(p.t, x.to):
			return explore.On()
		}
		if wrong := s.change(p.t, x.from, x.to); wrong != "" {
			return explore.Broken("%s", wrong)
		}
		return p.to("add to list")
	})
	p.enter()
	p.sleep()
	p.step(p.label("add to list"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		x.list[x.n] = modelHolding{mode: x.to, before: x.from}
		x.n++
		return explore.On()
	})
	p.step(p.label("look at state after add"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if x.state == lockForced && p.fault != addWithoutLook {
			x.failed = true
			return p.drop(s, p.label("added"))
		}
		return p.to("added")
	})
}

// deadObject is where a transaction makes another object, which the model has not.
func (p *lockingProcess) deadObject(s *waitState) explore.Next {
	if x := &s.txns[p.t]; x.n > x.fallen {
		return explore.Broken("T%d finds an object dead that it holds", p.t)
	}
	return p.to("failed")
}

// enter is wait up to its sleep.
func (p *lockingProcess) enter() {
	p.step(p.label("announce wait"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		x.waiting, x.granted, x.woken = true, false, false
		return explore.On()
	})
	p.lockMutex(p.label("enter: lock mutex"))
	p.step(p.label("enter: try to lock"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		switch {
		case s.dead:
			s.mutex, x.waiting = false, false
			x.from, x.to = storage.Unlocked, storage.Unlocked
			return p.deadObject(s)
		case x.from == storage.Unlocked && s.marked, !s.admits(p.t, x.to):
			return explore.On()
		}
		if wrong := s.change(p.t, x.from, x.to); wrong != "" {
			return explore.Broken("%s", wrong)
		}
		s.mutex, x.waiting = false, false
		return p.to("add to list")
	})
	p.step(p.label("enter: mark word"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if p.fault != enterWithoutMark {
			if !s.marked && (s.dead || s.admits(p.t, x.to)) {
				return p.to("enter: try to lock")
			}
			s.marked = true
		}
		if s.line == without(s.line, p.t) {
			s.line = s.insert(s.line, p.t, false)
		}
		s.queue = s.insert(s.queue, p.t, p.fault == upgradeBehindNewcomers)
		return explore.On()
	})
	p.step(p.label("enter: unlock mutex"), func(s *waitState) explore.Next {
		s.mutex = false
		return explore.On()
	})
}

// sleep is the sleep, and what wait does behind it.
func (p *lockingProcess) sleep() {
	p.step(p.label("sleep: look at state"), func(s *waitState) explore.Next {
		if s.txns[p.t].state == lockForced && p.fault != sleepWithoutLook {
			return p.to("woken: lock mutex")
		}
		return explore.On()
	})
	p.steps = append(p.steps, explore.Step[waitState]{
		Label: p.label("sleep: select"),
		Do: func(s *waitState) explore.Next {
			if x := &s.txns[p.t]; !x.woken {
				return explore.Wait()
			}
			s.txns[p.t].woken = false
			return explore.On()
		},
		Or: func(s *waitState) explore.Next {
			if !s.txns[p.t].cancelled {
				return explore.Wait()
			}
			return explore.On()
		},
	})
	p.lockMutex(p.label("woken: lock mutex"))
	p.step(p.label("woken: look at grant"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		over := x.cancelled || x.state == lockForced
		switch {
		case x.granted && !(over && p.fault == giveUpSwallowsGrant):
			s.mutex, x.waiting, x.granted, x.woken = false, false, false, false
			return p.to("add to list")
		case !over && p.fault == releaseWakesAll:
			s.mutex = false
			return p.to("try to lock")
		case !over:
			s.mutex = false
			return p.to("sleep: look at state")
		}
		if p.fault != giveUpStaysQueued {
			s.queue = without(s.queue, p.t)
		}
		s.line = without(s.line, p.t)
		s.calls[p.id].ret = p.place(p.label("gave up"))
		if p.fault == giveUpLetsNobodyIn {
			if s.queue[0] == 0 {
				s.marked = false
			}
			return explore.To("admit: unlock mutex")
		}
		return explore.To("admit next")
	})
	p.step(p.label("gave up"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		x.waiting, x.granted, x.woken = false, false, false
		return p.to("failed")
	})
}

// unlockTo is Manager.UnlockTo.
func (p *lockingProcess) unlockTo(keep uint8) {
	p.step(p.label("savepoint: lock list"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		switch {
		case x.n <= keep:
			return p.next()
		case x.mu:
			return explore.Wait()
		}
		x.mu = true
		return explore.On()
	})
	p.step(p.label("savepoint: next"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if x.n <= max(keep, x.fallen) {
			x.mu = false
			return p.next()
		}
		x.n--
		return p.lower(s, x.list[x.n], p.label("savepoint: next"))
	})
}

// rollBack is Manager.Rollback.
func (p *lockingProcess) rollBack() {
	p.step(p.label("CAS state to rolled back"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if x.state == lockForced {
			return explore.Done()
		}
		x.state = lockEnded
		return explore.To("let go: look at list")
	})
}

// vote is voteAndPass and release.
func (p *lockingProcess) vote(mode storage.LockMode) {
	p.setAlone(p.label("vote: set alone"), p.label("failed"))
	p.step(p.label("vote: look for lock"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		if x.from, x.to = x.mode(), mode; x.from >= mode {
			return p.to("added")
		}
		return explore.On()
	})
	p.acquire()
	p.step(p.label("added"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		x.from, x.to = storage.Unlocked, storage.Unlocked
		if x.failed {
			return p.to("failed")
		}
		return explore.On()
	})
	p.step(p.label("link"), func(s *waitState) explore.Next {
		if s.pending != 0 || s.hold[p.t] < storage.NoKeyUpdate {
			return explore.Broken("T%d links a version, and holds the object in mode %v", p.t, s.hold[p.t])
		}
		s.pending = uint8(p.t + 1)
		return explore.On()
	})
	p.step(p.label("pass: CAS state"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		s.pending = 0
		if x.state == lockForced {
			return explore.To("let go: look at list")
		}
		x.state, s.committed = lockEnded, true
		return explore.To("let go: look at list")
	})
	p.step(p.label("failed"), func(s *waitState) explore.Next {
		x := &s.txns[p.t]
		x.failed = false
		if x.state == lockOpen {
			x.state = lockEnded
		}
		return explore.To("let go: look at list")
	})
}

// letGo is Manager.letGo, which looks at the list without its mutex.
func (p *waitProcess) letGo(t int) {
	p.step("let go: look at list", func(s *waitState) explore.Next {
		s.calls[p.id].i = s.txns[t].n
		return explore.On()
	})
	p.step("let go: next", func(s *waitState) explore.Next {
		c, x := &s.calls[p.id], &s.txns[t]
		if c.i == x.fallen {
			c.i = 0
			return explore.Done()
		}
		c.i--
		return p.lower(s, x.list[c.i], "let go: next")
	})
}

// drop is dropByForce of the transaction the process is about.
func (p *waitProcess) drop(s *waitState, ret string) explore.Next {
	s.calls[p.id].drop = p.place(ret)
	return explore.To("drop: lock list")
}

func (p *waitProcess) withDrop(t int) {
	dropped := func(s *waitState) explore.Next {
		c := &s.calls[p.id]
		ret := c.drop
		c.i, c.n, c.drop = 0, 0, 0
		return p.back(ret)
	}
	p.step("drop: lock list", func(s *waitState) explore.Next {
		c, x := &s.calls[p.id], &s.txns[t]
		switch {
		case x.mu:
			return explore.Wait()
		case x.alone && p.fault != forceDespiteUpgrade:
			return dropped(s)
		}
		x.mu = true
		c.i, c.n = x.n, x.n
		return explore.On()
	})
	p.step("drop: next", func(s *waitState) explore.Next {
		c, x := &s.calls[p.id], &s.txns[t]
		if c.i <= x.fallen {
			x.fallen, x.mu = c.n, false
			return dropped(s)
		}
		c.i--
		return p.lower(s, x.list[c.i], "drop: next")
	})
}

// canceller cancels the context of t.
func canceller(t int) explore.Process[waitState] {
	p := &waitProcess{name: "cancel"}
	p.step("cancel context", func(s *waitState) explore.Next {
		s.txns[t].cancelled = true
		return explore.On()
	})
	return p.done()
}

// forcer ends t by force: Manager.Force, as far as it concerns locks.
func forcer(fault waitFault, t int) explore.Process[waitState] {
	p := &waitProcess{fault: fault, name: "force", id: waitTxns, of: t}
	p.step("CAS state to forced", func(s *waitState) explore.Next {
		x := &s.txns[t]
		if x.state != lockOpen {
			return explore.Done()
		}
		x.state = lockForced
		return explore.On()
	})
	p.step("load wait", func(s *waitState) explore.Next {
		if !s.txns[t].waiting {
			return p.drop(s, "forced")
		}
		return explore.On()
	})
	p.step("wake it", func(s *waitState) explore.Next {
		s.txns[t].woken = true
		return p.drop(s, "forced")
	})
	p.step("forced", func(*waitState) explore.Next { return explore.Done() })
	p.withLower()
	p.withDrop(t)
	return p.done()
}
