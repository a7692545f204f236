package durable

import (
	"context"

	"github.com/tierceldb/tiercel/storage"
)

// applied is a version that the engine has. As long as it is the newest of its
// object, that may leave memory some day.
type applied struct {
	object  *storage.Object
	version *storage.Version
}

// queue has applied versions in commit order, and those that have been asked about
// in vain.
type queue struct {
	waiting []applied // of these the first are done
	done    int
	again   []applied
}

func (q *queue) push(x applied) {
	if len(q.waiting) == cap(q.waiting) && q.done > len(q.waiting)/2 {
		left := copy(q.waiting, q.waiting[q.done:])
		clear(q.waiting[left:])
		q.waiting, q.done = q.waiting[:left], 0
	}
	q.waiting = append(q.waiting, x)
}

func (q *queue) len() int { return len(q.waiting) - q.done + len(q.again) }

// pop returns the first whose timestamp is not above bound.
func (q *queue) pop(bound uint64) (x applied, ok bool) {
	if q.done == len(q.waiting) || q.waiting[q.done].version.CommitTS() > bound {
		return applied{}, false
	}
	x = q.waiting[q.done]
	q.waiting[q.done] = applied{}
	if q.done++; q.done == len(q.waiting) {
		q.waiting, q.done = q.waiting[:0], 0
	}
	return x, true
}

// Promote is storage.Store.Promote, and sees to it that the object is settled.
func (s *Store) Promote(ctx context.Context, key []byte, hash uint64) (*storage.Object, error) {
	o, err := s.deps.Store.Promote(ctx, key, hash)
	if err != nil || o == nil || o.Head() == nil {
		return o, err
	}
	a := &s.applier
	a.mu.Lock()
	a.held = append(a.held, applied{object: o, version: o.Head()})
	a.mu.Unlock()
	a.wakeIdle()
	return o, nil
}

// takeHeld returns what was promoted.
func (a *applier) takeHeld() []applied {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := a.held
	a.held = nil
	return held
}

func (a *applier) hasHeld() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.held) > 0
}

// settle lets memory forget what it can.
func (a *applier) settle() {
	s, q := a.s, &a.settled
	q.again = append(q.again, a.takeHeld()...)
	if q.len() == 0 {
		return
	}
	horizon := s.deps.Horizon()
	bound := min(horizon, s.deps.Store.Applied())
	again := q.again
	q.again = nil
	settle := func(x applied) {
		if s.deps.Store.Settle(x.object, x.version, horizon) == storage.Later {
			q.again = append(q.again, x)
		}
	}
	for _, x := range again {
		settle(x)
	}
	for x, ok := q.pop(bound); ok; x, ok = q.pop(bound) {
		settle(x)
	}
}
