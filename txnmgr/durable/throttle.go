package durable

import (
	"slices"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// throttle holds commits back, before their vote, while what the engine does not
// have yet is more than the budget.
//
// The rule: each commit counts with the bytes that it takes in the log at most, and what
// comes on top in memory, from before its vote until the engine has it. One that would take the sum above the
// budget waits, first come, first served, until there is room for it, or until it is
// alone. What has voted is never held back, so whoever waits is let in some day: the
// applier needs nothing from those who wait. But a vote may: it may wait for a lock
// that was taken before the commit which waits here. So once the engine has all that is
// committed, and what is left belongs to those who vote, who has locked something need
// not wait any longer (Admission.Look).
type throttle struct {
	budget int64
	kick   func() // has the engine catch up

	_    pad.Line
	_    pad.Align64
	used atomic.Int64
	_    pad.Line

	_       pad.Align64
	waiting atomic.Int64  // how many of queue
	count   atomic.Uint64 // commits that had to wait
	mu      sync.Mutex    // protects following field
	queue   []*turn
}

// turn is a commit that waits.
type turn struct {
	bytes int64
	come  chan struct{} // closed when it counts
}

// enter counts so many bytes, or returns a turn to wait for.
func (t *throttle) enter(bytes int64) *turn {
	if t.waiting.Load() == 0 && t.fits(bytes) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 && t.fits(bytes) {
		return nil
	}
	w := &turn{bytes: bytes, come: make(chan struct{})}
	t.queue = append(t.queue, w)
	t.waiting.Inc()
	t.count.Inc()
	// What was given back between the look and now has found no queue.
	t.admit()
	t.kick()
	return w
}

// fits counts the bytes if there is room.
func (t *throttle) fits(bytes int64) bool {
	for {
		used := t.used.Load()
		if used > 0 && used+bytes > t.budget {
			return false
		}
		if t.used.CompareAndSwap(used, used+bytes) {
			return true
		}
	}
}

// add counts bytes of what must not wait.
func (t *throttle) add(bytes int64) { t.used.Add(bytes) }

// giveBack takes bytes off the sum, and lets in who fits then.
func (t *throttle) giveBack(bytes int64) {
	t.used.Sub(bytes)
	if t.waiting.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.admit()
}

// admit lets in who fits. The caller holds mu.
func (t *throttle) admit() {
	for len(t.queue) > 0 && t.fits(t.queue[0].bytes) {
		close(t.queue[0].come)
		t.queue[0] = nil
		t.queue = t.queue[1:]
		t.waiting.Dec()
	}
}

// letIn lets in who waits, whether there is room or not.
func (t *throttle) letIn(w *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.remove(w) {
		t.used.Add(w.bytes)
		close(w.come)
		t.admit()
	}
}

// remove takes w out of the queue, and reports whether it was there. The caller holds mu.
func (t *throttle) remove(w *turn) bool {
	i := slices.Index(t.queue, w)
	if i < 0 {
		return false
	}
	t.queue = slices.Delete(t.queue, i, i+1)
	t.waiting.Dec()
	return true
}

// forget ends the wait of who does not want to any more, and takes off what it counts.
func (t *throttle) forget(w *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.remove(w) {
		t.used.Sub(w.bytes)
	}
	t.admit()
}
