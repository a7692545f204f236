package deps_test

import (
	"fmt"
	"math/bits"

	"github.com/tierceldb/tiercel/internal/explore"
)

// The model of the slots: begin, reads, end, forced end, Close, growth and
// shrinking of the active list, and scans, step for step as in package pool, in
// Begin and Force of this package, and in the read of package txnmgr. (Of a scan the
// steps are those of scan here and Snapshots there.)
//
// Of the store there is one object which every commit writes, so version t is
// superseded at t+1, and each snapshot sees a version of its own: if a purge goes
// wrong by one snapshot, that transaction misses its version. What a commit does
// to a chain is another model's (explore_store_test.go); here it is two steps, the
// state that becomes committed and the publishing of V.

// slotFault is one deliberate mistake in the model of the slots.
type slotFault int

const (
	noSlotFault slotFault = iota
	beginWithoutRecheck
	beginIgnoresForced
	beginByPlainStore
	markAfterScan
	markIsVisible // although readers begin at R
	markIsApplied
	purgeBelowMark // e < m
	endByPlainGen
	endByPlainSnap
	unlinkWithoutRetired
	retireByPlainStore
	forceBySnap
	forceGenBeforeState
	forceLooksForTagOnce
	forceOverwritesCause
	forceCauseAfterState
	forceTwice
	retireForOther
	tagWithoutLook
	readLooksFirst
	refreshWithoutSecondLook
)

// Words of a slot, as in package pool but narrow.
const (
	wordAvailable = 0
	wordRetired   = 0xFF
	wordUpdate    = 0x40 // added to snap
	wordForced    = 0x80 // added to gen
)

const (
	modelSlots = 3
	modelTxns  = 3
)

// exclusively is the lock of the list held exclusively; else it is the number of
// those who share it.
const exclusively = 0xFF

// phase is how far a transaction is, as its user sees it.
type phase uint8

const (
	notBegun phase = iota
	begun
	over   // by its own end
	failed // begin did not succeed
	refreshing
)

// slotState is the state of the model. Masks have a bit a slot or a version.
type slotState struct {
	visible, readable uint8 // V and R
	applied           uint8 // newest commit timestamp in a state word
	returned          uint8 // newest of which Commit has returned
	chain             uint8 // versions in the chain
	list, left        uint8 // slots in the list, and those that left it
	lock              uint8
	closed, growing   bool
	horizon           uint8
	slots             [modelSlots]slotWords
	txns              [modelTxns]slotTxn
	scan              slotScan
	forces            [2]forcing
}

type slotWords struct {
	snap, gen uint8
	tag       uint8 // number of a transaction + 1
	cause     uint8 // the generation it is for + 1
}

// slotTxn is a transaction's handle, and what its calls keep from step to step.
type slotTxn struct {
	phase           phase
	state           uint8 // of an update transaction
	slot, gen, snap uint8
	list, at        uint8 // of a search
	now             uint8 // a mark, a tag or a version that was loaded
	floor           uint8 // newest commit that had returned when it began
}

const (
	stateOpen = iota
	stateRolledBack
	stateCommitted
)

// slotScan is a scan, and forcing a forced end, between their steps.
type slotScan struct{ m, list, active uint8 }

type forcing struct{ gen, snap, tag uint8 }

// slotModel is what does not change.
type slotModel struct {
	fault    slotFault
	twoMarks bool // R is raised after V, as with a log
	search   bool // a begin that loses its slot searches the list, else it gives up
	update   [modelTxns]bool
	start    slotState
}

func newSlotModel(fault slotFault, listed uint8) *slotModel {
	return &slotModel{fault: fault, start: slotState{
		visible: 1, readable: 1, applied: 1, returned: 1, chain: 1 << 1, list: listed,
	}}
}

// model explores the processes.
func (m *slotModel) model(processes ...explore.Process[slotState]) explore.Model[slotState] {
	return explore.Model[slotState]{Start: m.start, Processes: processes, Holds: m.holds, AtEnd: m.atEnd}
}

// word is the snap word of transaction t.
func (m *slotModel) word(t int, snap uint8) uint8 {
	if m.update[t] {
		return snap | wordUpdate
	}
	return snap
}

// mark is what transaction t begins at.
func (m *slotModel) mark(s *slotState, t int) uint8 {
	if m.update[t] {
		return s.visible
	}
	return s.readable
}

// live reports whether transaction t may be used.
func (s *slotState) live(t int) bool {
	x := &s.txns[t]
	return x.phase == begun && s.slots[x.slot].gen == x.gen
}

// holds checks I2 and I9 and what they rest on.
func (m *slotModel) holds(s *slotState) string {
	for t := range s.txns {
		x := &s.txns[t]
		if gen := s.slots[x.slot].gen; x.phase == begun && gen != x.gen && gen != (x.gen+1)|wordForced {
			return fmt.Sprintf("I9: T%d was ended by what was meant for another, and finds no cause", t)
		}
		if x.phase == begun && x.state == stateRolledBack && s.slots[x.slot].cause != x.gen+1 {
			return fmt.Sprintf("I9: T%d was rolled back by force, and finds no cause yet", t)
		}
		if !s.live(t) && !(m.update[t] && x.phase == begun && x.state == stateOpen) {
			continue
		}
		switch slot := &s.slots[x.slot]; {
		case slot.snap != m.word(t, x.snap) && !s.live(t):
			return fmt.Sprintf("I2: T%d was ended by force and may still commit, but its snapshot %d is not announced", t, x.snap)
		case slot.snap != m.word(t, x.snap):
			return fmt.Sprintf("I9: T%d is open at snapshot %d, but its slot was given to somebody else or retired", t, x.snap)
		case s.list>>x.slot&1 == 0:
			return fmt.Sprintf("I2: T%d is open in a slot that no scan sees", t)
		case s.chain>>x.snap&1 == 0:
			return fmt.Sprintf("I2: T%d is open at snapshot %d, and the version it sees was purged", t, x.snap)
		case s.horizon > x.snap:
			return fmt.Sprintf("I2: T%d is open at snapshot %d, below the horizon %d", t, x.snap, s.horizon)
		}
	}
	for i, slot := range s.slots {
		if s.left>>i&1 == 1 && slot.snap != wordRetired {
			return fmt.Sprintf("slot %d is in no list and not Retired", i)
		}
		if gen := slot.gen &^ wordForced; slot.gen != gen && slot.cause != gen {
			return fmt.Sprintf("I9: slot %d was ended by force, and its cause is that of another transaction or none", i)
		}
	}
	return ""
}

// atEnd checks I10: a last purge leaves the newest version.
func (m *slotModel) atEnd(s *slotState) string {
	for i, slot := range s.slots {
		if slot.snap != wordAvailable && slot.snap != wordRetired {
			return fmt.Sprintf("slot %d is still taken", i)
		}
		if s.closed && s.list != 0 {
			return "a slot is in the list after Close"
		}
	}
	s.scan = slotScan{m: s.readable}
	m.purge(s)
	if s.chain != 1<<s.applied {
		return fmt.Sprintf("I10: %d versions are left after the last purge", bits.OnesCount8(s.chain))
	}
	return ""
}

// purge unlinks what may go by the scan.
func (m *slotModel) purge(s *slotState) {
	oldest := s.scan.m
	if s.scan.active != 0 {
		oldest = min(oldest, uint8(bits.TrailingZeros8(s.scan.active)))
	}
	s.horizon = max(s.horizon, oldest)
	for t := uint8(1); t < s.applied; t++ {
		e := t + 1
		if e > s.scan.m || e == s.scan.m && m.fault == purgeBelowMark {
			continue
		}
		if s.scan.active>>t&1 == 0 { // no s in A with t ≤ s < e
			s.chain &^= 1 << t
		}
	}
}

// slotProcess collects the steps of one process.
type slotProcess struct {
	*slotModel
	name  string
	steps []explore.Step[slotState]
}

func (m *slotModel) process(name string) *slotProcess { return &slotProcess{slotModel: m, name: name} }

func (p *slotProcess) done() explore.Process[slotState] {
	return explore.Process[slotState]{Name: p.name, Steps: p.steps}
}

func (p *slotProcess) step(label string, do func(s *slotState) explore.Next) {
	p.steps = append(p.steps, explore.Step[slotState]{Label: label, Do: do})
}

// begin is Pool.Begin of transaction t through a hint that names a slot, and for
// an update transaction what Manager.Begin does behind it.
func (p *slotProcess) begin(t, hint int) {
	name := fmt.Sprintf("T%d ", t)
	p.step(name+"load hint", func(s *slotState) explore.Next {
		s.txns[t].slot, s.txns[t].floor = uint8(hint), s.returned
		return explore.On()
	})
	lost := func(s *slotState) explore.Next {
		if p.search {
			return explore.To(name + "shared: lock list")
		}
		s.txns[t].phase = failed
		return explore.Done()
	}
	p.take(t, name, lost, func(*slotState) explore.Next { return explore.To(name + "begun") })
	if p.search {
		p.find(t, name)
	}
	p.begun(t, name)
}

// take is Slot.take, which Pool.Begin has too.
func (p *slotProcess) take(t int, name string, lost, won func(s *slotState) explore.Next) {
	p.step(name+"load mark", func(s *slotState) explore.Next {
		s.txns[t].snap = p.mark(s, t)
		return explore.On()
	})
	if p.fault == beginByPlainStore {
		p.step(name+"look at snap", func(s *slotState) explore.Next {
			if s.slots[s.txns[t].slot].snap != wordAvailable {
				return lost(s)
			}
			return explore.On()
		})
	}
	p.step(name+"CAS snap 0→mark", func(s *slotState) explore.Next {
		x := &s.txns[t]
		if s.slots[x.slot].snap != wordAvailable && p.fault != beginByPlainStore {
			return lost(s)
		}
		s.slots[x.slot].snap = p.word(t, x.snap)
		return explore.On()
	})
	p.step(name+"load gen", func(s *slotState) explore.Next {
		x := &s.txns[t]
		x.gen = s.slots[x.slot].gen
		switch {
		case x.gen&wordForced != 0 && p.fault != beginIgnoresForced:
			return lost(s)
		case p.fault == beginWithoutRecheck:
			return won(s)
		}
		return explore.On()
	})
	p.step(name+"load mark again", func(s *slotState) explore.Next {
		x := &s.txns[t]
		if x.now = p.mark(s, t); x.now == x.snap {
			return won(s)
		}
		return explore.On()
	})
	p.step(name+"CAS snap to newer mark", func(s *slotState) explore.Next {
		x := &s.txns[t]
		if s.slots[x.slot].snap != p.word(t, x.snap) {
			return lost(s)
		}
		s.slots[x.slot].snap = p.word(t, x.now)
		x.snap = x.now
		return explore.To(name + "load mark again")
	})
}

// find is Pool.find. (The model's list is short, so a short search looks at all of
// it, and the second of the searches behind growing would find what the first did.)
func (p *slotProcess) find(t int, name string) {
	p.searchShared(t, name+"shared: ", explore.To(name+"begun"), explore.To(name+"lock growing"))
	p.step(name+"lock growing", func(s *slotState) explore.Next {
		if s.growing {
			return explore.Wait()
		}
		s.growing = true
		return explore.On()
	})
	p.searchShared(t, name+"again: ", explore.To(name+"unlock growing"), explore.To(name+"exclusive: lock list"))
	p.searchExclusive(t, name)
	p.step(name+"unlock growing", func(s *slotState) explore.Next {
		s.growing = false
		if s.txns[t].phase == failed {
			return explore.Done()
		}
		return explore.On()
	})
}

// searchShared is Pool.searchShared.
func (p *slotProcess) searchShared(t int, name string, found, none explore.Next) {
	p.step(name+"lock list", func(s *slotState) explore.Next {
		if s.lock == exclusively {
			return explore.Wait()
		}
		s.lock++
		s.txns[t].list, s.txns[t].at = s.list, modelSlots
		return explore.On()
	})
	p.look(t, name, explore.To(name+"unlock list, none"), explore.To(name+"unlock list"))
	p.step(name+"unlock list", func(s *slotState) explore.Next {
		s.lock--
		return found
	})
	p.step(name+"unlock list, none", func(s *slotState) explore.Next {
		s.lock--
		return none
	})
}

// searchExclusive is Pool.searchExclusive.
func (p *slotProcess) searchExclusive(t int, name string) {
	name += "exclusive: "
	won := explore.To(name + "unlock list")
	p.step(name+"lock list", func(s *slotState) explore.Next {
		if s.lock != 0 {
			return explore.Wait()
		}
		s.lock = exclusively
		if s.closed {
			return explore.To(name + "none")
		}
		s.txns[t].list, s.txns[t].at = s.list, modelSlots
		return explore.On()
	})
	p.look(t, name, explore.To(name+"grow"), won)
	p.step(name+"grow", func(s *slotState) explore.Next {
		p.drop(s)
		s.list |= ^s.left & (1<<modelSlots - 1) // the model has no others
		s.txns[t].list, s.txns[t].at = s.list, modelSlots
		return explore.On()
	})
	p.look(t, name+"grown: ", explore.To(name+"none"), won)
	p.step(name+"none", func(s *slotState) explore.Next {
		s.txns[t].phase = failed
		return explore.On()
	})
	p.step(name+"unlock list", func(s *slotState) explore.Next {
		s.lock = 0
		return explore.On()
	})
}

// look is Pool.search: newest first, each slot once.
func (p *slotProcess) look(t int, name string, none, found explore.Next) {
	p.step(name+"look at next slot", func(s *slotState) explore.Next {
		x := &s.txns[t]
		for x.at > 0 {
			x.at--
			if x.list>>x.at&1 == 1 {
				if s.slots[x.at].snap == wordAvailable {
					x.slot = x.at
					return explore.On()
				}
				return explore.To(name + "look at next slot")
			}
		}
		return none
	})
	p.take(t, name, func(*slotState) explore.Next { return explore.To(name + "look at next slot") },
		func(*slotState) explore.Next { return found })
}

// begun hands out the handle.
func (p *slotProcess) begun(t int, name string) {
	hand := func(s *slotState) explore.Next {
		x := &s.txns[t]
		x.phase = begun
		if !p.update[t] && x.snap < x.floor {
			return explore.Broken("I4: T%d began after the commit at %d had returned, at snapshot %d", t, x.floor, x.snap)
		}
		return explore.On()
	}
	if !p.update[t] {
		p.step(name+"begun", hand)
		return
	}
	p.step(name+"begun", func(s *slotState) explore.Next { // SetTag
		s.slots[s.txns[t].slot].tag = uint8(t + 1)
		return explore.On()
	})
	p.step(name+"look at gen", func(s *slotState) explore.Next {
		x := &s.txns[t]
		if s.slots[x.slot].gen != x.gen && p.fault != tagWithoutLook {
			x.phase = failed
			return explore.Done()
		}
		return hand(s)
	})
}

// refresh is Manager.Refresh. Nobody reads in the middle of it, so what may not be
// purged then is only what it is going to see in the end.
func (p *slotProcess) refresh(t int) {
	name := fmt.Sprintf("T%d refresh: ", t)
	p.step(name+"load V", func(s *slotState) explore.Next {
		x := &s.txns[t]
		x.now, x.phase = p.mark(s, t), refreshing
		if x.now == x.snap {
			return explore.To(name + "over")
		}
		return explore.On()
	})
	p.step(name+"CAS snap", func(s *slotState) explore.Next {
		x := &s.txns[t]
		if slot := &s.slots[x.slot]; slot.snap == p.word(t, x.snap) {
			slot.snap, x.snap = p.word(t, x.now), x.now
			if p.fault != refreshWithoutSecondLook {
				return explore.To(name + "load V")
			}
		}
		return explore.On()
	})
	p.step(name+"over", func(s *slotState) explore.Next {
		s.txns[t].phase = begun
		return explore.On()
	})
}

// read is a Get: the walk, and then the look at gen.
func (p *slotProcess) read(t int) {
	name := fmt.Sprintf("T%d ", t)
	walk := func(s *slotState) explore.Next {
		x := &s.txns[t]
		below := s.chain & (1<<(x.snap+1) - 1)
		x.now = uint8(bits.Len8(below))
		return explore.On()
	}
	judge := func(s *slotState) explore.Next {
		if x := &s.txns[t]; x.now != x.snap+1 {
			return explore.Broken("I2: T%d reads at snapshot %d and got version %d", t, x.snap, int(x.now)-1)
		}
		return explore.On()
	}
	gone := func(s *slotState) bool { return s.slots[s.txns[t].slot].gen != s.txns[t].gen }
	if p.fault == readLooksFirst {
		p.step(name+"read: look at gen", func(s *slotState) explore.Next {
			if gone(s) {
				return explore.Done()
			}
			return explore.On()
		})
		p.step(name+"read: walk", func(s *slotState) explore.Next {
			walk(s)
			return judge(s)
		})
		return
	}
	p.step(name+"read: walk", walk)
	p.step(name+"read: look at gen", func(s *slotState) explore.Next {
		if gone(s) {
			return explore.Done()
		}
		return judge(s)
	})
}

// commit is the CAS of an update transaction that decides.
func (p *slotProcess) commit(t int) {
	p.step(fmt.Sprintf("T%d CAS state open→committed", t), func(s *slotState) explore.Next {
		if x := &s.txns[t]; x.state == stateOpen {
			x.state = stateCommitted
		}
		return explore.On()
	})
}

// end is Slot.End by somebody who has the handle of transaction t.
func (p *slotProcess) end(t int) {
	name := fmt.Sprintf("T%d ", t)
	gone := func(s *slotState) (next explore.Next, is bool) {
		x := &s.txns[t]
		switch {
		case x.phase == notBegun:
			return explore.Wait(), true
		case x.phase == failed, s.slots[x.slot].gen != x.gen:
			return explore.Done(), true
		}
		return explore.On(), false
	}
	if p.fault == endByPlainGen {
		p.step(name+"end: look at gen", func(s *slotState) explore.Next {
			next, _ := gone(s)
			return next
		})
		p.step(name+"end: store gen", func(s *slotState) explore.Next {
			x := &s.txns[t]
			s.slots[x.slot].gen, x.phase = x.gen+1, over
			return explore.On()
		})
	} else {
		p.step(name+"end: CAS gen", func(s *slotState) explore.Next {
			next, is := gone(s)
			if !is {
				x := &s.txns[t]
				s.slots[x.slot].gen, x.phase = x.gen+1, over
			}
			return next
		})
	}
	p.step(name+"end: CAS snap to 0", func(s *slotState) explore.Next {
		x := &s.txns[t]
		slot := &s.slots[x.slot]
		if slot.snap == p.word(t, x.snap) || p.fault == endByPlainSnap || p.fault == endByPlainGen {
			slot.snap = wordAvailable
		}
		return explore.On()
	})
}

// commits are so many commits of others.
func (p *slotProcess) commits(n int) {
	for i := range n {
		ts := uint8(2 + i)
		p.step(fmt.Sprintf("commit %d: state", ts), func(s *slotState) explore.Next {
			s.applied = ts
			s.chain |= 1 << ts
			return explore.On()
		})
		p.step(fmt.Sprintf("commit %d: publish V", ts), func(s *slotState) explore.Next {
			if s.visible >= ts {
				return explore.Broken("I6: V fell from %d to %d", s.visible, ts)
			}
			s.visible = ts
			if !p.twoMarks {
				s.readable, s.returned = ts, ts
			}
			return explore.On()
		})
		if p.twoMarks {
			p.step(fmt.Sprintf("commit %d: raise R", ts), func(s *slotState) explore.Next {
				s.readable, s.returned = ts, ts
				return explore.On()
			})
		}
	}
}

// scans are so many scans, each with the purge of all that it lets go.
func (p *slotProcess) scans(n int) {
	for i := range n {
		name := fmt.Sprintf("scan %d: ", i+1)
		loadMark := func() {
			p.step(name+"load m", func(s *slotState) explore.Next {
				switch s.scan.m = s.readable; p.fault {
				case markIsVisible:
					s.scan.m = s.visible
				case markIsApplied:
					s.scan.m = s.applied
				}
				return explore.On()
			})
		}
		if p.fault != markAfterScan {
			loadMark()
		}
		p.step(name+"load list", func(s *slotState) explore.Next {
			s.scan.list, s.scan.active = s.list, 0
			return explore.On()
		})
		for i := range modelSlots {
			p.step(fmt.Sprintf("%sload slot %d", name, i), func(s *slotState) explore.Next {
				snap := s.slots[i].snap
				if s.scan.list>>i&1 == 1 && snap != wordAvailable && snap != wordRetired {
					s.scan.active |= 1 << (snap &^ wordUpdate)
				}
				return explore.On()
			})
		}
		if p.fault == markAfterScan {
			loadMark()
		}
		p.step(name+"purge", func(s *slotState) explore.Next {
			p.purge(s)
			return explore.On()
		})
	}
}

// drop is Pool.dropRetired.
func (m *slotModel) drop(s *slotState) {
	for i, slot := range s.slots {
		if slot.snap == wordRetired && s.list>>i&1 == 1 {
			s.list &^= 1 << i
			s.left |= 1 << i
		}
	}
}

// lockList takes the exclusive lock.
func (p *slotProcess) lockList(closed bool) {
	p.step("lock list", func(s *slotState) explore.Next {
		if s.lock != 0 {
			return explore.Wait()
		}
		s.lock, s.closed = exclusively, closed
		return explore.On()
	})
}

// dropAndUnlock ends what lockList began.
func (p *slotProcess) dropAndUnlock() {
	p.step("drop retired", func(s *slotState) explore.Next {
		p.drop(s)
		return explore.On()
	})
	p.step("unlock list", func(s *slotState) explore.Next {
		s.lock = 0
		return explore.On()
	})
}

// trim is Pool.Trim that retires a slot if it can.
func (p *slotProcess) trim(slot int) {
	p.lockList(false)
	plain := p.fault == retireByPlainStore
	if plain {
		p.step("look at snap", func(s *slotState) explore.Next {
			if s.slots[slot].snap != wordAvailable {
				return explore.To("drop retired")
			}
			return explore.On()
		})
	}
	p.step("CAS snap 0→Retired", func(s *slotState) explore.Next {
		if s.slots[slot].snap == wordAvailable || plain {
			if p.fault == unlinkWithoutRetired {
				s.list &^= 1 << slot
			} else {
				s.slots[slot].snap = wordRetired
			}
		}
		return explore.On()
	})
	p.dropAndUnlock()
}

// force is Manager.Force, and Slot.Force in it, on whatever is active in the slot,
// as process number f does it. It goes on at out.
func (p *slotProcess) force(f, slot int, name string, closing bool, out explore.Next) {
	p.step(name+"load gen", func(s *slotState) explore.Next {
		gen := s.slots[slot].gen
		if gen&wordForced != 0 && p.fault != forceTwice {
			gen = gen&^wordForced - 1 // complete what another has begun
		}
		s.forces[f] = forcing{gen: gen}
		if p.fault == retireForOther && gen != s.slots[slot].gen {
			return explore.To(name + "store snap Retired")
		}
		return explore.On()
	})
	p.step(name+"load snap", func(s *slotState) explore.Next {
		x := &s.forces[f]
		if x.snap = s.slots[slot].snap; x.snap == wordAvailable || x.snap == wordRetired {
			return out
		}
		if p.fault == forceCauseAfterState {
			return explore.To(name + "load tag")
		}
		return explore.On()
	})
	p.storeCause(f, slot, name+"store cause")
	p.step(name+"load tag", func(s *slotState) explore.Next {
		x := &s.forces[f]
		x.look(s, slot)
		if x.tag == 0 || p.fault == forceGenBeforeState {
			return explore.To(name + "CAS gen")
		}
		return explore.On()
	})
	p.step(name+"CAS state open→rolled back", func(s *slotState) explore.Next {
		if s.forces[f].rollBack(s) == stateCommitted && !closing {
			return out
		}
		return explore.On()
	})
	if p.fault == forceCauseAfterState {
		p.storeCause(f, slot, name+"store cause late")
	}
	p.forceSlot(f, slot, name, out)
}

// storeCause is Slot.Blame.
func (p *slotProcess) storeCause(f, slot int, name string) {
	p.step(name, func(s *slotState) explore.Next {
		x, words := &s.forces[f], &s.slots[slot]
		if words.cause <= x.gen || p.fault == forceOverwritesCause {
			words.cause = x.gen + 1
		}
		return explore.On()
	})
}

// look is Slot.Tag.
func (x *forcing) look(s *slotState, slot int) {
	if tag := s.slots[slot].tag; tag != 0 && s.txns[tag-1].gen == x.gen {
		x.tag = tag
	}
}

// rollBack is the CAS of a forced end that decides.
func (x *forcing) rollBack(s *slotState) (state uint8) {
	t := &s.txns[x.tag-1]
	if t.state == stateOpen {
		t.state = stateRolledBack
	}
	return t.state
}

// forceSlot is the part of a forced end in Slot.Force, and in the middle of that
// the second look for a tag.
func (p *slotProcess) forceSlot(f, slot int, name string, out explore.Next) {
	p.step(name+"CAS gen", func(s *slotState) explore.Next {
		x := &s.forces[f]
		if p.fault == forceBySnap {
			return explore.To(name + "CAS snap to Retired")
		}
		switch s.slots[slot].gen {
		case x.gen:
			s.slots[slot].gen = (x.gen + 1) | wordForced
		case (x.gen + 1) | wordForced:
		default:
			return out
		}
		if x.tag != 0 || p.fault == forceLooksForTagOnce {
			return explore.To(name + "store snap Retired")
		}
		return explore.On()
	})
	p.step(name+"load tag again", func(s *slotState) explore.Next {
		if s.forces[f].look(s, slot); s.forces[f].tag == 0 {
			return explore.To(name + "store snap Retired")
		}
		return explore.On()
	})
	p.step(name+"CAS state again", func(s *slotState) explore.Next {
		s.forces[f].rollBack(s)
		return explore.On()
	})
	p.step(name+"store snap Retired", func(s *slotState) explore.Next {
		s.slots[slot].snap = wordRetired
		if s.forces[f].tag != 0 && p.fault == forceGenBeforeState {
			return explore.To(name + "CAS state too late")
		}
		return out
	})
	p.step(name+"CAS state too late", func(s *slotState) explore.Next {
		s.forces[f].rollBack(s)
		return out
	})
	p.step(name+"CAS snap to Retired", func(s *slotState) explore.Next {
		if x, words := &s.forces[f], &s.slots[slot]; words.snap == x.snap {
			words.snap, words.gen = wordRetired, (x.gen+1)|wordForced
		}
		return out
	})
}

// closeAll is Pool.Close with Manager.Close.
func (p *slotProcess) closeAll(f int) {
	p.lockList(true)
	for i := range modelSlots {
		name := fmt.Sprintf("close slot %d: ", i)
		next := explore.To(fmt.Sprintf("close slot %d: look", i+1))
		p.step(name+"look", func(s *slotState) explore.Next {
			if s.list>>i&1 == 0 || s.slots[i].snap == wordRetired {
				return next
			}
			return explore.On()
		})
		p.step(name+"CAS snap 0→Retired", func(s *slotState) explore.Next {
			if s.slots[i].snap == wordAvailable {
				s.slots[i].snap = wordRetired
				return next
			}
			return explore.On()
		})
		p.force(f, i, name, true, explore.To(name+"look"))
	}
	p.step(fmt.Sprintf("close slot %d: look", modelSlots), func(*slotState) explore.Next { return explore.On() })
	p.dropAndUnlock()
}
