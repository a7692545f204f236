package durable

import (
	"context"
	"slices"

	"github.com/tierceldb/tiercel/storage"
)

// applied is the version of an object that was committed at ts, and that the engine
// has. As long as it is the newest, the object may leave memory some day. It does not
// point to the version: one that was superseded can be purged while this waits.
type applied struct {
	object *storage.Object
	ts     uint64
}

// version returns it if it is the newest that is committed, or nil.
func (x applied) version() *storage.Version {
	if v := newest(x.object); v != nil && v.CommitTS() == x.ts {
		return v
	}
	return nil
}

// newest returns the newest committed version of the object, or nil.
func newest(o *storage.Object) *storage.Version {
	v := o.Head()
	for v != nil && v.CommitTS() == 0 {
		v = v.Older()
	}
	return v
}

func (x applied) isSuperseded() bool { return x.version() == nil }

// queue has applied versions in commit order, and those that have been asked about
// in vain.
type queue struct {
	waiting []applied // of these the first are done
	done    int
	again   []applied
}

// push first drops what was superseded if there is no room: while one reader keeps the
// horizon where it is, everything waits, and must not be more than there are objects.
func (q *queue) push(x applied) {
	if len(q.waiting) == cap(q.waiting) {
		left := slices.DeleteFunc(q.waiting[q.done:], applied.isSuperseded)
		q.waiting, q.done = q.waiting[:copy(q.waiting, left)], 0
		clear(q.waiting[len(q.waiting):cap(q.waiting)])
		if len(q.waiting) > cap(q.waiting)/2 {
			q.waiting = slices.Grow(q.waiting, cap(q.waiting))
		}
	}
	q.waiting = append(q.waiting, x)
}

func (q *queue) len() int { return len(q.waiting) - q.done + len(q.again) }

// pop returns the first whose timestamp is not above bound.
func (q *queue) pop(bound uint64) (x applied, ok bool) {
	if q.done == len(q.waiting) || q.waiting[q.done].ts > bound {
		return applied{}, false
	}
	x = q.waiting[q.done]
	q.waiting[q.done] = applied{}
	if q.done++; q.done == len(q.waiting) {
		q.waiting, q.done = q.waiting[:0], 0
		if cap(q.waiting) > keptObjects {
			q.waiting = nil
		}
	}
	return x, true
}

// Promote is storage.Store.Promote, and sees to it that the object is settled.
func (s *Store) Promote(ctx context.Context, key []byte, hash uint64) (*storage.Object, error) {
	o, err := s.deps.Store.Promote(ctx, key, hash)
	if o != nil {
		s.applier.hold(o)
	}
	return o, err
}

// hold has an object settled that was promoted. Others may be about to write it already,
// or have made it and be about to take it away.
func (a *applier) hold(o *storage.Object) {
	v := newest(o)
	if v == nil {
		return
	}
	a.mu.Lock()
	a.held = append(a.held, applied{object: o, ts: v.CommitTS()})
	a.mu.Unlock()
	a.wakeIdle()
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
	bound := min(horizon, s.deps.Store.Applied(), s.deps.Store.OldestView()) // beyond that it would be asked in vain
	again := q.again
	q.again = nil
	settle := func(x applied) {
		v := x.version()
		if v != nil && s.deps.Store.Settle(x.object, v, horizon) == storage.Later {
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
