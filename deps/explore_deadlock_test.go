package deps_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/storage"
)

// The model of the search for deadlocks: transactions lock a few objects, in modes that
// may exclude each other, wait in queues, and look once a wait for circles, step for step as in
// deadlock.go. What is done under one mutex is one step here: the model of the waits
// has its insides. A deadlock that is missed shows in that nobody can go on.

// deadlockFault is one deliberate mistake in the model of the deadlocks.
type deadlockFault int

const (
	noDeadlockFault deadlockFault = iota
	searchBeforeEnter
	chooseTheChosen
	giveUpWithoutLook
	queueByModes
	oneCircleOnly
	cutQueueAtChosen
	coverLate
)

const deadTxns, deadObjects = 4, 3

// deadOp is a lock.
type deadOp struct {
	object uint8
	mode   storage.LockMode
}

// deadGraph is who waits for whom: the state of things, or what a search has collected.
type deadGraph struct {
	queue [deadObjects][deadTxns]uint8 // transaction + 1, first come first
	hold  [deadTxns][deadObjects]storage.LockMode
	wait  [deadTxns]uint8 // number of the wait; 0: of no interest
}

// deadState is the state of the model.
type deadState struct {
	deadGraph
	txns [deadTxns]deadTxn

	searcher uint8 // transaction + 1 in the mutex of the searches
	found    deadGraph
	circle   [deadTxns]uint8 // transaction + 1
	looked   uint8           // at so many of circle
}

type deadTxn struct {
	wants                    deadOp
	granted, chosen, woken   bool
	searched, covered, early bool
}

// deadModel is the model with a mistake, or none.
type deadModel struct {
	fault deadlockFault
	plans [deadTxns][]deadOp
}

// admits reports whether transaction t may have what it wants now.
func (s *deadState) admits(t int, op deadOp) bool {
	for u := range s.hold {
		if u != t && s.hold[u][op.object].Excludes(op.mode) {
			return false
		}
	}
	return true
}

// admitWaiters hands the object over.
func (s *deadState) admitWaiters(object uint8) {
	for q := &s.queue[object]; q[0] != 0; {
		t := int(q[0] - 1)
		x := &s.txns[t]
		if !s.admits(t, x.wants) {
			return
		}
		s.hold[t][object] = x.wants.mode
		s.leave(t)
		x.granted, x.woken = true, true
	}
}

// leave takes t out of its queue.
func (s *deadState) leave(t int) {
	q := &s.queue[s.txns[t].wants.object]
	*q = without4(*q, t)
	s.wait[t] = 0
}

func without4(queue [deadTxns]uint8, t int) (kept [deadTxns]uint8) {
	n := 0
	for _, w := range queue {
		if w != 0 && w != uint8(t+1) {
			kept[n] = w
			n++
		}
	}
	return kept
}

// enter puts t into the queue: in front of those who hold nothing of the object if
// it does.
func (s *deadState) enter(t int, number uint8) {
	x := &s.txns[t]
	q := &s.queue[x.wants.object]
	at := 0
	for q[at] != 0 && (s.hold[t][x.wants.object] == 0 || s.hold[q[at]-1][x.wants.object] != 0) {
		at++
	}
	behind := *q
	copy(q[at+1:], behind[at:])
	q[at], s.wait[t] = uint8(t+1), number
	x.covered = false
}

// waitsFor returns for whom t waits.
func (g *deadGraph) waitsFor(m *deadModel, t int, wants deadOp, chosen [deadTxns]bool) (others [deadTxns]bool) {
	for u := range g.hold {
		others[u] = u != t && g.hold[u][wants.object].Excludes(wants.mode)
	}
	q := g.queue[wants.object]
	at := 0
	for at < len(q) && q[at] != uint8(t+1) {
		at++
	}
	for at--; at >= 0; at-- {
		u := int(q[at] - 1)
		switch {
		case m.fault == queueByModes && g.wait[u] != 0 && !m.plans[u][g.wait[u]-1].mode.Excludes(wants.mode):
		case chosen[u] && m.fault == cutQueueAtChosen:
			return others
		case !chosen[u]:
			others[u] = true
		}
	}
	return others
}

// circleThrough returns a circle of waits through t, t first.
func (m *deadModel) circleThrough(g *deadGraph, t int, out [deadTxns]bool) (path []int) {
	seen := out
	var walk func(u int) bool
	walk = func(u int) bool {
		path, seen[u] = append(path, u), true
		for v, waits := range g.waitsFor(m, u, m.plans[u][g.wait[u]-1], out) {
			if waits && g.wait[v] != 0 && (v == t || !seen[v] && walk(v)) {
				return true
			}
		}
		path = path[:len(path)-1]
		return false
	}
	if g.wait[t] == 0 || out[t] || !walk(t) {
		return nil
	}
	return path
}

// chosen returns who has to give up already.
func (s *deadState) chosen() (out [deadTxns]bool) {
	for t := range s.txns {
		out[t] = s.txns[t].chosen
	}
	return out
}

type deadProcess struct {
	*deadModel
	t     int
	steps []explore.Step[deadState]
}

func (p *deadProcess) step(label string, do func(s *deadState) explore.Next) {
	p.steps = append(p.steps, explore.Step[deadState]{Label: label, Do: do})
}

// txn is transaction t: it locks what it wants, and lets it go.
func (m *deadModel) txn(t int, plan ...deadOp) explore.Process[deadState] {
	m.plans[t] = plan
	p := &deadProcess{deadModel: m, t: t}
	for i, op := range plan {
		p.lock(i, op)
	}
	for object := range uint8(deadObjects) {
		p.step(fmt.Sprintf("let go %d", object), func(s *deadState) explore.Next {
			s.hold[t][object] = 0
			s.admitWaiters(object)
			return explore.On()
		})
	}
	p.step("over", func(*deadState) explore.Next { return explore.Done() })
	p.search()
	return explore.Process[deadState]{Name: fmt.Sprintf("T%d", t), Steps: p.steps}
}

// lock is acquire with wait.
func (p *deadProcess) lock(i int, op deadOp) {
	next := explore.To("let go 0")
	if i+1 < len(p.plans[p.t]) {
		next = explore.To(fmt.Sprintf("lock %d", i+1))
	}
	sleep := fmt.Sprintf("sleep %d", i)
	p.step(fmt.Sprintf("lock %d", i), func(s *deadState) explore.Next {
		x := &s.txns[p.t]
		x.wants = op
		if (s.queue[op.object][0] == 0 || s.hold[p.t][op.object] != 0) && s.admits(p.t, op) {
			s.hold[p.t][op.object] = op.mode
			return next
		}
		if p.fault == searchBeforeEnter && !x.early {
			x.early, x.searched = true, true
			s.wait[p.t] = uint8(i + 1)
			return explore.To("search: lock mutex")
		}
		x.searched, x.early = x.early, false
		s.enter(p.t, uint8(i+1))
		return explore.On()
	})
	p.steps = append(p.steps, explore.Step[deadState]{
		Label: sleep,
		Do: func(s *deadState) explore.Next {
			x := &s.txns[p.t]
			if !x.woken {
				return explore.Wait()
			}
			x.woken = false
			return explore.On()
		},
		Or: func(s *deadState) explore.Next {
			x := &s.txns[p.t]
			if x.searched {
				return explore.Wait()
			}
			x.searched = true
			return explore.To("search: lock mutex")
		},
	})
	p.step(fmt.Sprintf("woken %d", i), func(s *deadState) explore.Next {
		x := &s.txns[p.t]
		granted, chosen := x.granted, x.chosen
		*x = deadTxn{}
		switch {
		case granted:
			return next
		case chosen:
			x.wants = op
			s.leave(p.t)
			s.admitWaiters(op.object)
			return explore.To("let go 0")
		}
		return explore.To(sleep)
	})
}

// search is findDeadlock.
func (p *deadProcess) search() {
	p.step("search: lock mutex", func(s *deadState) explore.Next {
		switch x := &s.txns[p.t]; {
		case s.searcher != 0:
			return explore.Wait()
		case x.covered:
			return p.back(s)
		}
		s.searcher = uint8(p.t + 1)
		if p.fault != coverLate {
			s.cover()
		}
		return explore.On()
	})
	for object := range deadObjects {
		p.step(fmt.Sprintf("search: collect queue %d", object), func(s *deadState) explore.Next {
			for _, w := range s.queue[object] {
				if w == 0 {
					continue
				}
				if t := int(w - 1); !s.txns[t].chosen || p.fault == chooseTheChosen {
					q := &s.found.queue[object]
					for i := range q {
						if q[i] == 0 {
							q[i] = w
							break
						}
					}
					s.found.wait[t] = s.wait[t]
				}
			}
			return explore.On()
		})
	}
	for t := range deadTxns {
		p.step(fmt.Sprintf("search: collect what T%d holds", t), func(s *deadState) explore.Next {
			s.found.hold[t] = s.hold[t]
			return explore.On()
		})
	}
	p.breakUp()
}

// cover notes that a search will find all who wait now.
func (s *deadState) cover() {
	for t := range s.txns {
		s.txns[t].covered = s.wait[t] != 0
	}
}

// back ends a search.
func (p *deadProcess) back(s *deadState) explore.Next {
	s.found, s.circle, s.looked, s.searcher = deadGraph{}, [deadTxns]uint8{}, 0, 0
	x := &s.txns[p.t]
	if x.early {
		s.wait[p.t] = 0
		return explore.To(fmt.Sprintf("lock %d", p.number(x.wants)))
	}
	return explore.To(fmt.Sprintf("sleep %d", p.number(x.wants)))
}

// number returns the place of a lock in the plan.
func (p *deadProcess) number(op deadOp) int {
	for i, x := range p.plans[p.t] {
		if x == op {
			return i
		}
	}
	return -1
}

// breakUp is the loop over circles.
func (p *deadProcess) breakUp() {
	find := func(s *deadState, from, by int) explore.Next {
		s.circle, s.looked = [deadTxns]uint8{}, 0
		var out [deadTxns]bool // chosen in this search, or gone since
		for t := range out {
			out[t] = s.found.wait[t] == 0
		}
		for t := from; t >= 0 && t < deadTxns; t += by {
			for i, u := range p.circleThrough(&s.found, t, out) {
				s.circle[i] = uint8(u + 1)
			}
			if s.circle[0] != 0 {
				return explore.On()
			}
		}
		if p.fault == coverLate {
			s.cover()
		}
		return p.back(s)
	}
	p.steps = append(p.steps, explore.Step[deadState]{
		Label: "search: find a circle",
		Do:    func(s *deadState) explore.Next { return find(s, 0, 1) },
		Or:    func(s *deadState) explore.Next { return find(s, deadTxns-1, -1) },
	})
	p.step("search: look again at next", func(s *deadState) explore.Next {
		if int(s.looked) == deadTxns || s.circle[s.looked] == 0 || p.fault == giveUpWithoutLook {
			return explore.On()
		}
		t := int(s.circle[s.looked] - 1)
		s.looked++
		if s.wait[t] != s.found.wait[t] || s.txns[t].chosen && p.fault != chooseTheChosen {
			s.found.wait[t] = 0
			return explore.To("search: find a circle")
		}
		return explore.To("search: look again at next")
	})
	p.step("search: make one give up", func(s *deadState) explore.Next {
		victim := -1
		for _, w := range s.circle {
			victim = max(victim, int(w)-1)
		}
		s.found.wait[victim] = 0
		x := &s.txns[victim]
		if x.granted && p.fault != giveUpWithoutLook {
			return explore.To("search: find a circle")
		}
		sound := deadModel{plans: p.plans}
		if sound.circleThrough(&s.deadGraph, victim, s.chosen()) == nil {
			return explore.Broken("T%d has to give up, and is on no circle", victim)
		}
		x.chosen, x.woken = true, true
		if p.fault == oneCircleOnly {
			return p.back(s)
		}
		return explore.To("search: find a circle")
	})
}

func deadlockAtEnd(s *deadState) string {
	if s.deadGraph != (deadGraph{}) {
		return "somebody holds something, or waits, for ever"
	}
	return ""
}

func deadlockScenes() []scene[deadState, deadlockFault] {
	with := func(start deadState, plans ...[]deadOp) func(deadlockFault) explore.Model[deadState] {
		return func(fault deadlockFault) explore.Model[deadState] {
			m := &deadModel{fault: fault}
			model := explore.Model[deadState]{Start: start, AtEnd: deadlockAtEnd}
			for t, plan := range plans {
				model.Processes = append(model.Processes, m.txn(t, plan...))
			}
			return model
		}
	}
	own := func(object uint8) deadOp { return deadOp{object, storage.Update} }
	share := func(object uint8) deadOp { return deadOp{object, storage.Share} }
	refer := func(object uint8) deadOp { return deadOp{object, storage.KeyShare} }
	change := func(object uint8) deadOp { return deadOp{object, storage.NoKeyUpdate} }
	var free, queued deadState
	queued.hold = [deadTxns][deadObjects]storage.LockMode{{storage.Share}, {}, {0, storage.Share}, {0, storage.Share}}
	return []scene[deadState, deadlockFault]{
		{"two in a circle", false, with(free, []deadOp{own(0), own(1)}, []deadOp{own(1), own(0)})},
		{"two that make a lock stronger", false, with(free, []deadOp{share(0), own(0)}, []deadOp{share(0), own(0)})},
		{"three in a circle", false, with(free, []deadOp{own(0), own(1)}, []deadOp{own(1), own(2)}, []deadOp{own(2), own(0)})},
		{"three in order", false, with(free, []deadOp{own(0), own(1)}, []deadOp{own(0), own(1)}, []deadOp{own(1)})},
		{"circle through a queue", false, with(free, []deadOp{change(0), own(1)}, []deadOp{share(0)}, []deadOp{own(1), refer(0)})},
		{"two circles at once", false, with(free, []deadOp{own(1), own(0)}, []deadOp{share(0), share(1)}, []deadOp{share(0), share(1)})},
		// T0 waits for T2 and T3, and they for T1 only because it is in front of them.
		{"two circles through a queue", false, with(queued, []deadOp{own(1)}, []deadOp{own(0)}, []deadOp{share(0)}, []deadOp{share(0)})},
	}
}
