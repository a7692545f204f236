package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// patience is more than enough for a deadlock to be found.
const patience = 20 * time.Millisecond

// TestDeadlockError: the victim is told the circle, which begins with it, is over, and
// may be done again.
func TestDeadlockError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx, a, b := openWith(t, "a", "1", "b", "1"), context.Background(), []byte("a"), []byte("b")
		worker := begin(t, m, txnmgr.WithLabel("worker"))
		idler := begin(t, m, txnmgr.WithLabel("idler"))
		wantErr(t, "Put", worker.Put([]byte("c"), nil))
		wantErr(t, "Lock", worker.Lock(ctx, a, txnmgr.ForUpdate))
		wantErr(t, "Lock", idler.Lock(ctx, b, txnmgr.ForShare))
		idler.OnCommit(func(uint64) { t.Error("OnCommit of the victim") })
		loses := start("Lock of the idler", func() error { return idler.Lock(ctx, a, txnmgr.ForKeyShare) })
		wins := start("Lock of the worker", func() error { return worker.Lock(ctx, b, txnmgr.ForNoKeyUpdate) })
		loses.waits(t)
		wins.waits(t)
		begun := time.Now()
		<-loses.done
		if took := time.Since(begun); took > patience {
			t.Errorf("the deadlock was found after %v", took)
		}
		loses.returns(t, txnmgr.ErrDeadlock, txnmgr.ErrTxnDone)
		wins.returns(t)
		var deadlock *txnmgr.DeadlockError
		if !errors.As(loses.err, &deadlock) {
			t.Fatalf("%T is no *DeadlockError", loses.err)
		}
		want(t, "victim", deadlock.Cycle[0].Label, "idler")
		want(t, "cycle", circle(deadlock.Cycle),
			"idler wants a (key share) of worker, worker wants b (no key update) of idler")
		want(t, "is retryable", txnmgr.IsRetryable(loses.err), true)
		isOver(t, idler, txnmgr.ErrDeadlock, txnmgr.ErrTxnDone)
		wantErr(t, "Commit", worker.Commit())
		stats := m.Stats()
		want(t, "deadlocks", stats.Deadlocks, 1)
		want(t, "rolled back", stats.RolledBack, 1)
		want(t, "waits", stats.Waits, 2)
		idle(t, m)
	})
}

// TestDeadlockRetried: Update does the victim's work again, and all of it gets done,
// also if the function takes no notice.
func TestDeadlockRetried(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("deaf=%t", deaf), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { retryDeadlocks(t, deaf) })
		})
	}
}

func retryDeadlocks(t *testing.T, deaf bool) {
	m, ctx := openWith(t, "a", "", "b", "", "c", ""), context.Background()
	keys := [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			err := m.Update(ctx, func(tx *txnmgr.Txn) error {
				for _, key := range [][]byte{keys[i], keys[(i+1)%len(keys)]} {
					value, err := tx.GetForUpdate(ctx, key)
					if err != nil && !deaf {
						return err
					}
					if err := tx.Put(key, append(value, '.')); err != nil && !deaf {
						return err
					}
					time.Sleep(time.Millisecond)
				}
				return nil
			})
			wantErr(t, "Update", err)
		})
	}
	all.Wait()
	want(t, "contents", contents(t, m), "a=.. b=.. c=..")
	stats := m.Stats()
	want(t, "there were deadlocks", stats.Deadlocks > 0, true)
	want(t, "there were retries", stats.Retries > 0, true)
	idle(t, m)
}

// TestDeadlocksOneVictim: of n transactions that wait in a circle exactly one gives up.
func TestDeadlocksOneVictim(t *testing.T) {
	for _, n := range []int{2, 3, 4, 7, 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { oneVictim(t, n) })
		})
	}
}

func oneVictim(t *testing.T, n int) {
	m, ctx := open(t, txnmgr.Options{}), context.Background()
	key := func(i int) []byte { return fmt.Appendf(nil, "k%02d", i%n) }
	txns := make([]*txnmgr.Txn, n)
	for i := range n {
		txns[i] = begin(t, m)
		wantErr(t, "Lock", txns[i].Lock(ctx, key(i), txnmgr.ForUpdate))
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	victims := 0
	for i := range n {
		all.Go(func() { // all at once, so that each may be the one who closes the circle
			err := txns[i].Lock(ctx, key(i+1), txnmgr.ForUpdate)
			if err == nil {
				err = txns[i].Commit()
			}
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, txnmgr.ErrDeadlock) {
				victims++
			} else if err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		})
	}
	all.Wait()
	want(t, "victims", victims, 1)
	want(t, "deadlocks", m.Stats().Deadlocks, 1)
	idle(t, m)
}

// TestDeadlocksAtRandom: transactions lock keys in any order and mode, commit or give
// up, for a while. Nobody is stuck (in a bubble that would be a panic), and nobody is a
// victim for nothing: where all lock in one order there is none.
func TestDeadlocksAtRandom(t *testing.T) {
	for _, inOrder := range []bool{false, true} {
		t.Run(fmt.Sprintf("inOrder=%t", inOrder), func(t *testing.T) {
			s := *seed
			if s == 0 {
				s = rand.Uint64()
			}
			t.Logf("-seed %d", s)
			synctest.Test(t, func(t *testing.T) { lockAtRandom(t, s, inOrder) })
		})
	}
}

func lockAtRandom(t *testing.T, seed uint64, inOrder bool) {
	const workers, rounds, keys = 8, 100, 4
	m := open(t, txnmgr.Options{})
	var all sync.WaitGroup
	for n := range workers {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			for range rounds {
				lockSome(t, m, rng, keys, inOrder)
			}
		})
	}
	all.Wait()
	if stats := m.Stats(); stats.Waits == 0 || inOrder != (stats.Deadlocks == 0) {
		t.Errorf("%d deadlocks in %d waits", stats.Deadlocks, stats.Waits)
	}
	idle(t, m)
}

// lockSome is one transaction that locks some keys. Without an order it also makes
// locks stronger and writes.
func lockSome(t *testing.T, m *txnmgr.Manager, rng *rand.Rand, keys int, inOrder bool) {
	tx := begin(t, m)
	defer tx.Rollback()
	for i := range keys {
		key := []byte{'a' + byte(i)}
		if !inOrder {
			key[0] = 'a' + byte(rng.IntN(keys))
		}
		if !inOrder && rng.IntN(3) == 0 {
			wantErr(t, "Put", tx.Put(key, nil))
		}
		err := tx.Lock(context.Background(), key, modes()[rng.IntN(len(modes()))])
		if errors.Is(err, txnmgr.ErrConflict) {
			continue
		}
		if errors.Is(err, txnmgr.ErrDeadlock) {
			return
		}
		wantErr(t, "Lock", err)
		time.Sleep(time.Duration(rng.IntN(5)) * time.Millisecond) // others come to wait
	}
	if err := tx.Commit(); err != nil && !errors.Is(err, txnmgr.ErrConflict) && !errors.Is(err, txnmgr.ErrDeadlock) {
		t.Errorf("Commit: %v", err)
	}
}
