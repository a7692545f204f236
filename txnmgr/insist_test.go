package txnmgr_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

func eachGranularity(t *testing.T, test func(t *testing.T, m *txnmgr.Manager)) {
	for _, g := range granularities() {
		t.Run(g.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, opened(t, txnmgr.Options{Locks: g})) })
		})
	}
}

// TestPessimisticLock: an attempt for which the store is locked does not wait for
// its own lock. (If it does, the bubble finds nobody who could wake it.)
func TestPessimisticLock(t *testing.T) {
	eachGranularity(t, func(t *testing.T, m *txnmgr.Manager) {
		ctx := context.Background()
		wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
			if err := tx.Lock(ctx, []byte("a"), txnmgr.ForUpdate); err != nil {
				return err
			}
			return tx.Put([]byte("a"), []byte("1"))
		}, txnmgr.WithRetry(0), txnmgr.WithPessimistic()))
		want(t, "contents", contents(t, m), "a=1")
		want(t, "locks", len(m.Locks()), 0)
	})
}

// TestPessimisticOnCommit: the store is free again when the functions given to
// OnCommit run.
func TestPessimisticOnCommit(t *testing.T) {
	eachGranularity(t, func(t *testing.T, m *txnmgr.Manager) {
		wantErr(t, "Update", m.Update(context.Background(), func(tx *txnmgr.Txn) error {
			tx.OnCommit(func(uint64) { put(t, m, "log", "a") })
			return tx.Put([]byte("a"), []byte("1"))
		}, txnmgr.WithRetry(0), txnmgr.WithPessimistic()))
		want(t, "contents", contents(t, m), "a=1 log=a")
	})
}

// TestPessimisticBeyondMaxAge: the lock of the store stays as long as an attempt
// relies on it, although who took it is too old by then.
func TestPessimisticBeyondMaxAge(t *testing.T) {
	if needsMemory(t, "only then the store can be locked as a whole") {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		m := opened(t, txnmgr.Options{Locks: txnmgr.CoarseLock, MaxAge: time.Minute})
		ctx, attempts := context.Background(), 0
		wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
			if attempts++; attempts == 1 {
				time.Sleep(40 * time.Second)
				return txnmgr.ErrConflict
			}
			time.Sleep(50 * time.Second)
			other := begin(t, m)
			defer other.Rollback()
			wantErr(t, "Lock", other.Lock(ctx, []byte("a"), txnmgr.ForUpdate, txnmgr.NoWait), txnmgr.ErrLocked)
			return tx.Put([]byte("a"), []byte("mine"))
		}, txnmgr.WithRetry(0), txnmgr.WithPessimistic()))
		want(t, "contents", contents(t, m), "a=mine")
		want(t, "locks", len(m.Locks()), 0)
		m.Close()
	})
}

// TestLockSeesWhatItWaitedFor: a key that came while a transaction waited for its
// lock is a conflict for one that has read before.
func TestLockSeesWhatItWaitedFor(t *testing.T) {
	eachGranularity(t, func(t *testing.T, m *txnmgr.Manager) {
		ctx, first, second := context.Background(), begin(t, m), begin(t, m)
		wantErr(t, "Lock", first.Lock(ctx, []byte("k"), txnmgr.ForUpdate))
		_, err := second.Get([]byte("other"))
		wantErr(t, "Get", err, txnmgr.ErrNotFound)
		var locked error
		go func() { locked = second.Lock(ctx, []byte("k"), txnmgr.ForUpdate) }()
		synctest.Wait()
		wantErr(t, "Put", first.Put([]byte("k"), []byte("1")))
		wantErr(t, "Commit", first.Commit())
		synctest.Wait()
		wantErr(t, "Lock", locked, txnmgr.ErrConflict)
		wantErr(t, "Rollback", second.Rollback())
	})
}

// TestRollbackDuringPrepare: a second goroutine is told that the handle is in use, or
// rolls back what is prepared; it is not told that all is over.
func TestRollbackDuringPrepare(t *testing.T) {
	m, ctx := opened(t, txnmgr.Options{}), context.Background()
	for range rounds(3_000) {
		tx := begin(t, m)
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("1")))
		var both sync.WaitGroup
		both.Go(func() { tx.Prepare(ctx, "x") })
		both.Go(func() {
			for errors.Is(tx.Rollback(), txnmgr.ErrConcurrentUse) {
				continue
			}
		})
		both.Wait()
		if n := m.Stats().Prepared; n > 0 {
			t.Fatalf("%d are prepared after Rollback returned nil", n)
		}
	}
}

// TestHandleAtItsLimit: when its limit strikes the handle says so, at whatever point
// of that it is asked.
func TestHandleAtItsLimit(t *testing.T) {
	m, ctx := opened(t, txnmgr.Options{}), context.Background()
	for range 300 {
		tx := begin(t, m)
		for k := range 200 {
			wantErr(t, "Put", tx.Put([]byte{byte(k)}, nil))
		}
		wantErr(t, "Prepare", tx.Prepare(ctx, "x", txnmgr.WithLimit(20*time.Microsecond)))
		for m.Stats().Prepared > 0 {
			continue
		}
		wantErr(t, "Commit", tx.Commit(), txnmgr.ErrTimeout)
	}
}
