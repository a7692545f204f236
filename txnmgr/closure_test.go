package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

var errOwn = errors.New("the function's own error")

// TestClosurePanics: the transaction is rolled back and the panic goes on, from
// wherever it comes.
func TestClosurePanics(t *testing.T) {
	m, ctx := openWith(t, "a", "1"), context.Background()
	for name, run := range map[string]func(){
		"update": func() {
			m.Update(ctx, func(tx *txnmgr.Txn) error {
				wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
				panic(errOwn)
			})
		},
		"update in a scan": func() {
			m.Update(ctx, func(tx *txnmgr.Txn) error {
				wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
				for range tx.Scan(nil, nil) {
					panic(errOwn)
				}
				return nil
			})
		},
		"view": func() { m.View(ctx, func(txnmgr.ReadTxn) error { panic(errOwn) }) },
		"view in a scan": func() {
			m.View(ctx, func(tx txnmgr.ReadTxn) error {
				for range tx.ScanDescending(nil, nil) {
					panic(errOwn)
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := recovered(run); got != errOwn {
				t.Errorf("recovered %v, want %v", got, errOwn)
			}
			want(t, "active", m.Stats().Active, 0)
			want(t, "contents", contents(t, m), "a=1")
		})
	}
}

// recovered returns what f panics with.
func recovered(f func()) (what any) {
	defer func() { what = recover() }()
	f()
	return nil
}

// TestClosureGoexit: a goroutine that ends within a transaction ends that too.
func TestClosureGoexit(t *testing.T) {
	m, ctx := openWith(t, "a", "1"), context.Background()
	elsewhere(func() {
		m.Update(ctx, func(tx *txnmgr.Txn) error {
			wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
			runtime.Goexit()
			return nil
		})
		t.Error("Update returned after Goexit")
	})
	elsewhere(func() {
		m.View(ctx, func(txnmgr.ReadTxn) error {
			runtime.Goexit()
			return nil
		})
		t.Error("View returned after Goexit")
	})
	want(t, "active", m.Stats().Active, 0)
	want(t, "contents", contents(t, m), "a=1")
}

// TestClosureError: Update and View return the function's error as it is.
func TestClosureError(t *testing.T) {
	m, ctx := openWith(t, "a", "1"), context.Background()
	err := m.Update(ctx, func(tx *txnmgr.Txn) error {
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
		return errOwn
	})
	want(t, "error of Update", err, errOwn)
	err = m.View(ctx, func(txnmgr.ReadTxn) error { return errOwn })
	want(t, "error of View", err, errOwn)
	want(t, "contents", contents(t, m), "a=1")
	want(t, "active", m.Stats().Active, 0)
}

// TestManaged: who calls Commit or Rollback within Update is told so, and nothing
// changes: Update still commits.
func TestManaged(t *testing.T) {
	m := openWith(t, "a", "1")
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
		wantErr(t, "Commit", tx.Commit(), txnmgr.ErrManaged)
		wantErr(t, "Rollback", tx.Rollback(), txnmgr.ErrManaged)
		want(t, "others see", contents(t, m), "a=1")
		wantErr(t, "Put after", tx.Put([]byte("b"), []byte("2")))
		return nil
	})
	wantErr(t, "Update", err)
	want(t, "contents", contents(t, m), "a=2 b=2")
}

// TestHandlesOutliveClosures: a handle that was carried out of Update or View is
// one that is over (I9).
func TestHandlesOutliveClosures(t *testing.T) {
	m, ctx := openWith(t, "a", "1"), context.Background()
	var committed, failed *txnmgr.Txn
	wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
		committed = tx
		return tx.Put([]byte("a"), []byte("2"))
	}))
	wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
		failed = tx
		return errOwn
	}), errOwn)
	isOver(t, committed, txnmgr.ErrTxnDone)
	isOver(t, failed, txnmgr.ErrTxnDone)

	var read txnmgr.ReadTxn
	wantErr(t, "View", m.View(ctx, func(tx txnmgr.ReadTxn) error {
		read = tx
		return nil
	}))
	isOverRead(t, read, txnmgr.ErrTxnDone)
	wantErr(t, "View", m.View(ctx, func(tx txnmgr.ReadTxn) error {
		wantErr(t, "Close", tx.Close())
		isOverRead(t, tx, txnmgr.ErrTxnDone)
		return nil
	}))
	want(t, "contents", contents(t, m), "a=2")
	want(t, "active", m.Stats().Active, 0)
}

// conflicting runs an Update whose first attempts, as many as given, each lose a
// conflict. It returns how many attempts there were.
func conflicting(m *txnmgr.Manager, lose int, opts ...txnmgr.TxnOption) (attempts int, err error) {
	ctx := context.Background()
	err = m.Update(ctx, func(tx *txnmgr.Txn) error {
		attempts++
		if attempts <= lose {
			err := m.Update(ctx, func(other *txnmgr.Txn) error {
				return other.Put([]byte("k"), []byte("other"))
			})
			if err != nil {
				return err
			}
		}
		if err := tx.Insert(fmt.Appendf(nil, "attempt %d", attempts), nil); err != nil {
			return err
		}
		return tx.Put([]byte("k"), []byte("own"))
	}, opts...)
	return attempts, err
}

// TestRetry: further attempts are as many as asked for, and only the last stays.
func TestRetry(t *testing.T) {
	for _, c := range []struct {
		name           string
		opts           txnmgr.Options
		retry          []txnmgr.TxnOption
		lose, attempts int
		err            []error
	}{
		{"none needed", txnmgr.Options{}, nil, 0, 1, nil},
		{"one needed", txnmgr.Options{}, nil, 1, 2, nil},
		{"none allowed", txnmgr.Options{}, []txnmgr.TxnOption{txnmgr.WithRetry(0)}, 9, 1, []error{txnmgr.ErrConflict}},
		{"as many as needed", txnmgr.Options{}, []txnmgr.TxnOption{txnmgr.WithRetry(3)}, 3, 4, nil},
		{"one too few", txnmgr.Options{}, []txnmgr.TxnOption{txnmgr.WithRetry(2)}, 3, 3, []error{txnmgr.ErrConflict}},
		{"the manager's default", txnmgr.Options{Retries: 1}, nil, 9, 2, []error{txnmgr.ErrConflict}},
		{"more than the default", txnmgr.Options{Retries: 1}, []txnmgr.TxnOption{txnmgr.WithRetry(5)}, 9, 6, []error{txnmgr.ErrConflict}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := open(t, c.opts)
			attempts, err := conflicting(m, c.lose, c.retry...)
			wantErr(t, "Update", err, c.err...)
			want(t, "attempts", attempts, c.attempts)
			stats := m.Stats()
			want(t, "retries", stats.Retries, uint64(c.attempts-1))
			want(t, "conflicts", stats.Conflicts, uint64(min(c.lose, c.attempts)))
			want(t, "active", stats.Active, 0)
			if c.err == nil {
				want(t, "contents", contents(t, m), fmt.Sprintf("attempt %d= k=own", attempts))
			}
		})
	}
}

// TestRetryIsBounded: the default gives up too.
func TestRetryIsBounded(t *testing.T) {
	attempts, err := conflicting(open(t, txnmgr.Options{}), 1<<30)
	wantErr(t, "Update", err, txnmgr.ErrConflict)
	if attempts < 2 || attempts > 1000 {
		t.Errorf("%d attempts", attempts)
	}
}

// TestOnCommit: each function runs once, in order, with the commit timestamp,
// before Commit returns, and when others can see the commit (I4).
func TestOnCommit(t *testing.T) {
	m := openWith(t, "a", "1")
	tx := begin(t, m)
	var order []string
	var at uint64
	note := func(name string) func(uint64) {
		return func(ts uint64) {
			order = append(order, name)
			at = ts
			want(t, "others see", contents(t, m), "a=2")
		}
	}
	tx.OnCommit(note("first"))
	tx.OnCommit(nil)
	sp := tx.Savepoint()
	tx.OnCommit(note("kept by no rollback"))
	wantErr(t, "RollbackTo", tx.RollbackTo(sp))
	tx.OnCommit(note("second"))
	snapshot := tx.Snapshot()
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
	wantErr(t, "Commit", tx.Commit())
	want(t, "functions run", fmt.Sprint(order), fmt.Sprint([]string{"first", "second"}))
	r := beginRead(t, m)
	defer r.Close()
	if at <= snapshot || r.Snapshot() < at {
		t.Errorf("snapshot %d, commit timestamp %d, snapshot after it %d", snapshot, at, r.Snapshot())
	}
}

// TestOnCommitForgotten: no function of a transaction that failed runs.
func TestOnCommitForgotten(t *testing.T) {
	m, ctx := openWith(t, "k", "1"), context.Background()
	never := func(uint64) { t.Error("OnCommit without a commit") }
	tx := begin(t, m)
	tx.OnCommit(never)
	wantErr(t, "Rollback", tx.Rollback())

	tx = begin(t, m)
	tx.OnCommit(never)
	loseConflict(t, m, tx)

	wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
		tx.OnCommit(never)
		return errOwn
	}), errOwn)

	var ran []int
	attempt := 0
	wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
		attempt++
		this := attempt
		tx.OnCommit(func(uint64) { ran = append(ran, this) })
		if attempt < 3 {
			put(t, m, "k", "other")
		}
		return tx.Put([]byte("k"), []byte("own"))
	}))
	if !slices.Equal(ran, []int{3}) {
		t.Errorf("OnCommit ran for attempts %v, want only for the third", ran)
	}
}

// TestOnCommitPanics: the commit stands, and the panic goes on.
func TestOnCommitPanics(t *testing.T) {
	m := open(t, txnmgr.Options{})
	got := recovered(func() {
		m.Update(context.Background(), func(tx *txnmgr.Txn) error {
			tx.OnCommit(func(uint64) { panic(errOwn) })
			return tx.Put([]byte("a"), []byte("1"))
		})
	})
	if got != errOwn {
		t.Errorf("recovered %v, want %v", got, errOwn)
	}
	want(t, "contents", contents(t, m), "a=1")
	want(t, "active", m.Stats().Active, 0)
}

// TestOnCommitUsesTheTransaction: it is over by then.
func TestOnCommitUsesTheTransaction(t *testing.T) {
	m := open(t, txnmgr.Options{})
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("1")))
	tx.OnCommit(func(uint64) { isOver(t, tx, txnmgr.ErrTxnDone) })
	wantErr(t, "Commit", tx.Commit())
}

// TestSavepointsOfOthers: a savepoint is good only in its own transaction, and
// only until a rollback to an earlier one.
func TestSavepointsOfOthers(t *testing.T) {
	m := open(t, txnmgr.Options{})
	tx, other := begin(t, m), begin(t, m)
	defer tx.Rollback()
	defer other.Rollback()
	wantErr(t, "another's", tx.RollbackTo(other.Savepoint()), txnmgr.ErrBadSavepoint)
	wantErr(t, "the zero one", tx.RollbackTo(txnmgr.Savepoint{}), txnmgr.ErrBadSavepoint)
	outer := tx.Savepoint()
	inner := tx.Savepoint()
	wantErr(t, "outer", tx.RollbackTo(outer))
	wantErr(t, "inner", tx.RollbackTo(inner), txnmgr.ErrBadSavepoint)
	wantErr(t, "outer again", tx.RollbackTo(outer))
	tx.Savepoint() // takes the place of inner, and must not be taken for it
	wantErr(t, "inner again", tx.RollbackTo(inner), txnmgr.ErrBadSavepoint)
}
