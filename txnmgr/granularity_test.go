package txnmgr_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestCoarseLock: from vote to finish a commit keeps all others waiting, and no
// reader. So does every lock before the vote, in its mode.
func TestCoarseLock(t *testing.T) {
	if needsMemory(t, "only then the store can be locked as a whole") {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		m, ctx := open(t, txnmgr.Options{Locks: txnmgr.CoarseLock}), context.Background()
		put(t, m, "a", "1", "b", "1")
		voted, writer, locker := begin(t, m), begin(t, m), begin(t, m)
		wantErr(t, "Put", voted.Put([]byte("a"), []byte("2")))
		wantErr(t, "Prepare", voted.Prepare(ctx, "x"))
		wantErr(t, "Put", writer.Put([]byte("b"), []byte("2")))
		commit := start("Commit", writer.Commit)
		lock := start("Lock", func() error { return locker.Lock(ctx, []byte("c"), txnmgr.ForShare) })
		commit.waits(t)
		lock.waits(t)
		want(t, "contents", contents(t, m), "a=1 b=1")
		wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"))
		commit.returns(t)
		lock.returns(t)
		want(t, "contents", contents(t, m), "a=2 b=2")

		other := begin(t, m)
		wantErr(t, "Lock in the same mode", other.Lock(ctx, []byte("d"), txnmgr.ForShare, txnmgr.NoWait))
		wantErr(t, "Lock of another key", other.Lock(ctx, []byte("d"), txnmgr.ForNoKeyUpdate, txnmgr.NoWait), txnmgr.ErrLocked)
		wantErr(t, "Rollback", other.Rollback())
		wantErr(t, "Commit", locker.Commit())
		idle(t, m)
	})
}

// TestNoLocks: one goroutine with one transaction at a time does all that it does with
// locks.
func TestNoLocks(t *testing.T) {
	if needsMemory(t, "only then the store can go without locks") {
		return
	}
	m, ctx := open(t, txnmgr.Options{Locks: txnmgr.NoLocks}), context.Background()
	put(t, m, "a", "1")
	tx := begin(t, m)
	value, err := tx.GetForUpdate(ctx, []byte("a"), txnmgr.NoWait)
	wantErr(t, "GetForUpdate", err)
	want(t, "value", string(value), "1")
	sp := tx.Savepoint()
	wantErr(t, "Lock", tx.Lock(ctx, []byte("b"), txnmgr.ForShare))
	wantErr(t, "Delete", tx.Delete([]byte("a")))
	wantErr(t, "RollbackTo", tx.RollbackTo(sp))
	wantErr(t, "Put", tx.Put([]byte("b"), []byte("1")))
	wantErr(t, "Prepare", tx.Prepare(ctx, "x"))
	want(t, "contents", contents(t, m), "a=1")
	wantErr(t, "Commit", tx.Commit())
	prepared(t, m, "y", []string{"a"}, []string{"c"})
	wantErr(t, "RollbackPrepared", m.RollbackPrepared(ctx, "y"))
	tx = begin(t, m)
	loseConflict(t, m, tx)
	wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
		return tx.Delete([]byte("b"))
	}, txnmgr.WithRetry(0), txnmgr.WithPessimistic()))
	want(t, "contents", contents(t, m), "a=1")
	idle(t, m)
	want(t, "objects", m.Stats().Objects, 1)
}

// TestReadersBesideLocks: readers do not wait, whatever is locked, waited for or
// prepared (I5): in the bubble, a wait would be seen as one for ever.
func TestReadersBesideLocks(t *testing.T) {
	const n = 100
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "a", "1"), context.Background()
		var calls []*call
		for i := range n {
			key := fmt.Appendf(nil, "k%03d", i)
			put(t, m, string(key), "1")
			holder := begin(t, m)
			defer holder.Rollback()
			wantErr(t, "Lock", holder.Lock(ctx, key, modes()[i%len(modes())]))
			waiter := begin(t, m)
			wantErr(t, "Delete", waiter.Delete(key))
			calls = append(calls, start("Commit", waiter.Commit))
			prepared(t, m, fmt.Sprint("x", i), []string{"a"}, []string{fmt.Sprint("new", i)})
		}
		want(t, "waiting", m.Stats().Waiting, n)
		for range n {
			tx := beginRead(t, m)
			_, err := tx.Get([]byte("k007"))
			wantErr(t, "Get", err)
			pairs := 0
			for range tx.Scan(nil, nil) {
				pairs++
			}
			want(t, "pairs", pairs, n+1)
			wantErr(t, "Close", tx.Close())
		}
		for _, c := range calls {
			c.waits(t)
		}
		wantErr(t, "Close", m.Close())
		for _, c := range calls {
			c.mayReturn(t, txnmgr.ErrClosed)
		}
	})
}
