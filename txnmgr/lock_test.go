package txnmgr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// lockCalls are the two ways to lock a key.
func lockCalls() map[string]func(context.Context, *txnmgr.Txn, []byte, ...txnmgr.LockOption) error {
	return map[string]func(context.Context, *txnmgr.Txn, []byte, ...txnmgr.LockOption) error{
		"Lock": func(ctx context.Context, tx *txnmgr.Txn, key []byte, opts ...txnmgr.LockOption) error {
			return tx.Lock(ctx, key, txnmgr.ForUpdate, opts...)
		},
		"GetForUpdate": func(ctx context.Context, tx *txnmgr.Txn, key []byte, opts ...txnmgr.LockOption) error {
			_, err := tx.GetForUpdate(ctx, key, opts...)
			return err
		},
	}
}

// TestLockBadInput: what makes no sense locks nothing, and leaves the transaction open.
func TestLockBadInput(t *testing.T) {
	var none context.Context
	m, ctx, k := openWith(t, "a", "1"), context.Background(), []byte("a")
	tx := begin(t, m)
	for _, mode := range []txnmgr.LockMode{0, -1, txnmgr.ForUpdate + 1, math.MaxInt32} {
		wantErr(t, mode.String(), tx.Lock(ctx, k, mode), txnmgr.ErrBadOption)
	}
	huge := bytes.Repeat([]byte("k"), txnmgr.MaxKeySize+1)
	for name, lock := range lockCalls() {
		wantErr(t, name+" without a context", lock(none, tx, k), txnmgr.ErrNilContext)
		wantErr(t, name+" of a huge key", lock(ctx, tx, huge), txnmgr.ErrKeyTooLarge)
		for what, opts := range map[string][]txnmgr.LockOption{
			"no timeout":       {txnmgr.LockTimeout(0)},
			"negative timeout": {txnmgr.LockTimeout(-time.Second)},
			"unknown option":   {-3},
			"zero option":      {0},
			"two options":      {txnmgr.NoWait, txnmgr.SkipLocked},
			"the same twice":   {txnmgr.NoWait, txnmgr.NoWait},
		} {
			wantErr(t, name+" with "+what, lock(ctx, tx, k, opts...), txnmgr.ErrBadOption)
		}
	}
	want(t, "locks", managedStore{m}.Locks(), "")
	wantErr(t, "Put", tx.Put(k, []byte("2")))
	wantErr(t, "Commit", tx.Commit())
	want(t, "contents", contents(t, m), "a=2")
	_, err := txnmgr.Open(ctx, txnmgr.Options{Locks: 3})
	wantErr(t, "Open with Locks 3", err, txnmgr.ErrBadOption)
	_, err = txnmgr.Open(ctx, txnmgr.Options{Locks: -1})
	wantErr(t, "Open with Locks -1", err, txnmgr.ErrBadOption)
}

// TestLockAfterEnd: an ended transaction locks nothing, nor does one that never was.
func TestLockAfterEnd(t *testing.T) {
	m, ctx, k := openWith(t, "a", "1"), context.Background(), []byte("a")
	var none *txnmgr.Txn
	for name, lock := range lockCalls() {
		wantErr(t, name+" of nil", lock(ctx, none, k), txnmgr.ErrTxnDone)
		wantErr(t, name+" of the zero Txn", lock(ctx, new(txnmgr.Txn), k), txnmgr.ErrTxnDone)
		for what, end := range map[string]func(*testing.T, *txnmgr.Manager, *txnmgr.Txn){
			"commit": commitWrites, "rollback": rollBackWrites, "conflict": loseConflict,
		} {
			tx := begin(t, m)
			end(t, m, tx)
			wantErr(t, name+" after "+what, lock(ctx, tx, k), txnmgr.ErrTxnDone)
		}
	}
	want(t, "locks", managedStore{m}.Locks(), "")
	wantErr(t, "Prepare of nil", none.Prepare(ctx, "x"), txnmgr.ErrTxnDone)
	wantErr(t, "Prepare of the zero Txn", new(txnmgr.Txn).Prepare(ctx, "x"), txnmgr.ErrTxnDone)
}

// TestLockEmptyKey: the empty key is a key like any other.
func TestLockEmptyKey(t *testing.T) {
	m, ctx := open(t, txnmgr.Options{}), context.Background()
	holder, other := begin(t, m), begin(t, m)
	wantErr(t, "Lock", holder.Lock(ctx, nil, txnmgr.ForUpdate))
	wantErr(t, "Lock of another", other.Lock(ctx, []byte{}, txnmgr.ForKeyShare, txnmgr.NoWait), txnmgr.ErrLocked)
	wantErr(t, "Lock of another key", other.Lock(ctx, []byte{0}, txnmgr.ForUpdate, txnmgr.NoWait))
	wantErr(t, "Commit", holder.Commit())
	wantErr(t, "Commit", other.Commit())
	idle(t, m)
}

// TestLockKeepsNoSlice: the key may be changed afterwards.
func TestLockKeepsNoSlice(t *testing.T) {
	m, ctx, key := open(t, txnmgr.Options{}), context.Background(), []byte("a")
	holder := begin(t, m, txnmgr.WithLabel("holder"))
	wantErr(t, "Lock", holder.Lock(ctx, key, txnmgr.ForUpdate))
	key[0] = 'b'
	want(t, "locks", managedStore{m}.Locks(), "a: holder (update)")
	wantErr(t, "Rollback", holder.Rollback())
	idle(t, m)
}

// TestLockCancelledBeforehand: also a free lock is not taken.
func TestLockCancelledBeforehand(t *testing.T) {
	m := openWith(t, "a", "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, lock := range lockCalls() {
		tx := begin(t, m)
		err := lock(ctx, tx, []byte("a"))
		wantErr(t, name, err, context.Canceled)
		want(t, "it is over", errors.Is(err, txnmgr.ErrTxnDone), false)
		want(t, "locks", managedStore{m}.Locks(), "")
		wantErr(t, "Commit", tx.Commit())
	}
}

// TestLockOnly: a transaction that only locked ends as a read-only one does, and what
// it locked leaves no trace.
func TestLockOnly(t *testing.T) {
	m, ctx := openWith(t, "a", "1"), context.Background()
	before := m.Stats()
	var at uint64
	tx := begin(t, m)
	for i, mode := range modes() {
		wantErr(t, "Lock", tx.Lock(ctx, []byte{'a' + byte(i)}, mode))
	}
	snapshot := tx.Snapshot()
	tx.OnCommit(func(ts uint64) { at = ts })
	wantErr(t, "Commit", tx.Commit())
	want(t, "timestamp", at, snapshot)
	tx = begin(t, m)
	wantErr(t, "Lock", tx.Lock(ctx, []byte("a"), txnmgr.ForUpdate))
	wantErr(t, "Rollback", tx.Rollback())
	after := m.Stats()
	want(t, "commits", after.Committed, before.Committed)
	want(t, "visible", after.Visible, before.Visible)
	want(t, "committed read-only", after.CommittedReadOnly, before.CommittedReadOnly+1)
	want(t, "rolled back", after.RolledBack, before.RolledBack+1)
	want(t, "waits", after.Waits, before.Waits)
	idle(t, m)
	if inMemory() {
		want(t, "committed list", after.CommittedListLength, before.CommittedListLength)
		want(t, "objects", m.Stats().Objects, 1)
	}
}

// TestLockQueue: 64 transactions wait for one key, some of them by a commit, and are
// served in the order in which they came, one after the other.
func TestLockQueue(t *testing.T) {
	const n = 64
	synctest.Test(t, func(t *testing.T) {
		m, ctx, k := openWith(t, "a", "1"), context.Background(), []byte("a")
		holder := begin(t, m)
		wantErr(t, "Lock", holder.Lock(ctx, k, txnmgr.ForUpdate))
		txns, calls := make([]*txnmgr.Txn, n), make([]*call, n)
		for i := range n {
			txns[i] = begin(t, m)
			calls[i] = start(fmt.Sprintf("Lock %d", i), func() error { return txns[i].Lock(ctx, k, txnmgr.ForUpdate) })
		}
		want(t, "waiting", m.Stats().Waiting, n)
		queue := m.Locks()[0].Queue
		want(t, "queue", len(queue), n)
		wantErr(t, "Commit", holder.Commit())
		for i := range n {
			calls[i].returns(t)
			if i+1 < n {
				calls[i+1].waits(t)
			}
			newcomer := begin(t, m)
			if err := newcomer.Lock(ctx, k, txnmgr.ForKeyShare, txnmgr.NoWait); !errors.Is(err, txnmgr.ErrLocked) {
				t.Errorf("a newcomer gets the lock in front of %d others: %v", n-i, err)
			}
			wantErr(t, "Rollback", newcomer.Rollback())
			value, err := txns[i].Get(k)
			wantErr(t, "Get", err)
			wantErr(t, "Put", txns[i].Put(k, append(value, '.')))
			wantErr(t, "Commit", txns[i].Commit())
		}
		want(t, "waits", m.Stats().Waits, n)
		want(t, "length", len(contents(t, m)), len("a=1")+n)
		idle(t, m)
	})
}

// TestLocksInfo: Locks says who holds what, who waits for it, and for how long, and
// who is about to commit shows if somebody waits for it.
func TestLocksInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "a", "1", "b", "1"), context.Background()
		holder := begin(t, m, txnmgr.WithLabel("holder"))
		wantErr(t, "Lock", holder.Lock(ctx, []byte("b"), txnmgr.ForShare))
		writer := begin(t, m, txnmgr.WithLabel("writer"))
		wantErr(t, "Put", writer.Put([]byte("a"), nil))
		wantErr(t, "Put", writer.Put([]byte("b"), nil))
		commit := start("Commit", writer.Commit)
		time.Sleep(time.Second)
		other := begin(t, m, txnmgr.WithLabel("other"))
		lock := start("Lock", func() error { return other.Lock(ctx, []byte("a"), txnmgr.ForShare) })
		time.Sleep(time.Second)
		infos := m.Locks()
		want(t, "locks", managedStore{m}.Locks(),
			"a: writer (no key update); other (share) waits; b: holder (share); writer (no key update) waits")
		want(t, "waiting", infos[1].Queue[0].Waiting, 2*time.Second)
		want(t, "waiting", infos[0].Queue[0].Waiting, time.Second)
		commit.waits(t)
		wantErr(t, "Rollback", holder.Rollback())
		commit.returns(t)
		lock.returns(t)
		wantErr(t, "Rollback", other.Rollback())
		idle(t, m)
	})
}

// TestMisuseWhileWaiting: a transaction that waits in a call is busy. Only Close and
// limits end it from outside.
func TestMisuseWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx, k := openWith(t, "a", "1"), context.Background(), []byte("a")
		holder, tx := begin(t, m), begin(t, m)
		wantErr(t, "Lock", holder.Lock(ctx, k, txnmgr.ForUpdate))
		lock := start("Lock", func() error { return tx.Lock(ctx, k, txnmgr.ForShare) })
		_, err := tx.Get(k)
		wantErr(t, "Get", err, txnmgr.ErrConcurrentUse)
		wantErr(t, "Lock", tx.Lock(ctx, k, txnmgr.ForShare), txnmgr.ErrConcurrentUse)
		wantErr(t, "Prepare", tx.Prepare(ctx, "x"), txnmgr.ErrConcurrentUse)
		wantErr(t, "Commit", tx.Commit(), txnmgr.ErrConcurrentUse)
		wantErr(t, "Rollback", tx.Rollback(), txnmgr.ErrConcurrentUse)
		lock.waits(t)
		wantErr(t, "Rollback", holder.Rollback())
		lock.returns(t)
		wantErr(t, "Rollback", tx.Rollback())
		idle(t, m)
	})
}

// TestCloseWhileWaiting: Close waits for nobody, and ends every wait, of some by ending
// who is in their way.
func TestCloseWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx, k := openWith(t, "a", "1"), context.Background(), []byte("a")
		holder, locker, writer, voter := begin(t, m), begin(t, m), begin(t, m), begin(t, m)
		wantErr(t, "Lock", holder.Lock(ctx, k, txnmgr.ForUpdate))
		lock := start("Lock", func() error { return locker.Lock(ctx, k, txnmgr.ForShare, txnmgr.LockTimeout(time.Hour)) })
		wantErr(t, "Put", writer.Put(k, nil))
		commit := start("Commit", writer.Commit)
		wantErr(t, "Delete", voter.Delete(k))
		prepare := start("Prepare", func() error { return voter.Prepare(ctx, "x") })
		wantErr(t, "Close", m.Close())
		for _, c := range []*call{lock, commit, prepare} {
			c.mayReturn(t, txnmgr.ErrClosed, txnmgr.ErrTxnDone)
		}
		isOver(t, holder, txnmgr.ErrClosed, txnmgr.ErrTxnDone)
		wantErr(t, "Lock", holder.Lock(ctx, k, txnmgr.ForShare), txnmgr.ErrClosed)
		idle(t, m)
	})
}

// TestMaxAgeOfHolder: a holder that was forgotten is ended without its doing, and its
// locks go to those who wait.
func TestMaxAgeOfHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, txnmgr.Options{MaxAge: time.Minute})
		ctx, a, b, c := context.Background(), []byte("a"), []byte("b"), []byte("c")
		holder := begin(t, m)
		wantErr(t, "Lock", holder.Lock(ctx, a, txnmgr.ForUpdate))
		wantErr(t, "Lock", holder.Lock(ctx, b, txnmgr.ForShare))
		wantErr(t, "Lock", holder.Lock(ctx, b, txnmgr.ForUpdate))
		time.Sleep(40 * time.Second)
		locker, writer := begin(t, m), begin(t, m)
		wantErr(t, "Lock", locker.Lock(ctx, c, txnmgr.ForUpdate))
		lock := start("Lock", func() error { return locker.Lock(ctx, b, txnmgr.ForShare) })
		wantErr(t, "Put", writer.Put(a, nil))
		commit := start("Commit", writer.Commit)
		time.Sleep(15 * time.Second)
		lock.waits(t)
		commit.waits(t)
		time.Sleep(20 * time.Second)
		lock.returns(t)
		commit.returns(t)
		wantErr(t, "Lock", holder.Lock(ctx, a, txnmgr.ForUpdate), txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		isOver(t, holder, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		wantErr(t, "Commit", locker.Commit())
		idle(t, m)
	})
}

// TestMaxAgeOfWaiter: so is one that waits, holding something.
func TestMaxAgeOfWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, txnmgr.Options{MaxAge: time.Minute})
		ctx, a, b := context.Background(), []byte("a"), []byte("b")
		waiter := begin(t, m)
		wantErr(t, "Lock", waiter.Lock(ctx, b, txnmgr.ForUpdate))
		time.Sleep(30 * time.Second)
		holder, last := begin(t, m), begin(t, m)
		wantErr(t, "Lock", holder.Lock(ctx, a, txnmgr.ForUpdate))
		lock := start("Lock", func() error { return waiter.Lock(ctx, a, txnmgr.ForUpdate) })
		next := start("Lock", func() error { return last.Lock(ctx, b, txnmgr.ForUpdate) })
		time.Sleep(50 * time.Second)
		lock.returns(t, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		next.returns(t)
		isOver(t, waiter, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		wantErr(t, "Rollback", holder.Rollback())
		wantErr(t, "Rollback", last.Rollback())
		idle(t, m)
	})
}
