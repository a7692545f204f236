package deps_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// queue is an object that the test holds, and transactions that wait for it.
type queue struct {
	base
	o       *storage.Object
	waiters []*waiter
	got     chan int // the numbers of those that own the object, in order
}

type waiter struct {
	*txn
	cancel context.CancelFunc
	result storage.LockResult
	err    error
	over   atomic.Bool
}

// newQueue returns one with n waiters, who came in the order of their numbers.
// Those of a number in late have five seconds.
func newQueue(t *testing.T, n int, late ...int) *queue {
	q := &queue{base: filled(t, "k"), got: make(chan int, n)}
	q.o = q.object("k")
	want(t, "lock", q.o.TryLock(storage.Unlocked, storage.Update), storage.Locked)
	for number := range n {
		w := &waiter{txn: q.begin()}
		for _, l := range late {
			if l == number {
				w.About = &deps.About{Deadline: time.Now().Add(5 * time.Second)}
			}
		}
		q.add(number, w)
	}
	return q
}

// add lets w wait.
func (q *queue) add(number int, w *waiter) {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	q.waiters = append(q.waiters, w)
	go func() {
		w.result, w.err = q.Acquire(ctx, &w.Record, q.o)
		w.over.Store(true)
		if w.err == nil {
			q.got <- number
		}
	}()
	synctest.Wait()
}

// next hands the object over and returns who has it then, or -1.
func (q *queue) next() int {
	q.Unlock(q.o)
	synctest.Wait()
	select {
	case number := <-q.got:
		return number
	default:
		return -1
	}
}

// isOver checks how the wait of a number ended.
func (q *queue) isOver(number int, err error) {
	q.t.Helper()
	w := q.waiters[number]
	want(q.t, "wait is over", w.over.Load(), true)
	wantCause(q.t, "wait", w.err, err)
}

// inQueue runs a test in a bubble, and finally checks that no trace is left.
func inQueue(t *testing.T, n int, late []int, test func(q *queue)) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, n, late...)
		want(t, "waiting", q.Waiting(q.o), n)
		test(q)
		for _, w := range q.waiters {
			w.cancel()
			want(t, "every wait is over", w.over.Load(), true)
		}
		q.isFree("k")
	})
}

// TestFirstComeFirstServed: the object is handed over, so that nobody who comes
// meanwhile gets it first.
func TestFirstComeFirstServed(t *testing.T) {
	inQueue(t, 4, nil, func(q *queue) {
		for number := range 5 {
			if number == 1 {
				q.add(4, &waiter{txn: q.begin()})
			}
			want(t, "next", q.next(), number)
			want(t, "a newcomer", q.o.TryLock(storage.Unlocked, storage.Update), storage.Owned)
		}
		want(t, "next", q.next(), -1)
	})
}

// TestQueuesOfOthers: what shares a stripe of the queues does not share a queue.
func TestQueuesOfOthers(t *testing.T) {
	inQueue(t, 1, nil, func(q *queue) {
		const stripes = 64
		other := storage.NewObject([]byte("other"), q.o.Hash()+stripes)
		x := q.begin()
		granted := false
		go func() {
			_, err := q.Acquire(context.Background(), &x.Record, other)
			granted = err == nil
		}()
		synctest.Wait()
		want(t, "waiting for both", q.Waiting(q.o)+q.Waiting(other), 2)
		q.Unlock(other)
		synctest.Wait()
		want(t, "the other is granted", granted, true)
		want(t, "still waiting", q.Waiting(q.o), 1)
		want(t, "next", q.next(), 0)
		want(t, "next", q.next(), -1)
	})
}

// TestCancelledWaiter leaves the queue, and those behind it move up.
func TestCancelledWaiter(t *testing.T) {
	inQueue(t, 3, nil, func(q *queue) {
		q.waiters[1].cancel()
		synctest.Wait()
		q.isOver(1, context.Canceled)
		want(t, "waiting", q.Waiting(q.o), 2)
		want(t, "next", q.next(), 0)
		want(t, "next", q.next(), 2)
		want(t, "next", q.next(), -1)
	})
}

// TestLastWaiterCancelled: nobody waits any more, so the holder lets go without a
// look at the queue.
func TestLastWaiterCancelled(t *testing.T) {
	inQueue(t, 1, nil, func(q *queue) {
		q.waiters[0].cancel()
		synctest.Wait()
		q.isOver(0, context.Canceled)
		want(t, "unlock without a hand-over", q.o.Lower(storage.Update, storage.Unlocked), true)
	})
}

// TestDeadlineOfAWaiter: it gives up at its deadline, and not before.
func TestDeadlineOfAWaiter(t *testing.T) {
	inQueue(t, 2, []int{0}, func(q *queue) {
		time.Sleep(5*time.Second - time.Nanosecond)
		synctest.Wait()
		want(t, "over before the deadline", q.waiters[0].over.Load(), false)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		q.isOver(0, deps.ErrDeadline)
		want(t, "next", q.next(), 1)
		want(t, "next", q.next(), -1)
	})
}

// TestForcedWaiter: a forced end wakes it, and it finds the cause.
func TestForcedWaiter(t *testing.T) {
	inQueue(t, 2, nil, func(q *queue) {
		slot, gen := q.waiters[0].Slot()
		want(t, "force", q.Force(slot, gen, errCause), true)
		synctest.Wait()
		q.isOver(0, deps.ErrEnded)
		want(t, "cause", slot.Cause(gen), errCause)
		want(t, "next", q.next(), 1)
		want(t, "next", q.next(), -1)
	})
}

// TestForcedBeforeItWaits: the forced end came first, and woke nobody.
func TestForcedBeforeItWaits(t *testing.T) {
	inQueue(t, 0, nil, func(q *queue) {
		x := q.begin()
		slot, gen := x.Slot()
		want(t, "force", q.Force(slot, gen, errCause), true)
		q.add(0, &waiter{txn: x})
		q.isOver(0, deps.ErrEnded)
		want(t, "next", q.next(), -1)
	})
}

// TestNoWakeUpIsSwallowed: a waiter gives up at the moment when it is handed the
// object. Either it has it, or the next has it.
func TestNoWakeUpIsSwallowed(t *testing.T) {
	giveUp := map[string]func(q *queue){
		"cancelled": func(q *queue) { q.waiters[0].cancel() },
		"forced": func(q *queue) {
			slot, gen := q.waiters[0].Slot()
			q.Force(slot, gen, errCause)
		},
	}
	for name, giveUp := range giveUp {
		t.Run(name, func(t *testing.T) {
			for round := range 300 {
				inQueue(t, 2, nil, func(q *queue) {
					if round%2 == 0 {
						giveUp(q)
						q.Unlock(q.o)
					} else {
						q.Unlock(q.o)
						giveUp(q)
					}
					synctest.Wait()
					if first := <-q.got; first == 0 {
						want(t, "next", q.next(), 1)
					}
					want(t, "next", q.next(), -1)
				})
			}
		})
	}
}

// TestWaitersRace: many wait for a few objects at once, with contexts and forced
// ends that come at any time. In the end nobody holds anything.
func TestWaitersRace(t *testing.T) {
	b, randoms := filled(t, "a", "b"), split(t)
	var held [2]int // protected by the objects
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := randoms(g)
			for range 400 {
				x := b.begin()
				ctx, cancel := context.WithCancel(context.Background())
				slot, gen := x.Slot()
				switch r.IntN(3) {
				case 0:
					wg.Go(cancel)
				case 1:
					wg.Go(func() { b.Force(slot, gen, errCause) })
				}
				at := r.IntN(2)
				o := b.object([]string{"a", "b"}[at])
				if _, err := b.Acquire(ctx, &x.Record, o); err == nil {
					if held[at]++; held[at] != 1 {
						t.Errorf("%d hold one object", held[at])
					}
					held[at]--
					b.Unlock(o)
				}
				cancel()
				b.Rollback(&x.Record)
			}
		})
	}
	wg.Wait()
	b.isFree("a", "b")
	want(t, "active", b.Stats().Pool.Active, 0)
}
