package deps_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
)

// storeProcess collects the steps of one process on the store.
type storeProcess struct {
	*storeModel
	name   string
	prefix string       // of all labels
	after  explore.Next // when a transaction is over
	steps  []explore.Step[storeState]
}

func (m *storeModel) process(name string) *storeProcess {
	return &storeProcess{storeModel: m, name: name, after: explore.Done()}
}

func (p *storeProcess) done() explore.Process[storeState] {
	return explore.Process[storeState]{Name: p.name, Steps: p.steps}
}

func (p *storeProcess) step(label string, do func(s *storeState) explore.Next) {
	p.steps = append(p.steps, explore.Step[storeState]{Label: p.prefix + label, Do: do})
}

// to goes on at a step of this process.
func (p *storeProcess) to(label string) explore.Next { return explore.To(p.prefix + label) }

const beginLabel = "begin: load V"

// txn is transaction t from begin to end.
func (m *storeModel) txn(t int, plan storePlan) explore.Process[storeState] {
	p := m.process(fmt.Sprintf("T%d", t))
	p.transaction(t, plan)
	return p.done()
}

// txns are two transactions, one after the other.
func (m *storeModel) txns(t int, plan storePlan, then int, next storePlan) explore.Process[storeState] {
	one, two := m.process(fmt.Sprintf("T%d, T%d", t, then)), m.process("")
	one.prefix, two.prefix = fmt.Sprintf("T%d ", t), fmt.Sprintf("T%d ", then)
	one.after = two.to(beginLabel)
	one.transaction(t, plan)
	two.transaction(then, next)
	one.steps = append(one.steps, two.steps...)
	return one.done()
}

func (p *storeProcess) transaction(t int, plan storePlan) {
	p.plans[t] = plan
	p.used = max(p.used, t+1)
	p.begin(t)
	for _, key := range plan.reads {
		p.read(t, key)
	}
	if len(plan.writes) == 0 {
		p.end(t)
		return
	}
	for w := range plan.writes {
		p.set(t, w)
	}
	for w := range plan.writes {
		p.vote(t, w)
	}
	if plan.large {
		p.checkOutside(t)
	}
	p.enterSection(t)
	p.serve(t)
	p.release(t)
	p.undo(t)
}

// begin is Slot.take in a slot that nobody else uses.
func (p *storeProcess) begin(t int) {
	p.step(beginLabel, func(s *storeState) explore.Next {
		x := &s.txns[t]
		x.snap, x.floor = s.visible, s.returned
		return explore.On()
	})
	p.step("begin: CAS snap to V", func(s *storeState) explore.Next {
		s.slots[t] = s.txns[t].snap
		return explore.On()
	})
	p.step("begin: load V again", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if x.now = s.visible; x.now != x.snap {
			x.snap = x.now
			return p.to("begin: CAS snap to V")
		}
		if x.phase = begun; x.snap < x.floor {
			return explore.Broken("I4: T%d began after the commit at %d had returned, at snapshot %d", t, x.floor, x.snap)
		}
		return explore.On()
	})
}

// end is Slot.End, and the return of the call.
func (p *storeProcess) end(t int) {
	p.step("end", func(s *storeState) explore.Next {
		x := &s.txns[t]
		s.slots[t], x.phase = 0, over
		if x.state >= stateCommitted {
			s.returned = max(s.returned, x.state-stateCommitted)
		}
		return p.after
	})
}

// read is the walk of a Get, or of a Scan over one key.
func (p *storeProcess) read(t, key int) {
	plan, name := &p.plans[t], fmt.Sprintf("read k%d: ", key)
	end := p.to(name + "answer")
	p.step(name+"look up", func(s *storeState) explore.Next {
		x := &s.txns[t]
		o := s.table[key]
		if plan.ordered {
			for o = storeObjects; o > 0 && s.ordered[key]>>o&1 == 0; o-- {
			}
		}
		x.ts, x.at = 0, o
		if x.read[key] = o; o == 0 {
			x.read[key] = absent
			return end
		}
		return explore.On()
	})
	p.step(name+"load head", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if x.at = s.objects[x.at].head; x.at == 0 {
			return end
		}
		return explore.On()
	})
	if plan.fine {
		p.commitTS(t, name)
	} else {
		p.step(name+"load ts", func(s *storeState) explore.Next {
			x := &s.txns[t]
			x.ts = s.commitTS(x.at)
			return explore.On()
		})
	}
	p.step(name+"compare, load older", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if x.ts != 0 && x.ts <= x.snap {
			x.ts = s.value(x.at, x.ts)
			return end
		}
		x.ts, x.at = 0, s.versions[x.at].older
		if x.at == 0 {
			return end
		}
		return p.to(name + "load ts")
	})
	p.step(name+"answer", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if want := p.expected(s, key, x.snap); x.ts != want {
			return explore.Broken("I2, I3: T%d reads k%d at snapshot %d and gets version %d instead of %d", t, key, x.snap, x.ts, want)
		}
		x.at, x.ts = 0, 0
		return explore.On()
	})
}

// commitTS is Version.CommitTS, load by load.
func (p *storeProcess) commitTS(t int, name string) {
	end := p.to(name + "compare, load older")
	p.step(name+"load ts", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if x.ts = s.versions[x.at].ts; x.ts != 0 {
			return end
		}
		return explore.On()
	})
	p.step(name+"load state", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if x.now = s.versions[x.at].state; x.now != 0 {
			return p.to(name + "load state word")
		}
		if p.fault == lookAtStampOnce {
			return end
		}
		return explore.On()
	})
	p.step(name+"load ts again", func(s *storeState) explore.Next {
		x := &s.txns[t]
		x.ts = s.versions[x.at].ts
		return end
	})
	p.step(name+"load state word", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if state := s.txns[x.now-1].state; state >= stateCommitted {
			x.ts = state - stateCommitted
		}
		return explore.On()
	})
}

// fresh makes an object for a write of transaction t. It reports false if the
// model has none left.
func (s *storeState) fresh(t, key int) bool {
	if s.made == storeObjects {
		return false
	}
	s.made++
	s.objects[s.made] = modelObject{key: uint8(key), lock: lockHeld, fresh: true}
	s.txns[t].target[key] = s.made
	return true
}

const noObjectLeft = "the model is too small: it has no object left"

// set is a Put or Delete: it looks the object up, or makes one.
func (p *storeProcess) set(t, w int) {
	key := p.plans[t].writes[w].key
	p.step(fmt.Sprintf("write k%d: look up", key), func(s *storeState) explore.Next {
		x := &s.txns[t]
		if x.target[key] = s.table[key]; x.target[key] == 0 && !s.fresh(t, key) {
			return explore.Broken(noObjectLeft)
		}
		if w == len(p.plans[t].writes)-1 {
			return p.toVote(s, t, 0)
		}
		return explore.On()
	})
}

// toVote goes on at the vote on write w, or behind the last one.
func (p *storeProcess) toVote(s *storeState, t, w int) explore.Next {
	plan := &p.plans[t]
	switch {
	case w == len(plan.writes) && plan.large:
		return p.to("outside: load tail")
	case w == len(plan.writes):
		return p.to("enter section")
	case s.objects[s.txns[t].target[plan.writes[w].key]].fresh:
		return p.to(fmt.Sprintf("vote k%d: insert into table", plan.writes[w].key))
	}
	return p.to(fmt.Sprintf("vote k%d: lock", plan.writes[w].key))
}

// vote is Manager.own.
func (p *storeProcess) vote(t, w int) {
	key := p.plans[t].writes[w].key
	name := fmt.Sprintf("vote k%d: ", key)
	p.lockFor(t, key, name)
	p.step(name+"look at head", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if head := s.objects[x.target[key]].head; head != 0 && s.commitTS(head) > x.snap && p.fault != voteWithoutLook {
			return p.conflict(s, t)
		}
		return explore.On()
	})
	p.step(name+"link", func(s *storeState) explore.Next {
		x := &s.txns[t]
		o := &s.objects[x.target[key]]
		v := p.version(t, w)
		s.versions[v] = modelVersion{state: uint8(t + 1), older: o.head, object: x.target[key]}
		if p.plans[t].writes[w].tombstone {
			s.versions[v].marks = markTombstone
		}
		o.head = v
		x.linked++
		return p.toVote(s, t, w+1)
	})
	p.step(name+"conflict, unlock", func(s *storeState) explore.Next {
		s.objects[s.txns[t].target[key]].lock = lockFree
		return p.to("roll back state")
	})
}

// conflict ends the vote of transaction t, which owns the object of a write that
// it may not make.
func (p *storeProcess) conflict(s *storeState, t int) explore.Next {
	x := &s.txns[t]
	if ts, _ := p.clash(s, t, s.last+1); ts == 0 {
		return explore.Broken("T%d has a conflict with nobody", t)
	}
	key := p.plans[t].writes[x.linked].key
	return p.to(fmt.Sprintf("vote k%d: conflict, unlock", key))
}

// lockFor is Manager.lockFor, with Store.Adopt and Store.Forget.
func (p *storeProcess) lockFor(t, key int, name string) {
	p.step(name+"insert into table", func(s *storeState) explore.Next {
		x := &s.txns[t]
		o := x.target[key]
		s.objects[o].fresh = false
		if s.table[key] != 0 {
			x.target[key] = s.table[key]
			return p.to(name + "lock")
		}
		s.table[key] = o
		if p.fault == indexAfterCommit {
			return p.to(name + "look at head")
		}
		return explore.On()
	})
	p.step(name+"insert into ordered index", func(s *storeState) explore.Next {
		s.ordered[key] |= 1 << s.txns[t].target[key]
		return p.to(name + "look at head")
	})
	p.step(name+"lock", func(s *storeState) explore.Next {
		switch o := &s.objects[s.txns[t].target[key]]; o.lock {
		case lockFree:
			o.lock = lockHeld
			return p.to(name + "look at head")
		case lockHeld:
			return explore.Wait()
		}
		return explore.On()
	})
	p.forget(name, explore.On(), func(s *storeState) uint8 { return s.txns[t].target[key] })
	p.step(name+"make another object", func(s *storeState) explore.Next {
		if !s.fresh(t, key) {
			return explore.Broken(noObjectLeft)
		}
		return p.to(name + "insert into table")
	})
}

// forget is Store.Forget.
func (p *storeProcess) forget(name string, next explore.Next, object func(*storeState) uint8) {
	p.step(name+"remove from ordered index", func(s *storeState) explore.Next {
		o := object(s)
		if key := s.objects[o].key; p.fault == removeByKey {
			s.ordered[key] = 0
		} else {
			s.ordered[key] &^= 1 << o
		}
		return explore.On()
	})
	p.step(name+"remove from table", func(s *storeState) explore.Next {
		o := object(s)
		if key := s.objects[o].key; s.table[key] == o || p.fault == removeByKey {
			s.table[key] = 0
		}
		return next
	})
}

// checkOutside is Manager.checkOutside for a large read set.
func (p *storeProcess) checkOutside(t int) {
	p.step("outside: load tail", func(s *storeState) explore.Next {
		s.txns[t].checked, s.txns[t].stood = s.tail+1, s.recordTS(s.tail)
		return explore.On()
	})
	for _, key := range p.plans[t].reads {
		p.step(fmt.Sprintf("outside: check k%d", key), func(s *storeState) explore.Next {
			if p.changed(s, t, key) {
				return p.to("roll back state")
			}
			return explore.On()
		})
	}
	p.step("outside: check next record", func(s *storeState) explore.Next {
		x := &s.txns[t]
		if !s.hasNext(x.checked) {
			return p.to("enter section")
		}
		if p.meets(s, t, x.checked) {
			return p.to("roll back state")
		}
		x.checked++
		return p.to("outside: check next record")
	})
}

// hasNext loads the link of the record that was checked last.
func (s *storeState) hasNext(checked uint8) bool {
	return checked <= s.linked && s.cut>>(checked-1)&1 == 0
}

// changed is checkObject, checkKey, or the part of checkRange, for one key read.
func (p *storeProcess) changed(s *storeState, t, key int) bool {
	x := &s.txns[t]
	o := x.read[key]
	if o == absent || p.plans[t].ordered || s.objects[o].lock == lockDead && p.fault != validateByObject {
		o = s.table[key]
	}
	return o != 0 && o != absent && s.newest(o, t) > x.snap
}

// meets is Record.meets with the record at a place of the list.
func (p *storeProcess) meets(s *storeState, t int, place uint8) bool {
	for _, w := range p.plans[s.records[place]-1].writes {
		for _, key := range p.plans[t].reads {
			if w.key == key {
				return true
			}
		}
	}
	return false
}

// enterSection is passThrough up to the section.
func (p *storeProcess) enterSection(t int) {
	p.step("enter section", func(s *storeState) explore.Next {
		if s.busy {
			return explore.On()
		}
		s.busy = true
		s.group[0] = uint8(t + 1)
		return p.to("section: take arrivals")
	})
	p.step("push to arrivals", func(s *storeState) explore.Next {
		for i := range s.arrived {
			if s.arrived[i] == 0 {
				s.arrived[i] = uint8(t + 1)
				return explore.On()
			}
		}
		return explore.Broken("more arrivals than transactions")
	})
	p.step("wait for outcome or section", func(s *storeState) explore.Next {
		switch {
		case s.txns[t].outcome != outcomeNone:
			return p.toOutcome(s, t)
		case s.busy:
			return explore.Wait()
		}
		s.busy = true
		return explore.On()
	})
}

func (p *storeProcess) toOutcome(s *storeState, t int) explore.Next {
	if s.txns[t].outcome != outcomeNone {
		s.txns[t].stood = 0
	}
	switch s.txns[t].outcome {
	case outcomePassed:
		switch p.fault {
		case indexAfterCommit:
			return p.to("insert into ordered index late")
		case linkAfterPublish:
			return p.to("link own record late")
		}
		return p.toStamp(t)
	case outcomeConflict:
		return p.to("roll back state")
	}
	return p.to("wait for outcome or section")
}

func (p *storeProcess) toStamp(t int) explore.Next {
	return p.to(fmt.Sprintf("stamp k%d: first word", p.plans[t].writes[0].key))
}

// serve is Manager.serve, pass and admit. Whoever is in the section goes through
// these steps, for the others of the group too.
func (p *storeProcess) serve(t int) {
	p.step("section: take arrivals", func(s *storeState) explore.Next {
		n := 0
		for n < len(s.group) && s.group[n] != 0 {
			n++
		}
		copy(s.group[n:], s.arrived[:])
		s.arrived = [storeTxns]uint8{}
		s.admitting = 0
		if s.group[0] == 0 {
			return p.to("section: leave")
		}
		if p.fault == publishBeforeCommitted {
			for i := 0; i < len(s.group) && s.group[i] != 0; i++ {
				s.visible = s.last + 1 + uint8(i)
			}
		}
		return explore.On()
	})
	p.step("section: validate next read", func(s *storeState) explore.Next { return p.validate(s) })
	commit := func(s *storeState) explore.Next { return p.draw(s) }
	link := func(s *storeState) explore.Next {
		s.linked++
		s.records[s.linked] = s.group[s.admitting]
		return explore.On()
	}
	tail := func(s *storeState) explore.Next {
		s.tail = s.linked
		if p.fault == linkBeforeCommitted {
			return explore.On()
		}
		return p.next(s)
	}
	if p.fault == linkBeforeCommitted {
		p.step("section: link record", link)
		p.step("section: store tail", tail)
		p.step("section: CAS state to committed", commit)
	} else {
		p.step("section: CAS state to committed", commit)
		p.step("section: link record", link)
		p.step("section: store tail", tail)
	}
	p.step("section: publish V", func(s *storeState) explore.Next {
		s.visible = max(s.visible, s.last)
		return explore.On()
	})
	p.step("section: tell the group", func(s *storeState) explore.Next {
		for _, by := range s.group {
			if by == 0 {
				continue
			}
			x := &s.txns[by-1]
			if x.outcome = outcomePassed; x.conflicted {
				x.outcome = outcomeConflict
			}
		}
		return explore.On()
	})
	p.step("section: leave", func(s *storeState) explore.Next {
		s.group, s.busy = [storeTxns]uint8{}, false
		return p.toOutcome(s, t)
	})
	p.step("link own record late", func(s *storeState) explore.Next {
		s.linked++
		s.records[s.linked] = uint8(t + 1)
		s.tail = s.linked
		return p.toStamp(t)
	})
}

// next goes on with the next of the group.
func (p *storeProcess) next(s *storeState) explore.Next {
	s.admitting++
	s.validated = 0
	if int(s.admitting) < len(s.group) && s.group[s.admitting] != 0 {
		return p.to("section: validate next read")
	}
	return p.to("section: publish V")
}

// validate is checkInside for one key, or for all records that were not looked at
// outside.
func (p *storeProcess) validate(s *storeState) explore.Next {
	t := int(s.group[s.admitting] - 1)
	x, plan := &s.txns[t], &p.plans[t]
	failed := false
	switch {
	case !plan.serial, int(s.validated) == len(plan.reads), p.fault == validateNothing:
	case plan.large:
		for ; s.hasNext(x.checked) && !failed; x.checked++ {
			failed = p.meets(s, t, x.checked)
		}
	default:
		failed = p.changed(s, t, plan.reads[s.validated])
		if s.validated++; !failed && int(s.validated) < len(plan.reads) {
			return p.to("section: validate next read")
		}
	}
	if !failed {
		return explore.On()
	}
	if ts, _ := p.clash(s, t, s.last+1); ts == 0 {
		return explore.Broken("T%d has a conflict with nobody", t)
	}
	x.conflicted = true
	return p.next(s)
}

// draw is State.Commit, and what the list beside says of it.
func (p *storeProcess) draw(s *storeState) explore.Next {
	by := s.group[s.admitting]
	s.last++
	s.txns[by-1].state = stateCommitted + s.last
	s.history[s.last] = by
	if ts, key := p.clash(s, int(by-1), s.last); ts != 0 {
		return explore.Broken("I8: T%d commits at %d, and k%d, which it wrote or read at snapshot %d, was written at %d",
			by-1, s.last, key, s.txns[by-1].snap, ts)
	}
	if p.fault == linkBeforeCommitted || p.fault == linkAfterPublish {
		return p.next(s)
	}
	return explore.On()
}

// release is Manager.release and leave.
func (p *storeProcess) release(t int) {
	plan := &p.plans[t]
	p.step("insert into ordered index late", func(s *storeState) explore.Next {
		for _, w := range plan.writes {
			s.ordered[w.key] |= 1 << s.txns[t].target[w.key]
		}
		return p.toStamp(t)
	})
	for w := range plan.writes {
		name := fmt.Sprintf("stamp k%d: ", plan.writes[w].key)
		ts := func(s *storeState) explore.Next {
			s.versions[p.version(t, w)].ts = s.txns[t].state - stateCommitted
			return explore.On()
		}
		state := func(s *storeState) explore.Next {
			s.versions[p.version(t, w)].state = 0
			return explore.On()
		}
		if p.fault == stampStateFirst {
			ts, state = state, ts
		}
		p.step(name+"first word", ts)
		p.step(name+"second word", state)
	}
	for _, w := range plan.writes {
		p.step(fmt.Sprintf("unlock k%d", w.key), func(s *storeState) explore.Next {
			s.objects[s.txns[t].target[w.key]].lock = lockFree
			return explore.On()
		})
	}
	p.end(t)
}

// undo is Manager.undo: back to how it was, and objects that the vote made go too.
func (p *storeProcess) undo(t int) {
	plan := &p.plans[t]
	p.step("roll back state", func(s *storeState) explore.Next {
		s.txns[t].state, s.txns[t].stood = stateRolledBack, 0
		return explore.On()
	})
	for w := range plan.writes {
		key := plan.writes[w].key
		p.step(fmt.Sprintf("undo k%d: take version off", key), func(s *storeState) explore.Next {
			if int(s.txns[t].linked) <= w {
				return p.to("undo number 0")
			}
			o := &s.objects[s.txns[t].target[key]]
			if p.fault == unlockBeforeUndo && o.lock == lockHeld && s.txns[t].at == 0 {
				o.lock, s.txns[t].at = lockFree, 1
				return p.to(fmt.Sprintf("undo k%d: take version off", key))
			}
			s.txns[t].at = 0
			o.head = s.versions[p.version(t, w)].older
			return explore.On()
		})
	}
	for w := range plan.writes {
		p.undoLock(t, w)
	}
	p.step(fmt.Sprintf("undo number %d", len(plan.writes)), func(s *storeState) explore.Next {
		s.slots[t], s.txns[t].phase = 0, over
		return p.after
	})
}

// undoLock lets the object of write w go, or removes it.
func (p *storeProcess) undoLock(t, w int) {
	plan := &p.plans[t]
	key := plan.writes[w].key
	name, next := fmt.Sprintf("undo k%d: ", key), p.to(fmt.Sprintf("undo number %d", w+1))
	object := func(s *storeState) uint8 { return s.txns[t].target[key] }
	p.step(fmt.Sprintf("undo number %d", w), func(s *storeState) explore.Next {
		switch {
		case int(s.txns[t].linked) <= w:
			return p.to(fmt.Sprintf("undo number %d", len(plan.writes)))
		case p.fault == unlockBeforeUndo:
			return next
		case s.objects[object(s)].head != 0 || p.fault == undoLeavesObjects:
			return p.to(name + "unlock")
		}
		return explore.On()
	})
	p.step(name+"kill", func(s *storeState) explore.Next {
		s.objects[object(s)].lock = lockDead
		return explore.On()
	})
	p.forget(name, next, object)
	p.step(name+"unlock", func(s *storeState) explore.Next {
		s.objects[object(s)].lock = lockFree
		return next
	})
}
