package txnmgr_test

import (
	"context"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// isOver checks what every method of an ended update transaction says: its error
// matches all causes. It is I9 for Txn.
func isOver(t *testing.T, tx *txnmgr.Txn, causes ...error) {
	t.Helper()
	k := []byte("a")
	_, err := tx.Get(k)
	wantErr(t, "Get", err, causes...)
	wantErr(t, "Put", tx.Put(k, k), causes...)
	wantErr(t, "Insert", tx.Insert([]byte("new"), k), causes...)
	wantErr(t, "Delete", tx.Delete(k), causes...)
	want(t, "Scan", join(tx.Scan(nil, nil)), "")
	wantErr(t, "Err after Scan", tx.Err(), causes...)
	want(t, "ScanDescending", join(tx.ScanDescending(nil, nil)), "")
	wantErr(t, "Err after ScanDescending", tx.Err(), causes...)
	wantErr(t, "RollbackTo", tx.RollbackTo(tx.Savepoint()), causes...)
	tx.OnCommit(func(uint64) { t.Error("OnCommit after the end") })
	wantErr(t, "Commit", tx.Commit(), causes...)
	wantErr(t, "Rollback", tx.Rollback())
	wantErr(t, "Rollback again", tx.Rollback())
	wantErr(t, "Commit after Rollback", tx.Commit(), causes...)
}

// isOverRead checks what every method of an ended read-only transaction says.
func isOverRead(t *testing.T, tx txnmgr.ReadTxn, causes ...error) {
	t.Helper()
	_, err := tx.Get([]byte("a"))
	wantErr(t, "Get", err, causes...)
	_, err = tx.Get([]byte("none"))
	wantErr(t, "Get of an absent key", err, causes...)
	want(t, "Scan", join(tx.Scan(nil, nil)), "")
	want(t, "ScanDescending", join(tx.ScanDescending(nil, nil)), "")
	wantErr(t, "Err", tx.Err(), causes...)
	wantErr(t, "Close", tx.Close())
	wantErr(t, "Close again", tx.Close())
	wantErr(t, "Err after Close", tx.Err(), causes...)
}

// elsewhere runs f on a goroutine of its own.
func elsewhere(f func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
}

// TestUseAfterEnd: however a transaction ended, each further use says so, from
// whatever goroutine, and although its transaction object has a new user.
func TestUseAfterEnd(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *txnmgr.Manager, *txnmgr.Txn){
		"commit":           commitWrites,
		"commit unwritten": func(t *testing.T, _ *txnmgr.Manager, tx *txnmgr.Txn) { wantErr(t, "Commit", tx.Commit()) },
		"rollback":         rollBackWrites,
		"conflict":         loseConflict,
	} {
		t.Run(name, func(t *testing.T) {
			m := openWith(t, "a", "1")
			tx := begin(t, m)
			end(t, m, tx)
			next := begin(t, m)
			isOver(t, tx, txnmgr.ErrTxnDone)
			elsewhere(func() { isOver(t, tx, txnmgr.ErrTxnDone) })
			wantErr(t, "Put of the next", next.Put([]byte("b"), []byte("2")))
			wantErr(t, "Commit of the next", next.Commit())
			want(t, "active", m.Stats().Active, 0)
			want(t, "contents", contents(t, m), "a=1 b=2")
		})
	}
}

func commitWrites(t *testing.T, _ *txnmgr.Manager, tx *txnmgr.Txn) {
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("1")))
	wantErr(t, "Commit", tx.Commit())
}

func rollBackWrites(t *testing.T, _ *txnmgr.Manager, tx *txnmgr.Txn) {
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("9")))
	wantErr(t, "Rollback", tx.Rollback())
}

func loseConflict(t *testing.T, m *txnmgr.Manager, tx *txnmgr.Txn) {
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("9")))
	put(t, m, "a", "1")
	wantErr(t, "Commit", tx.Commit(), txnmgr.ErrConflict)
}

func TestReadUseAfterEnd(t *testing.T) {
	m := openWith(t, "a", "1")
	tx := beginRead(t, m)
	wantErr(t, "Close", tx.Close())
	next := beginRead(t, m)
	isOverRead(t, tx, txnmgr.ErrTxnDone)
	elsewhere(func() { isOverRead(t, tx, txnmgr.ErrTxnDone) })
	want(t, "scan of the next", join(next.Scan(nil, nil)), "a=1")
	wantErr(t, "Close of the next", next.Close())
	want(t, "active", m.Stats().Active, 0)
}

// TestEndWithinScan: a scan stops where its transaction ends, and says why.
func TestEndWithinScan(t *testing.T) {
	m := openWith(t, "a", "1", "b", "2")
	r, tx := beginRead(t, m), begin(t, m)
	n := 0
	for range r.Scan(nil, nil) {
		n++
		r.Close()
	}
	wantErr(t, "Err of the reader", r.Err(), txnmgr.ErrTxnDone)
	for range tx.ScanDescending(nil, nil) {
		n++
		wantErr(t, "Commit", tx.Commit())
	}
	wantErr(t, "Err of the update", tx.Err(), txnmgr.ErrTxnDone)
	want(t, "pairs", n, 2)
}

// TestZeroHandles: a handle that nothing began is one that is over.
func TestZeroHandles(t *testing.T) {
	isOverRead(t, txnmgr.ReadTxn{}, txnmgr.ErrTxnDone)
	want(t, "snapshot", txnmgr.ReadTxn{}.Snapshot(), 0)
	isOver(t, &txnmgr.Txn{}, txnmgr.ErrTxnDone)
	isOver(t, nil, txnmgr.ErrTxnDone)
}

// TestCloseWithTransactionsOpen: the next use of what was open matches ErrClosed
// and ErrTxnDone, and nothing begins any more.
func TestCloseWithTransactionsOpen(t *testing.T) {
	m := openWith(t, "a", "1")
	r, tx, labelled := beginRead(t, m), begin(t, m), beginRead(t, m, txnmgr.WithLabel("reader"))
	value, err := r.Get([]byte("a"))
	wantErr(t, "Get", err)
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
	wantErr(t, "Close", m.Close())
	wantErr(t, "Close again", m.Close())

	isOverRead(t, r, txnmgr.ErrClosed, txnmgr.ErrTxnDone)
	isOverRead(t, labelled, txnmgr.ErrClosed, txnmgr.ErrTxnDone)
	isOver(t, tx, txnmgr.ErrClosed, txnmgr.ErrTxnDone)
	elsewhere(func() { isOver(t, tx, txnmgr.ErrClosed, txnmgr.ErrTxnDone) })
	nothingBegins(t, m)
	want(t, "value", string(value), "1")
	want(t, "active", m.Stats().Active, 0)
	m.Purge()
}

func nothingBegins(t *testing.T, m *txnmgr.Manager) {
	t.Helper()
	ctx := context.Background()
	_, err := m.Begin(ctx)
	wantErr(t, "Begin", err, txnmgr.ErrClosed)
	_, err = m.BeginRead(ctx)
	wantErr(t, "BeginRead", err, txnmgr.ErrClosed)
	_, err = m.BeginRead(ctx, txnmgr.WithLabel("reader"))
	wantErr(t, "BeginRead with a label", err, txnmgr.ErrClosed)
	wantErr(t, "Update", m.Update(ctx, func(*txnmgr.Txn) error { return nil }), txnmgr.ErrClosed)
	wantErr(t, "View", m.View(ctx, func(txnmgr.ReadTxn) error { return nil }), txnmgr.ErrClosed)
}

// TestCloseWithinClosure: who closes the manager from within a transaction ends it.
func TestCloseWithinClosure(t *testing.T) {
	m := openWith(t, "a", "1")
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		wantErr(t, "Close", m.Close())
		wantErr(t, "Put", tx.Put([]byte("a"), nil), txnmgr.ErrClosed, txnmgr.ErrTxnDone)
		return nil
	})
	wantErr(t, "Update", err, txnmgr.ErrClosed, txnmgr.ErrTxnDone)

	m = openWith(t, "a", "1")
	err = m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		wantErr(t, "Close", m.Close())
		_, err := tx.Get([]byte("a"))
		return err
	})
	wantErr(t, "View", err, txnmgr.ErrClosed, txnmgr.ErrTxnDone)
}

// TestConcurrentClose: many may close at once while others begin and end.
func TestConcurrentClose(t *testing.T) {
	m := openWith(t, "a", "1")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
					return tx.Put([]byte("a"), []byte("2"))
				})
				if err != nil {
					wantErr(t, "Update", err, txnmgr.ErrClosed)
					return
				}
			}
		})
		wg.Go(func() {
			for {
				err := m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
					_, err := tx.Get([]byte("a"))
					return err
				})
				if err != nil {
					wantErr(t, "View", err, txnmgr.ErrClosed)
					return
				}
			}
		})
		wg.Go(func() { wantErr(t, "Close", m.Close()) })
	}
	wg.Wait()
	want(t, "active", m.Stats().Active, 0)
}

// TestRepeatedEnds: only the first end counts, and says nothing but once.
func TestRepeatedEnds(t *testing.T) {
	m := openWith(t, "a", "1")
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
	wantErr(t, "Commit", tx.Commit())
	wantErr(t, "second Commit", tx.Commit(), txnmgr.ErrTxnDone)
	wantErr(t, "Rollback after Commit", tx.Rollback())
	want(t, "contents", contents(t, m), "a=2")

	tx = begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("3")))
	wantErr(t, "Rollback", tx.Rollback())
	wantErr(t, "second Rollback", tx.Rollback())
	wantErr(t, "Commit after Rollback", tx.Commit(), txnmgr.ErrTxnDone)
	want(t, "contents", contents(t, m), "a=2")
	stats := m.Stats()
	want(t, "committed", stats.Committed, 2)
	want(t, "rolled back", stats.RolledBack, 1)
}

// TestReadDuringForcedEnd: a transaction that is ended, and whose versions are
// purged, in the middle of a read never says that a key which its snapshot shows
// is absent.
func TestReadDuringForcedEnd(t *testing.T) {
	for range rounds(3_000) {
		m := openWith(t, "a", "1", "b", "2")
		readers := map[string]txnmgr.Reader{"read-only": beginRead(t, m), "update": begin(t, m)}
		wantErr(t, "Delete", m.Update(t.Context(), func(tx *txnmgr.Txn) error {
			return tx.Delete([]byte("a"))
		}))
		var all sync.WaitGroup
		for name, r := range readers {
			all.Go(func() {
				var err error
				for key := "a"; err == nil; key = string('a' + 'b' - key[0]) { // each time another object
					_, err = r.Get([]byte(key))
				}
				wantErr(t, name, err, txnmgr.ErrClosed)
			})
		}
		m.Close()
		m.Purge()
		all.Wait()
	}
}
