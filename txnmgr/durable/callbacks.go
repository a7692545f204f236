package durable

import (
	"container/heap"
	"sync"
)

// callbacks are functions that are called when a commit is durable, by one goroutine,
// in commit order as far as they came in that order. The goroutine exists only once
// there was one, and a function that does not return holds up no one but the others.
type callbacks struct {
	s *Store

	mu      sync.Mutex // protects following fields
	pending pending
	ready   []func()
	running bool
}

// callback waits for ts to be durable.
type callback struct {
	ts uint64
	fn func(error)
}

// pending is a heap, the lowest timestamp first.
type pending []callback

// Len is the number of elements. Like all that follows it is for package heap.
func (p pending) Len() int { return len(p) }

// Less compares timestamps.
func (p pending) Less(i, j int) bool { return p[i].ts < p[j].ts }

// Swap swaps elements.
func (p pending) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push appends an element.
func (p *pending) Push(x any) { *p = append(*p, x.(callback)) }

// Pop takes the last element off.
func (p *pending) Pop() any {
	old := *p
	last := old[len(old)-1]
	old[len(old)-1] = callback{}
	*p = old[:len(old)-1]
	return last
}

func (c *callbacks) start(s *Store) { c.s = s }

// Then has fn called once ts is durable, or with the error of Wait. It does not wait.
func (s *Store) Then(ts uint64, fn func(error)) {
	c := &s.calls
	c.mu.Lock()
	heap.Push(&c.pending, callback{ts: ts, fn: fn})
	c.mu.Unlock()
	if s.log == nil {
		c.durable(ts)
		s.applier.wakeIdle()
		return
	}
	s.writer.nudge()
	// It may have become durable before it was pushed.
	if soon, _ := s.deps.DurableFrom(ts); soon == nil {
		c.durable(ts)
	}
}

// durable calls what waits for ts and below, after a write of the log.
func (c *callbacks) durable(ts uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 {
		return
	}
	for len(c.pending) > 0 {
		soon, err := (<-chan struct{})(nil), error(nil)
		if c.s.log != nil {
			soon, err = c.s.deps.DurableFrom(c.pending[0].ts)
		}
		if soon != nil {
			break
		}
		fn := heap.Pop(&c.pending).(callback).fn
		c.ready = append(c.ready, func() { fn(err) })
	}
	if len(c.ready) > 0 && !c.running {
		c.running = true
		go c.run()
	}
}

// run calls what is ready, and ends.
func (c *callbacks) run() {
	for {
		c.mu.Lock()
		ready := c.ready
		c.ready = nil
		if len(ready) == 0 {
			c.running = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		for _, fn := range ready {
			fn()
		}
	}
}

// stop has everything called that was not; the log is written or has failed by then.
// It does not wait for it.
func (c *callbacks) stop() { c.durable(0) }
