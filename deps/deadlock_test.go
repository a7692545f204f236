package deps_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// victims lets some milliseconds pass and returns the numbers of those that had to
// give up, after they were rolled back.
func victims(all []*txn, waits []*attempt) (numbers []int) {
	time.Sleep(5 * time.Millisecond)
	synctest.Wait()
	for i, a := range waits {
		if a != nil && a.over.Load() && errors.Is(a.err, deps.ErrDeadlock) {
			numbers = append(numbers, i)
			all[i].b.Rollback(&all[i].Record)
		}
	}
	synctest.Wait()
	return numbers
}

// endAll checks that all others go on, one after the other.
func endAll(all []*txn, waits []*attempt) {
	for range all {
		for i, x := range all {
			if waits[i] == nil || waits[i].over.Load() {
				x.b.Rollback(&x.Record)
				synctest.Wait()
			}
		}
	}
	for i, a := range waits {
		if a != nil && !errors.Is(a.err, deps.ErrDeadlock) {
			a.ends(fmt.Sprint("wait of number ", i), nil)
		}
	}
}

// TestDeadlock: of a circle of two, three, or ten, one has to give up: who did least
// work, and of equals who began last. It is told the circle.
func TestDeadlock(t *testing.T) {
	for _, n := range []int{2, 3, 10} {
		for _, victim := range []int{0, n / 2, n - 1} {
			inBubble(t, nil, func(b base) {
				all, waits := b.beginAll(n), make([]*attempt, n)
				for i, x := range all {
					x.About = &deps.About{Label: fmt.Sprint("t", i)}
					x.lock(storage.Update, fmt.Sprint("k", i))
					if i != victim {
						x.lock(storage.Update, fmt.Sprint("work of ", i))
					}
				}
				for i, x := range all {
					waits[i] = x.tryLock(storage.Share, fmt.Sprint("k", (i+1)%n))
				}
				wantSlice(t, "victims", victims(all, waits), victim)
				want(t, "deadlocks", b.Stats().Deadlocks, 1)
				var d *deps.Deadlock
				if !errors.As(waits[victim].err, &d) {
					t.Fatalf("error: %v", waits[victim].err)
				}
				for i, w := range d.Circle {
					at, next := (victim+i)%n, (victim+i+1)%n
					want(t, "circle", fmt.Sprintf("%s %s %s %v", w.Label, w.For, w.Key, w.Mode),
						fmt.Sprintf("t%d t%d k%d %v", at, next, next, storage.Share))
				}
				want(t, "length of the circle", len(d.Circle), n)
				endAll(all, waits)
			})
		}
	}
}

// TestDeadlockOfUpgrades: two that share an object both want it for themselves.
func TestDeadlockOfUpgrades(t *testing.T) {
	inBubble(t, []string{"k"}, func(b base) {
		all, waits := b.beginAll(3), make([]*attempt, 3)
		for _, x := range all {
			x.lock(storage.Share, "k")
		}
		for i, x := range all {
			waits[i] = x.tryLock(storage.Update, "k")
		}
		want(t, "victims", len(victims(all, waits)), 2)
		endAll(all, waits)
	})
}

// TestDeadlockWithVotes: a vote waits for what was locked before, by one that waits
// for what the vote has locked.
func TestDeadlockWithVotes(t *testing.T) {
	inBubble(t, []string{"a", "b"}, func(b base) {
		x, y := b.begin().lock(storage.KeyShare, "b"), b.begin().put("y", "a", "b").remove("b")
		commit := y.tryCommit()
		commit.waits("commit")
		lock := x.tryLock(storage.Update, "a")
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
		want(t, "deadlocks", b.Stats().Deadlocks, 1)
		want(t, "one gave up", errors.Is(lock.err, deps.ErrDeadlock) != errors.Is(commit.err, deps.ErrDeadlock), true)
		b.Rollback(&x.Record)
		synctest.Wait()
		want(t, "both are over", lock.over.Load() && commit.over.Load(), true)
	})
}

// TestDeadlockThroughAQueue: who is in front in a queue is waited for, whatever it
// wants, since nobody overtakes it.
func TestDeadlockThroughAQueue(t *testing.T) {
	inBubble(t, []string{"o", "p"}, func(b base) {
		all, waits := b.beginAll(3), make([]*attempt, 3)
		all[0].lock(storage.NoKeyUpdate, "o")
		all[2].lock(storage.Update, "p")
		waits[1] = all[1].tryLock(storage.Share, "o")
		waits[2] = all[2].tryLock(storage.KeyShare, "o")
		waits[0] = all[0].tryLock(storage.Update, "p")
		want(t, "victims", len(victims(all, waits)), 1)
		endAll(all, waits)
	})
}

// TestTwoDeadlocksAtOnce: one wait closes two circles, and each is broken.
func TestTwoDeadlocksAtOnce(t *testing.T) {
	inBubble(t, []string{"o"}, func(b base) {
		all, waits := b.beginAll(3), make([]*attempt, 3)
		all[0].lock(storage.Update, "p", "q", "work")
		all[1].lock(storage.Share, "o")
		all[2].lock(storage.Share, "o")
		waits[1] = all[1].tryLock(storage.Share, "p")
		waits[2] = all[2].tryLock(storage.Share, "q")
		time.Sleep(time.Second)
		waits[0] = all[0].tryLock(storage.Update, "o")
		wantSlice(t, "victims", victims(all, waits), 1, 2)
		endAll(all, waits)
	})
}

// TestDeadlockBehindAVictim: who is chosen to give up does not hide those in front of
// it from those behind it in its queue.
func TestDeadlockBehindAVictim(t *testing.T) {
	inBubble(t, []string{"o", "a"}, func(b base) {
		all, waits := b.beginAll(4), make([]*attempt, 4)
		for i, x := range all[:3] { // number 3 loses least, and then number 2
			for k := range 9 - 2*i {
				x.lock(storage.Update, fmt.Sprint("work ", i, k))
			}
		}
		all[0].lock(storage.Share, "o")
		all[2].lock(storage.Share, "a")
		all[3].lock(storage.Share, "a")
		waits[1] = all[1].tryLock(storage.Update, "o")
		waits[3] = all[3].tryLock(storage.Share, "o") // the victim; and behind it
		waits[2] = all[2].tryLock(storage.Share, "o")
		time.Sleep(time.Second)
		waits[0] = all[0].tryLock(storage.Update, "a") // held by both
		wantSlice(t, "victims", victims(all, waits), 2, 3)
		endAll(all, waits)
	})
}

// TestNoDeadlock: long waits without a circle, and a circle that is no more, have no
// victim.
func TestNoDeadlock(t *testing.T) {
	inBubble(t, []string{"k"}, func(b base) {
		all, waits := b.beginAll(5), make([]*attempt, 5)
		all[0].lock(storage.Update, "k")
		for i := 1; i < len(all); i++ {
			all[i].lock(storage.Update, fmt.Sprint("own ", i))
			waits[i] = all[i].tryLock(storage.Update, "k")
		}
		time.Sleep(time.Minute)
		wantSlice(t, "victims", victims(all, waits))
		// It closes a circle, and gives up before anybody looks.
		ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
		defer cancel()
		_, err := b.Lock(&all[0].Record, b.object("own 1"), storage.Share, deps.Patience{Call: ctx})
		wantCause(t, "lock", err, context.DeadlineExceeded)
		wantSlice(t, "victims", victims(all, waits))
		want(t, "deadlocks", b.Stats().Deadlocks, 0)
		endAll(all, waits)
	})
}

// TestDeadlockOfAnAgent: who waits for what is held for an agent waits for the agent.
func TestDeadlockOfAnAgent(t *testing.T) {
	inBubble(t, []string{"k"}, func(b base) {
		boss, agent, x := b.begin(), b.begin(), b.begin().lock(storage.Update, "k")
		want(t, "lock", b.LockStore(&boss.Record, deps.Patience{}), nil)
		boss.ActFor(&agent.Record)
		agentWaits := agent.tryLock(storage.Update, "k")
		commit := x.put("x", "other").tryCommit()
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
		want(t, "commit gave up", errors.Is(commit.err, deps.ErrDeadlock), true)
		agentWaits.ends("agent", nil)
		agent.rollback()
		boss.rollback()
	})
}

// TestDeadlocksAtRandom: whatever a few transactions lock, in whatever order, all of
// them end within milliseconds.
func TestDeadlocksAtRandom(t *testing.T) {
	randoms, deadlocks := split(t), uint64(0)
	for round := range 400 {
		synctest.Test(t, func(t *testing.T) {
			b := filled(t, "k0", "k1")
			r := randoms(round)
			var all []*attempt
			for range 2 + r.IntN(4) {
				x, own := b.begin(), rand.New(rand.NewPCG(r.Uint64(), 0))
				all = append(all, try(t, func(ctx context.Context) error { return x.lockSome(ctx, own) }))
			}
			time.Sleep(time.Second)
			synctest.Wait()
			for i, a := range all {
				want(t, fmt.Sprint("round ", round, ", number ", i, " is over"), a.over.Load(), true)
				if !a.over.Load() {
					a.cancel()
				} else if a.err != nil && !errors.Is(a.err, deps.ErrDeadlock) {
					t.Errorf("round %d: %v", round, a.err)
				}
			}
			synctest.Wait()
			deadlocks += b.Stats().Deadlocks
			b.isLeftClean()
		})
	}
	t.Logf("%d deadlocks", deadlocks)
}

// lockSome locks a few of three keys at random, with pauses, and rolls back.
func (x *txn) lockSome(ctx context.Context, r *rand.Rand) error {
	defer x.b.Rollback(&x.Record)
	for range 2 + r.IntN(3) {
		mode := storage.KeyShare + storage.LockMode(r.IntN(4))
		if err := x.lockWith(fmt.Sprint("k", r.IntN(3)), mode, deps.Patience{Txn: ctx}); err != nil {
			return err
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
	}
	return nil
}
