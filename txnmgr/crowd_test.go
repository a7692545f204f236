package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/txnmgr"
)

// crowd is how many goroutines are active at once. The race detector allows
// 8,128 in all.
func crowd() int {
	if invariants.Enabled {
		return 5_000
	}
	return 100_000
}

// TestCrowdOfReaders: every one of 100,000 goroutines is in a View at once, and
// the list of transaction objects stays within its bound (I11).
func TestCrowdOfReaders(t *testing.T) {
	m, n := openWith(t, "a", "1"), crowd()
	var inside, done sync.WaitGroup
	inside.Add(n)
	leave := make(chan struct{})
	for range n {
		done.Go(func() {
			err := m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
				inside.Done()
				<-leave
				_, err := tx.Get([]byte("a"))
				return err
			})
			wantErr(t, "View", err)
		})
	}
	inside.Wait()
	want(t, "active", m.Stats().Active, n)
	put(t, m, "a", "2")
	close(leave)
	done.Wait()
	stats := m.Stats()
	want(t, "active", stats.Active, 0)
	want(t, "ended", stats.CommittedReadOnly, uint64(n))
	if most := n + n/8 + 11; stats.TransactionObjects > most {
		t.Errorf("%d transaction objects for %d at once, want at most %d", stats.TransactionObjects, n, most)
	}
	m.Purge()
	want(t, "versions", m.Stats().Versions, 1)
}

// TestSharedTxn: eight goroutines misuse one update transaction at the same time.
// Calls may be refused; the store stays whole, and what is committed is what was
// written.
func TestSharedTxn(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := openWith(t, "k0", "old", "k5", "old")
	for round := range 20 {
		tx := begin(t, m)
		var wg sync.WaitGroup
		for g := range 8 {
			random := rand.New(rand.NewPCG(seed, uint64(round*8+g)))
			wg.Go(func() { misuse(t, tx, random) })
		}
		wg.Wait()
		wantErr(t, "Commit", tx.Commit())
		checkOrder(t, m)
	}
	m.Purge()
	want(t, "active", m.Stats().Active, 0)
	want(t, "one version each", m.Stats().Versions, m.Stats().Objects)
}

// misuse calls anything but the ends.
func misuse(t *testing.T, tx *txnmgr.Txn, random *rand.Rand) {
	for range 200 {
		key := fmt.Appendf(nil, "k%d", random.IntN(10))
		var err error
		switch random.IntN(7) {
		case 0:
			err = tx.Put(key, []byte("new"))
		case 1:
			err = tx.Delete(key)
		case 2:
			err = tx.Insert(key, []byte("new"))
		case 3:
			_, err = tx.Get(key)
		case 4:
			join(tx.Scan(nil, key))
		case 5:
			join(tx.ScanDescending(key, nil))
		case 6:
			err = tx.RollbackTo(tx.Savepoint())
		}
		if !allowed(err, txnmgr.ErrConcurrentUse, txnmgr.ErrNotFound, txnmgr.ErrExists, txnmgr.ErrBadSavepoint) {
			t.Errorf("shared transaction: %v", err)
		}
	}
}

// allowed reports whether err is nil or matches one of some.
func allowed(err error, some ...error) bool {
	matches := func(target error) bool { return errors.Is(err, target) }
	return err == nil || slices.ContainsFunc(some, matches)
}

// checkOrder checks that the store's keys are in order and known, and agree with Get.
func checkOrder(t *testing.T, m *txnmgr.Manager) {
	t.Helper()
	r := beginRead(t, m)
	defer r.Close()
	last := ""
	for key, value := range r.Scan(nil, nil) {
		if string(key) <= last || len(key) != 2 {
			t.Errorf("key %q after %q", key, last)
		}
		last = string(key)
		got, err := r.Get(key)
		wantErr(t, "Get", err)
		want(t, "value by Get", string(got), string(value))
	}
}

// TestRacingEnds: of eight goroutines that end one transaction, each in its way,
// one succeeds at most, and the transaction is over.
func TestRacingEnds(t *testing.T) {
	m := open(t, txnmgr.Options{})
	for i := range 200 {
		tx := begin(t, m)
		wantErr(t, "Put", tx.Put(fmt.Appendf(nil, "k%03d", i), nil))
		var commits atomic.Int64
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				if g%2 == 0 {
					if err := tx.Rollback(); !allowed(err, txnmgr.ErrConcurrentUse) {
						t.Errorf("Rollback: %v", err)
					}
					return
				}
				err := tx.Commit()
				if err == nil {
					commits.Inc()
				} else if !allowed(err, txnmgr.ErrConcurrentUse, txnmgr.ErrTxnDone) {
					t.Errorf("Commit: %v", err)
				}
			})
		}
		wg.Wait()
		wantErr(t, "Rollback", tx.Rollback())
		isOver(t, tx, txnmgr.ErrTxnDone)
		r := beginRead(t, m)
		_, err := r.Get(fmt.Appendf(nil, "k%03d", i))
		want(t, "commits, against whether it is there", commits.Load() == 1, err == nil)
		r.Close()
	}
	want(t, "active", m.Stats().Active, 0)
}

// TestRacingClosers: copies of one ReadTxn are closed by many, while others take
// the transaction object over at once. Nobody but its owner ends a transaction.
func TestRacingClosers(t *testing.T) {
	m := openWith(t, "a", "1")
	for range 500 {
		tx := beginRead(t, m)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				wantErr(t, "Close", tx.Close())
				own, err := m.BeginRead(context.Background())
				wantErr(t, "BeginRead", err)
				wantErr(t, "Close again", tx.Close())
				if g%2 == 0 {
					_, err = own.Get([]byte("a"))
					wantErr(t, "Get", err)
				}
				wantErr(t, "Err", own.Err())
				wantErr(t, "Close", own.Close())
			})
		}
		wg.Wait()
	}
	stats := m.Stats()
	want(t, "active", stats.Active, 0)
	want(t, "ended", stats.CommittedReadOnly, 500*9)
}

// TestSharedReadTxn: many goroutines may read in one ReadTxn, and find one state.
func TestSharedReadTxn(t *testing.T) {
	m := openWith(t, "a", "1", "b", "2")
	r := beginRead(t, m)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				want(t, "scan", join(r.Scan(nil, nil)), "a=1 b=2")
				want(t, "descending", join(r.ScanDescending(nil, nil)), "b=2 a=1")
			}
		})
		wg.Go(func() {
			for range 50 {
				err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
					return errors.Join(tx.Put([]byte("a"), []byte("x")), tx.Delete([]byte("b")))
				})
				wantErr(t, "Update", err)
			}
		})
	}
	wg.Wait()
	wantErr(t, "Close", r.Close())
}
