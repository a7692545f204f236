package deps_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
)

// The model of two-phase commit: transactions that have read and write a few keys
// vote, pass the section, are blocked by prepared ones there, take their vote back
// and vote again, and are finished. The section is one step: who is in it is alone
// with the guards. That what a transaction has read is still true at its commit
// timestamp is what makes commit order a serial order (I8).

// prepareFault is one deliberate mistake in the model of two-phase commit.
type prepareFault int

const (
	noPrepareFault prepareFault = iota
	guardNoReads
	guardNoWrites
	drawAtVote
	waitWithVote
	unguardBeforeCommit
	prepareWithoutValidation
	endWakesNobody
	releaseBeforeUnguard
)

const prepareTxns, prepareKeys = 3, 3

// prepareState is the state of the model.
type prepareState struct {
	last    uint8              // timestamp drawn, and V
	changed [prepareKeys]uint8 // newest commit
	owner   [prepareKeys]uint8 // transaction + 1 that holds the key
	guards  [prepareTxns]bool
	txns    [prepareTxns]preparingTxn
}

type preparingTxn struct {
	snap, ts uint8
	state    uint8
	by       uint8 // transaction + 1 that it waits for
	over     bool  // finished, and everything let go
}

// States of a transaction.
const (
	prepOpen uint8 = iota
	prepPrepared
	prepCommitted
	prepRolledBack
)

// preparePlan is what a transaction has read and writes, and how it commits.
type preparePlan struct {
	reads, writes []int // in key order
	twoPhases     bool
}

type prepareModel struct {
	fault prepareFault
	plans [prepareTxns]preparePlan
}

type prepareProcess struct {
	*prepareModel
	steps []explore.Step[prepareState]
}

func (p *prepareProcess) step(label string, do func(s *prepareState) explore.Next) {
	p.steps = append(p.steps, explore.Step[prepareState]{Label: label, Do: do})
}

func meet(a, b []int) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// commitAll is one client that commits these transactions: prepares all those that
// commit in two phases, and then finishes them.
func (m *prepareModel) commitAll(ts ...int) explore.Process[prepareState] {
	p := &prepareProcess{prepareModel: m}
	for _, t := range ts {
		p.begin(t)
	}
	for _, t := range ts {
		p.vote(t)
		p.pass(t)
		p.takeBack(t)
		p.step(fmt.Sprintf("T%d: has voted", t), func(*prepareState) explore.Next { return explore.On() })
	}
	for _, t := range ts {
		p.finish(t)
	}
	return explore.Process[prepareState]{Name: fmt.Sprintf("client of T%d", ts[0]), Steps: p.steps}
}

func (p *prepareProcess) begin(t int) {
	p.step(fmt.Sprintf("T%d: begin and read", t), func(s *prepareState) explore.Next {
		s.txns[t].snap = s.last
		return explore.On()
	})
}

// clash reports whether a key was committed after the snapshot.
func (s *prepareState) clash(t int, keys []int) bool {
	for _, key := range keys {
		if s.changed[key] > s.txns[t].snap {
			return true
		}
	}
	return false
}

func (p *prepareProcess) vote(t int) {
	for _, key := range p.plans[t].writes {
		p.step(fmt.Sprintf("T%d: lock k%d", t, key), func(s *prepareState) explore.Next {
			if s.owner[key] != 0 {
				return explore.Wait()
			}
			s.owner[key] = uint8(t + 1)
			return explore.On()
		})
		p.step(fmt.Sprintf("T%d: look at k%d", t, key), func(s *prepareState) explore.Next {
			if s.clash(t, []int{key}) {
				s.txns[t].state = prepRolledBack
				return explore.To(fmt.Sprintf("T%d: undo", t))
			}
			return explore.On()
		})
	}
}

// pass is admit of a transaction that commits or is prepared.
func (p *prepareProcess) pass(t int) {
	plan := &p.plans[t]
	p.step(fmt.Sprintf("T%d: pass", t), func(s *prepareState) explore.Next {
		x := &s.txns[t]
		if s.clash(t, plan.reads) && !(plan.twoPhases && p.fault == prepareWithoutValidation) {
			x.state = prepRolledBack
			return explore.To(fmt.Sprintf("T%d: undo", t))
		}
		if x.by = p.blocking(s, t); x.by != 0 {
			if p.fault == waitWithVote {
				return explore.To(fmt.Sprintf("T%d: wait for the end", t))
			}
			return explore.To(fmt.Sprintf("T%d: undo", t))
		}
		if !plan.twoPhases {
			return p.commit(s, t, s.last+1, explore.To(fmt.Sprintf("T%d: undo", t)))
		}
		x.state, s.guards[t] = prepPrepared, true
		if p.fault == drawAtVote {
			s.last++
			x.ts = s.last
		}
		return explore.To(fmt.Sprintf("T%d: has voted", t))
	})
}

// blocking is protecting and changing.
func (p *prepareProcess) blocking(s *prepareState, t int) uint8 {
	plan := &p.plans[t]
	for u := range s.guards {
		switch {
		case !s.guards[u] || u == t:
		case meet(p.plans[u].reads, plan.writes) && p.fault != guardNoReads,
			plan.twoPhases && meet(p.plans[u].writes, plan.reads) && p.fault != guardNoWrites:
			return uint8(u + 1)
		}
	}
	return 0
}

// commit makes t visible at a timestamp, if that is right.
func (p *prepareProcess) commit(s *prepareState, t int, ts uint8, next explore.Next) explore.Next {
	plan := &p.plans[t]
	switch {
	case ts < s.last:
		return explore.Broken("T%d commits at %d, and V is %d: who began there has not seen it", t, ts, s.last)
	case s.clash(t, plan.reads):
		return explore.Broken("I8: T%d commits at %d, and what it read at %d was changed", t, ts, s.txns[t].snap)
	case s.clash(t, plan.writes):
		return explore.Broken("T%d commits at %d, and what it writes was changed since %d", t, ts, s.txns[t].snap)
	}
	s.last = ts
	for _, key := range plan.writes {
		if s.owner[key] != uint8(t+1) && p.fault != releaseBeforeUnguard {
			return explore.Broken("T%d writes k%d, which it does not own", t, key)
		}
		s.changed[key] = ts
	}
	s.txns[t].state = prepCommitted
	return next
}

// takeBack lets go what the vote locked, after the end of the transaction or to wait
// for that of another.
func (p *prepareProcess) takeBack(t int) {
	p.step(fmt.Sprintf("T%d: undo", t), func(*prepareState) explore.Next { return explore.On() })
	for _, key := range p.plans[t].writes {
		p.step(fmt.Sprintf("T%d: unlock k%d", t, key), func(s *prepareState) explore.Next {
			if s.owner[key] == uint8(t+1) {
				s.owner[key] = 0
			}
			return explore.On()
		})
	}
	p.step(fmt.Sprintf("T%d: look for the end", t), func(s *prepareState) explore.Next {
		x := &s.txns[t]
		switch {
		case x.state != prepOpen:
			x.over = true
			return explore.To(fmt.Sprintf("T%d: has voted", t))
		case s.txns[x.by-1].over:
			x.by = 0
			return explore.To(fmt.Sprintf("T%d: lock k%d", t, p.plans[t].writes[0]))
		}
		return explore.On()
	})
	p.step(fmt.Sprintf("T%d: wait for the end", t), func(s *prepareState) explore.Next {
		x := &s.txns[t]
		if !s.txns[x.by-1].over || p.fault == endWakesNobody {
			return explore.Wait()
		}
		x.by = 0
		if p.fault == waitWithVote {
			return explore.To(fmt.Sprintf("T%d: pass", t))
		}
		return explore.To(fmt.Sprintf("T%d: lock k%d", t, p.plans[t].writes[0]))
	})
}

// finish is CommitPrepared or RollbackPrepared.
func (p *prepareProcess) finish(t int) {
	over := explore.To(fmt.Sprintf("T%d: is over", t))
	p.steps = append(p.steps, explore.Step[prepareState]{
		Label: fmt.Sprintf("T%d: finish", t),
		Do: func(s *prepareState) explore.Next {
			x := &s.txns[t]
			switch {
			case x.state != prepPrepared:
				return over
			case p.fault == unguardBeforeCommit:
				s.guards[t] = false
				return explore.On()
			case p.fault == releaseBeforeUnguard:
				for key := range s.owner {
					if s.owner[key] == uint8(t+1) {
						s.owner[key] = 0
					}
				}
				return explore.On()
			}
			return p.finishNow(s, t)
		},
		Or: func(s *prepareState) explore.Next {
			if s.txns[t].state != prepPrepared {
				return over
			}
			s.guards[t], s.txns[t].state = false, prepRolledBack
			return explore.To(fmt.Sprintf("T%d: let go", t))
		},
	})
	p.step(fmt.Sprintf("T%d: finish late", t), func(s *prepareState) explore.Next { return p.finishNow(s, t) })
	p.step(fmt.Sprintf("T%d: let go", t), func(*prepareState) explore.Next { return explore.On() })
	for _, key := range p.plans[t].writes {
		p.step(fmt.Sprintf("T%d: let go k%d", t, key), func(s *prepareState) explore.Next {
			if s.owner[key] == uint8(t+1) {
				s.owner[key] = 0
			}
			return explore.On()
		})
	}
	p.step(fmt.Sprintf("T%d: is over", t), func(s *prepareState) explore.Next {
		s.txns[t].over = true
		return explore.On()
	})
}

// finishNow is the finish in the section.
func (p *prepareProcess) finishNow(s *prepareState, t int) explore.Next {
	ts := s.last + 1
	if p.fault == drawAtVote {
		ts = s.txns[t].ts
	}
	s.guards[t] = false
	return p.commit(s, t, ts, explore.To(fmt.Sprintf("T%d: let go", t)))
}

// prepareAtEnd: everything is finished and let go.
func prepareAtEnd(s *prepareState) string {
	if s.owner != [prepareKeys]uint8{} || s.guards != [prepareTxns]bool{} {
		return "a lock or a guard is left"
	}
	for t := range s.txns {
		if x := &s.txns[t]; x.over && x.state != prepCommitted && x.state != prepRolledBack {
			return fmt.Sprintf("T%d is neither committed nor rolled back", t)
		}
	}
	return ""
}

func prepareScenes() []scene[prepareState, prepareFault] {
	with := func(plans [prepareTxns]preparePlan, clients ...[]int) func(prepareFault) explore.Model[prepareState] {
		return func(fault prepareFault) explore.Model[prepareState] {
			m := &prepareModel{fault: fault, plans: plans}
			model := explore.Model[prepareState]{Start: prepareState{last: 1}, AtEnd: prepareAtEnd}
			for _, ts := range clients {
				model.Processes = append(model.Processes, m.commitAll(ts...))
			}
			return model
		}
	}
	one, two, three := []int{0}, []int{1}, []int{2}
	return []scene[prepareState, prepareFault]{
		{"two prepared that cross", false, with([prepareTxns]preparePlan{
			{reads: []int{0}, writes: []int{1}, twoPhases: true}, {reads: []int{1}, writes: []int{0}, twoPhases: true},
		}, one, two)},
		{"prepared and writer of what it read", false, with([prepareTxns]preparePlan{
			{reads: []int{0}, writes: []int{1}, twoPhases: true}, {reads: []int{1}, writes: []int{0}}, {writes: []int{0, 2}},
		}, one, two, three)},
		{"three prepared in a ring", false, with([prepareTxns]preparePlan{
			{reads: []int{0}, writes: []int{1}, twoPhases: true}, {reads: []int{1}, writes: []int{2}, twoPhases: true},
			{reads: []int{2}, writes: []int{0}, twoPhases: true},
		}, one, two, three)},
		{"one client prepares two", false, with([prepareTxns]preparePlan{
			{reads: []int{0}, writes: []int{1}, twoPhases: true}, {writes: []int{2}, twoPhases: true}, {writes: []int{0, 2}},
		}, []int{0, 1}, three)},
		{"writers of the same keys", false, with([prepareTxns]preparePlan{
			{reads: []int{2}, writes: []int{0, 1}, twoPhases: true}, {reads: []int{0}, writes: []int{1, 2}, twoPhases: true},
			{reads: []int{1}, writes: []int{0, 2}},
		}, one, two, three)},
		{"writers that read nothing", false, with([prepareTxns]preparePlan{
			{writes: []int{0}, twoPhases: true}, {writes: []int{0, 1}}, {writes: []int{1, 2}, twoPhases: true},
		}, one, two, three)},
	}
}
