package deps

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage"
)

var (
	// ErrDeadline says that the transaction's own deadline passed while it waited.
	ErrDeadline = errors.New("deps: deadline of the transaction passed")
	// ErrOwned says that others hold the object, and that the caller's patience is over.
	ErrOwned = errors.New("deps: object is locked by others")
)

// waits holds who waits for which object, first come, first served. It exists
// beside the lock words so that an object nobody waits for pays nothing: lock and
// unlock are then one CAS each on the object's own line.
//
// The rules that keep a wake-up from getting lost, and anybody from barging in: a
// waiter enters under the stripe's mutex and marks the lock word there. A marked
// word lets no newcomer in, and fails the CAS of a holder who lets go, who so comes
// to the mutex too; there it lets in the waiters whose turn it is, each by adding
// it to the word before it is woken. A waiter that gives up looks, under the mutex,
// whether it was let in in the meantime, and then has the lock; else it leaves the
// queue, and lets in who may have waited only because of it.
//
// Who holds the object already and wants a stronger mode goes in front of those
// who hold nothing of it: they wait for what it holds.
type waits struct {
	stripes [64]stripe

	_     pad.Align64
	count atomic.Uint64 // waits there ever were
	now   atomic.Int64  // waiters there are
	mixed atomic.Bool   // locks were taken before a vote, so there may be deadlocks
}

type stripe struct {
	mu    sync.Mutex // protects following fields, and the waiter mark of the objects
	queue []*waiter
	_     pad.Line
}

// waiter is a transaction that waits for an object, or for the end of a prepared
// transaction.
type waiter struct {
	record   *Record
	object   *storage.Object
	from, to storage.LockMode
	behind   *Prepared // not nil: waits for its end, and for no object
	since    time.Time
	work     int           // that would be lost if it were ended
	wake     chan struct{} // look at what follows, and at the state

	granted  bool      // protected by the stripe's mutex
	deadlock *Deadlock // why this one has to give up; protected likewise
}

func (w *waits) of(o *storage.Object) *stripe { return &w.stripes[o.Hash()%uint64(len(w.stripes))] }

// Patience is how long a wait may last, besides the deadline of the transaction
// and its forced end. The zero value is for ever.
type Patience struct {
	Txn, Call context.Context // nil: does not matter
	For       time.Duration   // 0: for ever, less: not at all
}

// spins is how often a lock or the section is tried before its waiter parks, with
// a pause in between: about a microsecond. Both are held for less than that if
// their holder runs and nobody asked for more; if it does not, only letting others
// run helps. Yielding the processor in between instead was tried: with more
// goroutines than processors it puts the waiter behind all of them, for tens of
// milliseconds each time.
const spins = 32

// pause passes some 20 ns.
func pause() {
	for range 32 {
		continue
	}
}

// acquire locks o in mode to for r, which holds it in the weaker mode from, or
// finds it dead.
func (m *Manager) acquire(r *Record, o *storage.Object, from, to storage.LockMode, p *Patience) (storage.LockResult, error) {
	for range spins {
		if result := o.TryLock(from, to); result != storage.Owned {
			return result, nil
		}
		pause()
	}
	if p.For < 0 {
		return storage.Owned, ErrOwned
	}
	return m.wait(&waiter{record: r, object: o, from: from, to: to}, p)
}

// lower goes from the mode in which somebody holds o to a weaker one. An object
// that has no versions, and nobody to care, is removed with its last lock.
func (m *Manager) lower(o *storage.Object, from, to storage.LockMode) {
	if to == storage.Unlocked && o.Head() == nil && o.Seize(from) {
		if m.Store.Remove(o) {
			return
		}
		from = storage.Update
	}
	if o.Lower(from, to) {
		if to == storage.Unlocked {
			m.removeEmpty(o) // two who share it may each have found the other there
		}
		return
	}
	s := m.waits.of(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	o.LowerFor(from, to)
	m.admitWaiters(s, o)
}

// admitWaiters lets in whose turn it is. The caller holds the mutex.
func (m *Manager) admitWaiters(s *stripe, o *storage.Object) {
	isNext := func(w *waiter) bool { return w.object == o }
	for {
		i := slices.IndexFunc(s.queue, isNext)
		if i < 0 {
			break
		}
		w := s.queue[i]
		if o.Admit(w.from, w.to) != storage.Locked {
			return
		}
		s.queue = slices.Delete(s.queue, i, i+1)
		w.granted = true
		w.rouse()
	}
	o.NoMoreWaiters()
	if o.Head() == nil && o.TryLock(storage.Unlocked, storage.Update) == storage.Locked && !m.Store.Remove(o) {
		o.Lower(storage.Update, storage.Unlocked)
	}
}

func (w *waiter) rouse() {
	select {
	case w.wake <- struct{}{}:
	default: // it has not looked yet since the last time
	}
}

// wait waits until the object is handed over or the transaction has to end.
func (m *Manager) wait(w *waiter, p *Patience) (storage.LockResult, error) {
	m.announce(w)
	defer m.retract(w)
	s := m.waits.of(w.object)
	if result := s.enter(w); result != storage.Owned {
		return result, nil
	}
	alarms := m.alarms(w.record, p)
	defer alarms.stop()
	for {
		err := m.sleep(w, p, alarms)
		s.mu.Lock()
		switch {
		case w.granted:
			s.mu.Unlock()
			return storage.Locked, nil
		case w.deadlock != nil:
			err = w.deadlock
		case err == nil && w.record.RolledBack():
			err = ErrEnded
		}
		if err != nil {
			s.queue = slices.DeleteFunc(s.queue, func(x *waiter) bool { return x == w })
			m.admitWaiters(s, w.object)
		}
		s.mu.Unlock()
		if err != nil {
			return storage.Owned, err
		}
	}
}

// announce lets others see that the transaction is going to wait: interrupt, the
// search for deadlocks, statistics.
func (m *Manager) announce(w *waiter) {
	w.wake, w.since, w.work = make(chan struct{}, 1), time.Now(), w.record.work()
	m.waits.count.Inc()
	m.waits.now.Inc()
	w.record.waiting.Store(w)
}

func (m *Manager) retract(w *waiter) {
	w.record.waiting.Store(nil)
	m.waits.now.Dec()
}

// enter puts w into the queue, unless it need not wait.
func (s *stripe) enter(w *waiter) storage.LockResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if result := w.object.TryLock(w.from, w.to); result != storage.Owned {
			return result
		}
		if w.object.AnnounceWaiter(w.from, w.to) {
			w.since = time.Now() // under the mutex: the search for deadlocks compares it
			s.queue = slices.Insert(s.queue, s.place(w), w)
			return storage.Owned
		}
	}
}

// place returns where w belongs in the queue.
func (s *stripe) place(w *waiter) int {
	if w.from != storage.Unlocked {
		for i, x := range s.queue {
			if x.object == w.object && x.from == storage.Unlocked {
				return i
			}
		}
	}
	return len(s.queue)
}

// alarms are the times at which a wait is over, and that at which it has lasted so
// long that a deadlock is looked for.
type alarms struct {
	deadline, patience, suspicion *time.Timer
}

// suspicious is how long a wait lasts before a deadlock is looked for.
const suspicious = time.Millisecond

func (m *Manager) alarms(r *Record, p *Patience) (a alarms) {
	if r.About != nil && !r.About.Deadline.IsZero() {
		a.deadline = time.NewTimer(time.Until(r.About.Deadline))
	}
	if p.For > 0 {
		a.patience = time.NewTimer(p.For)
	}
	if m.waits.mixed.Load() {
		a.suspicion = time.NewTimer(suspicious)
	}
	return a
}

func (a alarms) stop() {
	for _, t := range []*time.Timer{a.deadline, a.patience, a.suspicion} {
		if t != nil {
			t.Stop()
		}
	}
}

// Waited is why a wait ended in vain, with what it was for. It matches Why.
type Waited struct {
	Object *storage.Object // that others hold, or nil
	Behind *Prepared       // then it was for the end of this one
	Why    error           // ErrDeadline, or a context's
}

// Error is that of Why.
func (e *Waited) Error() string { return e.Why.Error() }

// Unwrap returns Why.
func (e *Waited) Unwrap() error { return e.Why }

func (w *waiter) inVain(why error) error {
	return &Waited{Object: w.object, Behind: w.behind, Why: why}
}

// sleep returns nil when w is woken, and else why the wait is over.
func (m *Manager) sleep(w *waiter, p *Patience, a alarms) error {
	if w.record.RolledBack() {
		return ErrEnded
	}
	var ended <-chan struct{}
	if w.behind != nil {
		ended = w.behind.done
	}
	for {
		select {
		case <-w.wake:
			return nil
		case <-ended:
			return nil
		case <-done(p.Txn):
			return w.inVain(p.Txn.Err())
		case <-done(p.Call):
			return w.inVain(p.Call.Err())
		case <-at(a.deadline):
			return w.inVain(ErrDeadline)
		case <-at(a.patience):
			return ErrOwned
		case <-at(a.suspicion):
			m.findDeadlock(w)
		}
	}
}

func done(ctx context.Context) <-chan struct{} {
	if ctx == nil {
		return nil
	}
	return ctx.Done()
}

func at(t *time.Timer) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}

// interrupt wakes r from a wait after its state was won by a forced end. It may
// come before the wait begins: sleep looks at the state first.
func (r *Record) interrupt() {
	if w := r.waiting.Load(); w != nil {
		w.rouse()
	}
}
