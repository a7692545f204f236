package txnmgr_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// calls are the ways to notice that a transaction has to end. Each gets a
// transaction of its own.
func calls() map[string]func(tx *txnmgr.Txn) error {
	k := []byte("a")
	return map[string]func(tx *txnmgr.Txn) error{
		"get":    func(tx *txnmgr.Txn) error { _, err := tx.Get(k); return err },
		"put":    func(tx *txnmgr.Txn) error { return tx.Put(k, k) },
		"insert": func(tx *txnmgr.Txn) error { return tx.Insert([]byte("new"), k) },
		"delete": func(tx *txnmgr.Txn) error { return tx.Delete(k) },
		"scan": func(tx *txnmgr.Txn) error {
			for range tx.Scan(nil, nil) {
			}
			return tx.Err()
		},
		"scan descending": func(tx *txnmgr.Txn) error {
			for range tx.ScanDescending(nil, nil) {
			}
			return tx.Err()
		},
		"rollback to": func(tx *txnmgr.Txn) error { return tx.RollbackTo(tx.Savepoint()) },
		"commit":      (*txnmgr.Txn).Commit,
	}
}

func TestCancelledContext(t *testing.T) {
	for _, level := range []txnmgr.Isolation{txnmgr.Serializable, txnmgr.Snapshot} {
		for name, call := range calls() {
			t.Run(level.String()+"/"+name, func(t *testing.T) {
				m := openWith(t, "a", "1")
				ctx, cancel := context.WithCancel(context.Background())
				tx, err := m.Begin(ctx, txnmgr.WithIsolation(level))
				wantErr(t, "Begin", err)
				wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
				cancel()
				wantErr(t, name, call(tx), context.Canceled, txnmgr.ErrTxnDone)
				isOver(t, tx, context.Canceled, txnmgr.ErrTxnDone)
				want(t, "active", m.Stats().Active, 0)
				want(t, "rolled back", m.Stats().RolledBack, 1)
				want(t, "contents", contents(t, m), "a=1")
			})
		}
	}
}

func TestCancelledReader(t *testing.T) {
	m := openWith(t, "a", "1", "b", "2")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	get, err := m.BeginRead(ctx)
	wantErr(t, "BeginRead", err)
	scan, err := m.BeginRead(ctx)
	wantErr(t, "BeginRead", err)
	_, err = get.Get([]byte("a"))
	wantErr(t, "Get before", err)
	n := 0
	for range scan.Scan(nil, nil) {
		n++
		cancel()
	}
	want(t, "pairs", n, 1)
	wantErr(t, "Err", scan.Err(), context.Canceled, txnmgr.ErrTxnDone)
	isOverRead(t, get, context.Canceled, txnmgr.ErrTxnDone)
	isOverRead(t, scan, context.Canceled, txnmgr.ErrTxnDone)
	want(t, "active", m.Stats().Active, 0)
	want(t, "rolled back", m.Stats().RolledBack, 2)
}

// TestCancelledBeforehand: nothing begins, and no function is called.
func TestCancelledBeforehand(t *testing.T) {
	m := open(t, txnmgr.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := txnmgr.Open(ctx, txnmgr.Options{})
	wantErr(t, "Open", err, context.Canceled)
	_, err = m.Begin(ctx)
	wantErr(t, "Begin", err, context.Canceled)
	_, err = m.BeginRead(ctx)
	wantErr(t, "BeginRead", err, context.Canceled)
	err = m.Update(ctx, func(*txnmgr.Txn) error { t.Error("Update called fn"); return nil })
	wantErr(t, "Update", err, context.Canceled)
	err = m.View(ctx, func(txnmgr.ReadTxn) error { t.Error("View called fn"); return nil })
	wantErr(t, "View", err, context.Canceled)
	want(t, "active", m.Stats().Active, 0)
}

// TestCancelledWithinUpdate: the commit of what fn has done is refused.
func TestCancelledWithinUpdate(t *testing.T) {
	m := openWith(t, "a", "1")
	ctx, cancel := context.WithCancel(context.Background())
	err := m.Update(ctx, func(tx *txnmgr.Txn) error {
		err := tx.Put([]byte("a"), []byte("2"))
		cancel()
		return err
	})
	wantErr(t, "Update", err, context.Canceled)
	want(t, "contents", contents(t, m), "a=1")
	want(t, "active", m.Stats().Active, 0)
}

// TestCancelledBetweenRetries: Update waits for no further attempt.
func TestCancelledBetweenRetries(t *testing.T) {
	m := openWith(t, "a", "1")
	ctx, cancel := context.WithCancel(context.Background())
	attempts := 0
	err := m.Update(ctx, func(tx *txnmgr.Txn) error {
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
		put(t, m, "a", "other")
		if attempts++; attempts == 20 {
			cancel()
		}
		return nil
	}, txnmgr.WithRetry(1_000_000))
	wantErr(t, "Update", err, context.Canceled)
	want(t, "attempts", attempts, 20)
	want(t, "contents", contents(t, m), "a=other")
}

// TestWithTimeout: the first call after the time ends the transaction, whichever
// it is.
func TestWithTimeout(t *testing.T) {
	for name, call := range calls() {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { timesOut(t, call) }) })
	}
}

func timesOut(t *testing.T, call func(*txnmgr.Txn) error) {
	m := openWith(t, "a", "1")
	tx := begin(t, m, txnmgr.WithTimeout(time.Second))
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
	time.Sleep(time.Second - time.Nanosecond)
	_, err := tx.Get([]byte("a"))
	wantErr(t, "Get in time", err)
	time.Sleep(2 * time.Nanosecond)
	wantErr(t, "the call", call(tx), txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
	isOver(t, tx, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
	want(t, "active", m.Stats().Active, 0)
	want(t, "contents", contents(t, m), "a=1")
}

func TestReaderWithTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openWith(t, "a", "1", "b", "2")
		get := beginRead(t, m, txnmgr.WithTimeout(time.Second))
		scan := beginRead(t, m, txnmgr.WithTimeout(time.Second))
		for range scan.ScanDescending(nil, nil) {
			time.Sleep(time.Second + 1)
		}
		wantErr(t, "Err", scan.Err(), txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		isOverRead(t, get, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		err := m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
			time.Sleep(time.Second + 1)
			_, err := tx.Get([]byte("a"))
			return err
		}, txnmgr.WithTimeout(time.Second))
		wantErr(t, "View", err, txnmgr.ErrTimeout)
		want(t, "active", m.Stats().Active, 0)
	})
}

// TestUpdateWithTimeout: the time is for all attempts together.
func TestUpdateWithTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openWith(t, "a", "1")
		attempts := 0
		err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
			attempts++
			time.Sleep(400 * time.Millisecond)
			if err := tx.Put([]byte("a"), []byte("2")); err != nil {
				return err
			}
			put(t, m, "a", "other")
			return nil
		}, txnmgr.WithTimeout(time.Second), txnmgr.WithRetry(1_000_000))
		wantErr(t, "Update", err, txnmgr.ErrTimeout)
		want(t, "attempts", attempts, 3)
		want(t, "contents", contents(t, m), "a=other")
		want(t, "active", m.Stats().Active, 0)
	})
}

// TestContextDeadline: a deadline of the context is the context's error.
func TestContextDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openWith(t, "a", "1")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		tx, err := m.Begin(ctx, txnmgr.WithTimeout(time.Hour))
		wantErr(t, "Begin", err)
		time.Sleep(2 * time.Second)
		wantErr(t, "Commit", tx.Commit(), context.DeadlineExceeded, txnmgr.ErrTxnDone)
	})
}

// TestMaxAge: forgotten transactions end on their own, readers too, and pin
// nothing any more; the others go on.
func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, txnmgr.Options{MaxAge: time.Minute})
		put(t, m, "a", "1")
		r, w := beginRead(t, m), begin(t, m)
		wantErr(t, "Put", w.Put([]byte("a"), []byte("mine")))
		put(t, m, "a", "2")
		time.Sleep(40 * time.Second)
		young := begin(t, m)
		wantErr(t, "Put", young.Put([]byte("b"), []byte("2")))
		want(t, "active in between", m.Stats().Active, 3)
		time.Sleep(40 * time.Second)
		synctest.Wait()
		want(t, "active after", m.Stats().Active, 1)
		m.Purge()
		want(t, "versions", m.Stats().Versions, 1)
		isOverRead(t, r, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		isOver(t, w, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		wantErr(t, "Commit of the young one", young.Commit())
		want(t, "contents", contents(t, m), "a=2 b=2")
	})
}

// TestOldest: Stats shows the update transaction that has been open the longest.
func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, txnmgr.Options{RecordStacks: true})
		want(t, "nobody", m.Stats().Oldest, txnmgr.TxnInfo{})
		reader := beginRead(t, m, txnmgr.WithLabel("reader"))
		defer reader.Close()
		time.Sleep(time.Second)
		old := begin(t, m, txnmgr.WithLabel("old"))
		time.Sleep(time.Second)
		young := begin(t, m, txnmgr.WithLabel("young"))
		defer young.Rollback()
		time.Sleep(time.Second)
		info := m.Stats().Oldest
		want(t, "label", info.Label, "old")
		want(t, "age", info.Age, 2*time.Second)
		want(t, "snapshot", info.Snapshot, old.Snapshot())
		if !strings.Contains(info.Stack, "TestOldest") {
			t.Errorf("the stack does not show who began the transaction:\n%s", info.Stack)
		}
		wantErr(t, "Rollback", old.Rollback())
		want(t, "label of the next", m.Stats().Oldest.Label, "young")
	})
}
