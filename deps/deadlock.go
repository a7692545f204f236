package deps

import (
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage"
)

// ErrDeadlock says that transactions waited for each other in a circle.
var ErrDeadlock = errors.New("deps: deadlock")

// Deadlocks. The waits-for graph is not kept: locks cost two CAS, and who holds
// what stands only with the holder. Who has waited for a millisecond collects the
// graph of all who wait, and looks for circles; unless that was done already since
// it came to its queue, so that a crowd of waiters makes few searches.
//
// None is missed: an edge comes into being only with a wait (a lock that is handed
// over goes to one for whom the others were waiting already), so the last wait of a
// circle closes it, and the first search after that one came to its queue finds all
// the others in theirs.
//
// None is found that is not there, and it has one victim: searches exclude each
// other, and skip who was chosen before. A transaction on the circle waits, so it
// neither takes nor gives; so if it still waits the same wait after the whole graph
// was collected, its edges were all there at that time.
type deadlocks struct {
	_     pad.Align64
	count atomic.Uint64

	mu       sync.Mutex // protects following fields, and who is made to give up
	searched time.Time  // when the last search began to collect
}

// Deadlock is a circle of transactions, each waiting for the next. The first is the
// victim.
type Deadlock struct{ Circle []Wait }

// Wait is one transaction's wait for another.
type Wait struct {
	Label, For string // the labels of the two
	Key        []byte // waited for
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
	ahead   map[*waiter]*waiter // who is right before it in its queue
	done    map[*waiter]bool    // is on no circle
}

// findDeadlock looks for circles that w may be on, and makes one transaction of each
// give up.
func (m *Manager) findDeadlock(w *waiter) {
	d := &m.deadlocks
	d.mu.Lock()
	defer d.mu.Unlock()
	if w.since.Before(d.searched) {
		return
	}
	d.searched = time.Now() // before the queues are looked at
	g := m.collect()
	for {
		circle := g.circle()
		if circle == nil {
			return
		}
		g.remove(m.breakUp(circle))
	}
}

// breakUp makes one of a circle give up, and returns it, or else one that does not
// belong there any more.
func (m *Manager) breakUp(circle []*waiter) *waiter {
	victim := -1
	for i, x := range circle {
		if !m.stillWaits(x) {
			return x
		}
		if !x.record.isExempt() && (victim < 0 || x.losesLess(circle[victim])) {
			victim = i
		}
	}
	if victim < 0 { // whom nobody may come before; there is only one at a time
		victim = 0
	}
	m.giveUp(circle[victim], describe(append(circle[victim:len(circle):len(circle)], circle[:victim]...)))
	return circle[victim]
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
		ahead:   make(map[*waiter]*waiter),
		done:    make(map[*waiter]bool),
	}
	for i := range m.waits.stripes {
		s := &m.waits.stripes[i]
		s.mu.Lock()
		for _, w := range s.queue {
			if w.deadlock == nil && !w.granted {
				g.waiting[w.record] = w
				queue := g.queues[w.object]
				if n := len(queue); n > 0 {
					g.ahead[w] = queue[n-1]
				}
				g.queues[w.object] = append(queue, w)
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
	m.Updates(func(r *Record, _ uint64) { fn(r) })
	for _, p := range m.Prepared() {
		fn(p.record)
	}
}

// circle returns the waits of a circle, each for the next, or nil if there is none.
func (g *graph) circle() (found []*waiter) {
	at := make(map[*waiter]int) // in path
	var path []*waiter
	var walk func(w *waiter)
	walk = func(w *waiter) {
		at[w] = len(path)
		path = append(path, w)
		g.waitsFor(w, func(r *Record) bool {
			next := g.waiting[r]
			if next == nil || g.done[next] {
				return true
			}
			if from, on := at[next]; on {
				found = slices.Clone(path[from:])
			} else {
				walk(next)
			}
			return found == nil
		})
		path = path[:len(path)-1]
		delete(at, w)
		g.done[w] = found == nil
	}
	for _, w := range g.waiting {
		if !g.done[w] {
			walk(w)
		}
		if found != nil {
			break
		}
	}
	return found
}

// remove takes out w, which is leaving its queue: who was behind it comes behind the
// one before it.
func (g *graph) remove(w *waiter) {
	delete(g.waiting, w.record)
	for x, before := range g.ahead {
		if before == w {
			g.ahead[x] = g.ahead[w]
		}
	}
}

// waitsFor calls fn with all for whom w waits, until it returns false: who holds
// the object in a mode that excludes w's, and who is right in front of it in the
// queue. Nobody overtakes, so through that one it waits for all the queue.
func (g *graph) waitsFor(w *waiter, fn func(r *Record) bool) {
	for _, h := range g.holders[w.object] {
		if h.record != w.record && h.mode.Excludes(w.to) && !fn(h.record) {
			return
		}
	}
	if x := g.ahead[w]; x != nil {
		fn(x.record)
	}
}

func (r *Record) isExempt() bool {
	h := r.held.Load()
	return h != nil && h.exempt
}
