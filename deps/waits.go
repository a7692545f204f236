package deps

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage"
)

// ErrDeadline says that the transaction's own deadline passed while it waited.
var ErrDeadline = errors.New("deps: deadline of the transaction passed")

// waits holds who waits for which object, first come, first served. It exists
// beside the lock words so that an object nobody waits for pays nothing: lock and
// unlock are then one CAS each on the object's own line.
//
// The rules that keep a wake-up from getting lost: a waiter enters under the
// stripe's mutex and marks the lock word there, so the holder's unlock by CAS
// fails and the holder comes to the mutex too. The lock is handed over: it stays
// held while it changes hands, so nobody barges in. A waiter that gives up looks,
// under the mutex, whether it was handed the lock in the meantime, and then has it.
type waits [64]stripe

type stripe struct {
	mu    sync.Mutex // protects following fields, and the waiter mark of the objects
	queue []*waiter
	_     pad.Line
}

type waiter struct {
	object  *storage.Object
	granted bool // protected by the stripe's mutex
	wake    chan struct{}
}

func (w *waits) of(o *storage.Object) *stripe { return &w[o.Hash()%uint64(len(w))] }

// spins is how often a lock or the section is tried before its waiter parks, with
// a pause in between: about a microsecond. Both are held for less than that if
// their holder runs; if it does not, only letting others run helps. Yielding the
// processor in between instead was tried: with more goroutines than processors
// it puts the waiter behind all of them, for tens of milliseconds each time.
const spins = 32

// pause passes some 20 ns.
func pause() {
	for range 32 {
		continue
	}
}

// lock wins the lock word of o for r, or finds it dead.
func (m *Manager) lock(ctx context.Context, r *Record, o *storage.Object) (storage.LockResult, error) {
	for range spins {
		if result := o.TryLock(); result != storage.Owned {
			return result, nil
		}
		pause()
	}
	return m.wait(ctx, r, o)
}

// unlock lets go of o, or hands it to the first who waits.
func (m *Manager) unlock(o *storage.Object) {
	if !o.Unlock() {
		m.handOver(o)
	}
}

func (m *Manager) handOver(o *storage.Object) {
	s := m.waits.of(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.queue, func(w *waiter) bool { return w.object == o })
	if i < 0 { // gave up since
		o.NoMoreWaiters()
		if o.Head() != nil || !m.Store.Remove(o) {
			o.Unlock()
		}
		return
	}
	w := s.queue[i]
	s.drop(w)
	w.granted = true
	w.wake <- struct{}{}
}

// drop takes w out of the queue. The caller holds the mutex.
func (s *stripe) drop(w *waiter) {
	s.queue = slices.DeleteFunc(s.queue, func(x *waiter) bool { return x == w })
	if !slices.ContainsFunc(s.queue, func(x *waiter) bool { return x.object == w.object }) {
		w.object.NoMoreWaiters()
	}
}

// enter puts w into the queue, unless the object is not held any more.
func (s *stripe) enter(w *waiter) storage.LockResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if result := w.object.TryLock(); result != storage.Owned {
			return result
		}
		if w.object.AnnounceWaiter() {
			s.queue = append(s.queue, w)
			return storage.Owned
		}
	}
}

// wait waits for o until it is handed over or the transaction has to end.
func (m *Manager) wait(ctx context.Context, r *Record, o *storage.Object) (storage.LockResult, error) {
	w, s := &waiter{object: o, wake: make(chan struct{}, 2)}, m.waits.of(o)
	r.waiting.Store(w)
	defer r.waiting.Store(nil)
	if result := s.enter(w); result != storage.Owned {
		return result, nil
	}
	err := r.sleep(ctx, w)
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.granted {
		return storage.Locked, nil
	}
	s.drop(w)
	return storage.Owned, err
}

// sleep returns nil when w is woken, and else why the wait is over.
func (r *Record) sleep(ctx context.Context, w *waiter) error {
	if r.RolledBack() {
		return ErrEnded
	}
	var late <-chan time.Time
	var cancelled <-chan struct{}
	if ctx != nil {
		cancelled = ctx.Done()
	}
	if r.About != nil && !r.About.Deadline.IsZero() {
		timer := time.NewTimer(time.Until(r.About.Deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-w.wake:
	case <-cancelled:
		return ctx.Err()
	case <-late:
		return ErrDeadline
	}
	return ErrEnded // unless the lock was granted
}

// interrupt wakes r from a wait for an object after its state was won by a forced
// end. It may come before the wait begins: sleep looks at the state first.
func (r *Record) interrupt() {
	if w := r.waiting.Load(); w != nil {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}
