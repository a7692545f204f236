package deps_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// attempt is a call that may have to wait, on a goroutine of its own.
type attempt struct {
	t      *testing.T
	cancel context.CancelFunc
	err    error
	over   atomic.Bool
}

// try makes a call in a bubble, and returns when it is over or waits. After an hour,
// which passes when nobody can go on, it gives up.
func try(t *testing.T, call func(ctx context.Context) error) *attempt {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	a := &attempt{t: t, cancel: cancel}
	go func() {
		defer cancel()
		a.err = call(ctx)
		a.over.Store(true)
	}()
	synctest.Wait()
	return a
}

// waits checks that the call is not over.
func (a *attempt) waits(what string) {
	a.t.Helper()
	want(a.t, what+" is over", a.over.Load(), false)
}

// ends checks how the call ended.
func (a *attempt) ends(what string, err error) {
	a.t.Helper()
	synctest.Wait()
	want(a.t, what+" is over", a.over.Load(), true)
	if a.over.Load() {
		wantCause(a.t, what, a.err, err)
	}
}

// lock locks keys that nobody else holds.
func (x *txn) lock(mode storage.LockMode, keys ...string) *txn {
	x.b.t.Helper()
	for _, key := range keys {
		want(x.b.t, "lock "+key, x.lockWith(key, mode, deps.Patience{For: -1}), nil)
	}
	return x
}

func (x *txn) lockWith(key string, mode storage.LockMode, p deps.Patience) error {
	_, err := x.b.Lock(&x.Record, x.b.object(key), mode, p)
	return err
}

// tryLock is Lock that may wait.
func (x *txn) tryLock(mode storage.LockMode, key string) *attempt {
	return try(x.b.t, func(ctx context.Context) error {
		return x.lockWith(key, mode, deps.Patience{Txn: ctx})
	})
}

func (x *txn) tryCommit() *attempt {
	return try(x.b.t, func(ctx context.Context) error { return x.commitWith(ctx) })
}

func (x *txn) rollback() {
	x.b.t.Helper()
	want(x.b.t, "rollback", x.b.Rollback(&x.Record), true)
}

func (x *txn) force() {
	x.b.t.Helper()
	slot, gen := x.Slot()
	want(x.b.t, "force", x.b.Force(slot, gen, errCause), true)
}

// inBubble runs a test with a manager that has the keys, and finally checks that
// nobody holds them or waits, and that no object without a version is left.
func inBubble(t *testing.T, keys []string, test func(b base)) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, keys...)
		test(b)
		synctest.Wait()
		b.isLeftClean()
	})
}

func (b base) isLeftClean() {
	b.t.Helper()
	st := b.Stats()
	want(b.t, "waiting", st.Waiting, 0)
	want(b.t, "active", st.Pool.Active, 0)
	want(b.t, "locked", len(b.Locks()), 0)
	b.Purge()
	c := b.Store.Ascend(nil, nil)
	for o := c.Next(); o != nil; o = c.Next() {
		b.isFree(string(o.Key()))
		if o.Head() == nil {
			b.t.Errorf("%q is left without a version", o.Key())
		}
	}
}

func (b base) beginAll(n int) (all []*txn) {
	for range n {
		all = append(all, b.begin())
	}
	return all
}

// TestUpgradeComesFirst: who makes a lock stronger comes before who holds nothing.
func TestUpgradeComesFirst(t *testing.T) {
	inBubble(t, []string{"k"}, func(b base) {
		all := b.beginAll(3)
		x, other, newcomer := all[0].lock(storage.Share, "k"), all[1].lock(storage.Share, "k"), all[2]
		behind := newcomer.tryLock(storage.NoKeyUpdate, "k")
		upgrade := x.tryLock(storage.Update, "k")
		upgrade.waits("upgrade")
		other.rollback()
		upgrade.ends("upgrade", nil)
		behind.waits("newcomer")
		x.rollback()
		behind.ends("newcomer", nil)
		newcomer.rollback()
	})
}

// TestSharersComeTogether: one release lets in all whose turn it is, and nobody else.
func TestSharersComeTogether(t *testing.T) {
	inBubble(t, []string{"k"}, func(b base) {
		all := b.beginAll(6)
		all[0].lock(storage.Update, "k")
		modes := []storage.LockMode{storage.Update, storage.Share, storage.KeyShare, storage.NoKeyUpdate, storage.KeyShare, storage.Share}
		waits := make([]*attempt, len(all))
		for i := 1; i < len(all); i++ {
			waits[i] = all[i].tryLock(modes[i], "k")
			waits[i].waits("lock")
		}
		all[0].rollback()
		waits[1].ends("share", nil)
		waits[2].ends("key share", nil)
		waits[3].waits("no key update")
		waits[4].waits("key share behind it")
		all[2].rollback()
		waits[3].waits("no key update")
		all[1].rollback()
		waits[3].ends("no key update", nil)
		waits[4].ends("key share behind it", nil)
		waits[5].waits("share")
		all[4].rollback()
		all[3].rollback()
		waits[5].ends("share", nil)
		all[5].rollback()
	})
}

// TestGivingUpLetsOthersIn: who waited only because of one in front of it goes on when
// that one gives up, for whatever reason.
func TestGivingUpLetsOthersIn(t *testing.T) {
	for name, giveUp := range map[string]func(x *txn, a *attempt) error{
		"cancelled": func(_ *txn, a *attempt) error { a.cancel(); return context.Canceled },
		"forced":    func(x *txn, _ *attempt) error { x.force(); return deps.ErrEnded },
		"late":      func(*txn, *attempt) error { time.Sleep(time.Minute); return deps.ErrOwned },
		"too late":  func(*txn, *attempt) error { time.Sleep(10 * time.Minute); return deps.ErrDeadline },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, []string{"k"}, func(b base) {
				all := b.beginAll(3)
				holder, x, y := all[0].lock(storage.Share, "k"), all[1], all[2]
				x.About = &deps.About{Deadline: time.Now().Add(5 * time.Minute)}
				patience := deps.Patience{}
				if name == "late" {
					patience.For = time.Minute
				}
				first := try(t, func(ctx context.Context) error {
					patience.Call = ctx
					return x.lockWith("k", storage.Update, patience)
				})
				second := y.tryLock(storage.Share, "k")
				second.waits("second")
				first.ends("first", giveUp(x, first))
				second.ends("second", nil)
				b.Rollback(&x.Record)
				holder.rollback()
				y.rollback()
			})
		})
	}
}

// TestForcedHolder: a forced end lets go at once, whether the owner's goroutine runs
// or not, and each lock once.
func TestForcedHolder(t *testing.T) {
	for _, n := range []int{1, 4, 5, 100} {
		inBubble(t, []string{"k"}, func(b base) {
			x, y := b.begin().lock(storage.KeyShare, "k"), b.begin()
			for i := range n {
				x.lock(storage.Update, fmt.Sprint("key ", i))
			}
			x.lock(storage.Update, "k")
			next := y.tryLock(storage.Share, "k")
			next.waits("next")
			x.force()
			next.ends("next", nil)
			want(t, "rollback", b.Rollback(&x.Record), false)
			want(t, "lock", x.lockWith("other", storage.Share, deps.Patience{}), deps.ErrEnded)
			y.rollback()
		})
	}
}

// TestForcedUpgrade: what the owner is making stronger is let go by the owner.
func TestForcedUpgrade(t *testing.T) {
	inBubble(t, []string{"k"}, func(b base) {
		x, y := b.begin().lock(storage.KeyShare, "k", "other"), b.begin().lock(storage.KeyShare, "k")
		upgrade := x.tryLock(storage.Update, "k")
		upgrade.waits("upgrade")
		x.force()
		upgrade.ends("upgrade", deps.ErrEnded)
		y.lock(storage.Update, "k", "other").rollback()
	})
}

// TestForcedBeforeCommit: a forced end has let everything go before the vote began,
// so there must be no vote: it would link versions to objects that others hold.
func TestForcedBeforeCommit(t *testing.T) {
	inBubble(t, []string{"k", "z"}, func(b base) {
		x, y := b.begin().lock(storage.Update, "k").put("x", "k", "z"), b.begin().lock(storage.Update, "z")
		x.force()
		want(t, "commit", x.commit(), deps.ErrEnded)
		want(t, "waits of the vote", b.Stats().Waits, 0)
		y.rollback()
	})
}

// TestUnlockTo: the locks since a savepoint fall, and those that were made stronger
// are as before.
func TestUnlockTo(t *testing.T) {
	inBubble(t, []string{"a", "b", "c"}, func(b base) {
		x, y := b.begin().lock(storage.KeyShare, "a"), b.begin()
		savepoint := x.Locks()
		x.lock(storage.Update, "a", "b", "c")
		waits := []*attempt{y.tryLock(storage.NoKeyUpdate, "a")}
		waits[0].waits("lock of a")
		b.UnlockTo(&x.Record, savepoint)
		waits[0].ends("lock of a", nil)
		y.lock(storage.Update, "b", "c")
		want(t, "stronger than at the savepoint", y.lockWith("a", storage.Update, deps.Patience{For: -1}), deps.ErrOwned)
		want(t, "locks", x.Locks(), savepoint)
		b.UnlockTo(&x.Record, savepoint)
		y.rollback()
		x.lock(storage.Update, "a", "b").rollback()
	})
}

// TestLockOfAbsentKey: what was made to be locked goes with the last lock, unless it
// was written.
func TestLockOfAbsentKey(t *testing.T) {
	inBubble(t, nil, func(b base) {
		all := b.beginAll(3)
		for _, x := range all {
			x.lock(storage.KeyShare, "k")
			want(t, "keys", b.keys(), "k")
		}
		all[0].rollback()
		all[1].rollback()
		want(t, "keys", b.keys(), "k")
		all[2].rollback()
		want(t, "keys", b.keys(), "")
		x := b.begin().lock(storage.Share, "k", "other").put("v", "k")
		want(t, "commit", x.commit(), nil)
		want(t, "keys", b.keys(), "k")
	})
}

// TestLockOnlyDrawsNothing: who only locked ends like a read-only transaction.
func TestLockOnlyDrawsNothing(t *testing.T) {
	b := filled(t, "k")
	before := b.Visible()
	b.begin().lock(storage.Update, "k", "absent").rollback()
	want(t, "visible", b.Visible(), before)
	b.isLeftClean()
}

// TestCommitKeepsOutAllWithCoarseLock: one lock, from vote to finish.
func TestCommitKeepsOutAllWithCoarseLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBase(t)
		b.Init(deps.Config{Locks: deps.CoarseLock})
		b.update("a", "b")
		x, y := b.begin().put("x", "a", "new"), b.begin().put("y", "b")
		x.vote()
		other := y.tryCommit()
		other.waits("another commit")
		b.Undo(&x.Record)
		other.ends("another commit", nil)
		want(t, "keys", b.keys(), "a b")
		want(t, "values", b.now("a", "b"), "a y")
		b.isLeftClean()
	})
}

// TestLockStore: nobody commits while somebody holds the store, but its agents.
func TestLockStore(t *testing.T) {
	inBubble(t, []string{"a", "b"}, func(b base) {
		boss, x := b.begin(), b.begin().put("x", "b")
		want(t, "lock", b.LockStore(&boss.Record, deps.Patience{}), nil)
		commit := x.tryCommit()
		commit.waits("another commit")
		agent := b.begin().put("agent", "a")
		boss.ActFor(&agent.Record)
		want(t, "commit of the agent", agent.commit(), nil)
		commit.waits("another commit")
		boss.rollback()
		commit.ends("another commit", nil)
		want(t, "values", b.now("a", "b"), "agent x")
	})
}

// TestLocksRace: transactions lock, make stronger, go back to savepoints, commit and
// are ended by force, all at random. Who holds an object exclusively is alone, every
// deadlock is found, and in the end nothing is left.
func TestLocksRace(t *testing.T) {
	const goroutines, each = 6, 200
	b, randoms := filled(t, "k0", "k1"), split(t)
	var wg sync.WaitGroup
	var owned [3]atomic.Int32
	for g := range goroutines {
		wg.Go(func() {
			r := randoms(g)
			for range each {
				x := b.begin()
				counts := func(int, int32) int32 { return 1 } // a forced end may come at any time
				if r.IntN(4) == 0 {
					wg.Go(func() { slot, gen := x.Slot(); b.Force(slot, gen, errCause) })
				} else {
					counts = func(k int, by int32) int32 { return owned[k].Add(by) }
				}
				lockAtRandom(x, r, counts)
			}
		})
	}
	wg.Wait()
	t.Logf("%d waits, %d deadlocks", b.Stats().Waits, b.Stats().Deadlocks)
	b.isLeftClean()
}

// lockAtRandom is one transaction of TestLocksRace.
func lockAtRandom(x *txn, r *rand.Rand, counts func(k int, by int32) int32) {
	p := deps.Patience{For: 10 * time.Second} // a deadlock that is not found fails the test
	for range r.IntN(3) + 1 {
		k, before := r.IntN(3), x.Locks()
		mode := storage.KeyShare + storage.LockMode(r.IntN(4))
		err := x.lockWith(fmt.Sprint("k", k), mode, p)
		if errors.Is(err, deps.ErrOwned) {
			x.b.t.Error("a wait of ten seconds")
		}
		if err != nil {
			x.b.Rollback(&x.Record)
			return
		}
		runtime.Gosched()
		if mode == storage.Update {
			if n := counts(k, 1); n != 1 {
				x.b.t.Errorf("%d hold k%d exclusively", n, k)
			}
			x.put("v", fmt.Sprint("k", k))
			counts(k, -1)
		}
		if r.IntN(4) == 0 {
			x.b.UnlockTo(&x.Record, before)
		}
	}
	if len(x.Writes) == 0 || x.commit() != nil {
		x.b.Rollback(&x.Record)
	}
}
