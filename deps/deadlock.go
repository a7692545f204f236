package deps

import (
	"errors"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/pool"
	"github.com/tierceldb/tiercel/storage"
)

// ErrDeadlock says that transactions waited for each other in a circle.
var ErrDeadlock = errors.New("deps: deadlock")

// Deadlocks. The waits-for graph is not kept: locks cost two CAS, and who holds
// what stands only with the holder. Who has waited for a millisecond collects the
// graph of all who wait, and looks for a circle through itself.
//
// None is missed: an edge comes into being only with a wait (a lock that is handed
// over goes to one for whom the others were waiting already), so the last wait of a
// circle closes it, and whoever began that one finds all the others announced.
//
// None is found that is not there, and it has one victim: searches exclude each
// other, and skip who was chosen before. A transaction on the circle waits, so it
// neither takes nor gives; so if it still waits the same wait after the whole graph
// was collected, its edges were all there at that time.
type deadlocks struct {
	mu    sync.Mutex
	count atomic.Uint64
}

// Deadlock is a circle of transactions, each waiting for the next. The first is the
// victim.
type Deadlock struct{ Circle []Wait }

// Wait is one transaction's wait for another.
type Wait struct {
	Label, For string // the labels of the two
	Key        []byte
	Mode       storage.LockMode
}

// Error describes the circle shortly. Package txnmgr has the long words.
func (d *Deadlock) Error() string { return ErrDeadlock.Error() }

// Is reports whether target is ErrDeadlock.
func (d *Deadlock) Is(target error) bool { return target == ErrDeadlock }

// holder is one of those who hold an object.
type holder struct {
	record *Record
	mode   storage.LockMode
}

// graph is who waits for whom.
type graph struct {
	waiting map[*Record]*waiter
	holders map[*storage.Object][]holder // of what is waited for
	queues  map[*storage.Object][]*waiter
}

// findDeadlock looks for a circle through w, and makes one of its transactions give up.
func (m *Manager) findDeadlock(w *waiter) {
	d := &m.deadlocks
	d.mu.Lock()
	defer d.mu.Unlock()
	g := m.collect()
	circle := g.circle(w)
	for _, x := range circle {
		if !m.stillWaits(x) {
			return
		}
	}
	victim := -1
	for i, x := range circle {
		if !x.record.isExempt() && (victim < 0 || x.losesLess(circle[victim])) {
			victim = i
		}
	}
	if victim < 0 {
		return
	}
	m.giveUp(circle[victim], describe(append(circle[victim:len(circle):len(circle)], circle[:victim]...)))
}

// stillWaits reports whether x is in its queue and was not chosen to give up.
func (m *Manager) stillWaits(x *waiter) bool {
	s := m.waits.of(x.object)
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.record.waiting.Load() == x && !x.granted && x.deadlock == nil && !x.record.RolledBack()
}

// giveUp makes x the victim, if it still waits.
func (m *Manager) giveUp(x *waiter, why *Deadlock) {
	s := m.waits.of(x.object)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !x.granted {
		x.deadlock = why
		m.deadlocks.count.Inc()
		x.rouse()
	}
}

// losesLess orders victims: who did least work, and of equals who began last.
func (w *waiter) losesLess(than *waiter) bool {
	if w.work != than.work {
		return w.work < than.work
	}
	return w.record.Begun > than.record.Begun
}

func describe(circle []*waiter) *Deadlock {
	d := new(Deadlock)
	for i, w := range circle {
		next := circle[(i+1)%len(circle)]
		d.Circle = append(d.Circle, Wait{
			Label: w.record.Label(), For: next.record.Label(), Key: w.object.Key(), Mode: w.to,
		})
	}
	return d
}

// collect takes stock of all waits for objects, and of who holds those. An agent
// waits for whom it acts for.
func (m *Manager) collect() *graph {
	g := &graph{
		waiting: make(map[*Record]*waiter),
		holders: make(map[*storage.Object][]holder),
		queues:  make(map[*storage.Object][]*waiter),
	}
	for i := range m.waits.stripes {
		s := &m.waits.stripes[i]
		s.mu.Lock()
		for _, w := range s.queue {
			if w.deadlock == nil && !w.granted {
				g.waiting[w.record] = w
				g.queues[w.object] = append(g.queues[w.object], w)
			}
		}
		s.mu.Unlock()
	}
	byState := make(map[*storage.State]*Record)
	m.eachRecord(func(r *Record) {
		byState[&r.State] = r
		h := r.held.Load()
		if h == nil {
			return
		}
		on := r
		if agent := h.agent.Load(); agent != nil {
			on = agent
		}
		h.each(func(x holding) {
			if g.queues[x.object] != nil {
				g.holders[x.object] = append(g.holders[x.object], holder{record: on, mode: x.mode})
			}
		})
	})
	for o := range g.queues {
		if head := o.Head(); head != nil {
			if r := byState[head.State()]; r != nil {
				g.holders[o] = append(g.holders[o], holder{record: r, mode: o.Exclusively()})
			}
		}
	}
	return g
}

// eachRecord calls fn with all update transactions that are open or prepared.
func (m *Manager) eachRecord(fn func(r *Record)) {
	m.pool.Active(func(slot *pool.Slot, gen, _ uint64) {
		if r, is := slot.Tag(gen).(*Record); is {
			fn(r)
		}
	})
	for _, p := range m.Prepared() {
		fn(p.record)
	}
}

// circle returns the waits of a circle through w, w first, or nil.
func (g *graph) circle(w *waiter) []*waiter {
	seen := map[*waiter]bool{w: true}
	var walk func(path []*waiter) []*waiter
	walk = func(path []*waiter) (found []*waiter) {
		g.waitsFor(path[len(path)-1], func(r *Record) bool {
			next := g.waiting[r]
			switch {
			case next == w:
				found = path
			case next != nil && !seen[next]:
				seen[next] = true
				found = walk(append(path[:len(path):len(path)], next))
			}
			return found == nil
		})
		return found
	}
	return walk([]*waiter{w})
}

// waitsFor calls fn with all for whom w waits, until it returns false: who holds
// the object in a mode that excludes w's, and who is in front of it in the queue and
// will.
func (g *graph) waitsFor(w *waiter, fn func(r *Record) bool) {
	for _, h := range g.holders[w.object] {
		if h.record != w.record && h.mode.Excludes(w.to) && !fn(h.record) {
			return
		}
	}
	for _, x := range g.queues[w.object] {
		if x == w || x.to.Excludes(w.to) && !fn(x.record) {
			return
		}
	}
}

func (r *Record) isExempt() bool {
	h := r.held.Load()
	return h != nil && h.exempt
}
