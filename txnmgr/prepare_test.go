package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// prepared begins a transaction that reads and puts keys, given in turn, and prepares
// it under its label.
func prepared(t *testing.T, m *txnmgr.Manager, xid string, reads, puts []string) *txnmgr.Txn {
	t.Helper()
	tx := begin(t, m, txnmgr.WithLabel("label of "+xid))
	for _, key := range reads {
		if _, err := tx.Get([]byte(key)); err != nil && !errors.Is(err, txnmgr.ErrNotFound) {
			t.Fatal(err)
		}
	}
	for _, key := range puts {
		wantErr(t, "Put", tx.Put([]byte(key), []byte(xid)))
	}
	wantErr(t, "Prepare", tx.Prepare(context.Background(), xid))
	return tx
}

// isPrepared checks what every method of a prepared transaction says, but for Commit
// and Rollback.
func isPrepared(t *testing.T, tx *txnmgr.Txn) {
	t.Helper()
	ctx, k := context.Background(), []byte("a")
	_, err := tx.Get(k)
	wantErr(t, "Get", err, txnmgr.ErrPrepared)
	_, err = tx.GetForUpdate(ctx, k)
	wantErr(t, "GetForUpdate", err, txnmgr.ErrPrepared)
	wantErr(t, "Lock", tx.Lock(ctx, k, txnmgr.ForShare), txnmgr.ErrPrepared)
	wantErr(t, "Put", tx.Put(k, k), txnmgr.ErrPrepared)
	wantErr(t, "Insert", tx.Insert([]byte("new"), k), txnmgr.ErrPrepared)
	wantErr(t, "Delete", tx.Delete(k), txnmgr.ErrPrepared)
	want(t, "Scan", join(tx.Scan(nil, nil)), "")
	wantErr(t, "Err after Scan", tx.Err(), txnmgr.ErrPrepared)
	want(t, "ScanDescending", join(tx.ScanDescending(nil, nil)), "")
	wantErr(t, "Err after ScanDescending", tx.Err(), txnmgr.ErrPrepared)
	wantErr(t, "RollbackTo", tx.RollbackTo(tx.Savepoint()), txnmgr.ErrPrepared)
	wantErr(t, "Prepare again", tx.Prepare(ctx, "again"), txnmgr.ErrPrepared)
	tx.OnCommit(func(uint64) { t.Error("OnCommit after Prepare") })
}

// TestPreparedIsIdle: it can only be finished, has given its slot back, and keeps
// nothing from being purged.
func TestPreparedIsIdle(t *testing.T) {
	m := openWith(t, "a", "1", "b", "1")
	tx := prepared(t, m, "x", []string{"b", "none"}, []string{"a"})
	isPrepared(t, tx)
	stats := m.Stats()
	want(t, "active", stats.Active, 0)
	want(t, "prepared", stats.Prepared, 1)
	want(t, "oldest", stats.Oldest, txnmgr.TxnInfo{})
	want(t, "oldest snapshot", stats.OldestSnapshot, stats.Visible)
	for range 10 {
		put(t, m, "c", "1")
	}
	m.Purge()
	want(t, "versions", m.Stats().Versions, 3)
	isPrepared(t, tx)
	wantErr(t, "Commit", tx.Commit())
	isOver(t, tx, txnmgr.ErrTxnDone)
	wantErr(t, "Prepare after Commit", tx.Prepare(context.Background(), "x"), txnmgr.ErrTxnDone)
	want(t, "contents", contents(t, m), "a=x b=1 c=1")
	idle(t, m)
}

// TestPreparedInfo: Prepared tells everything about it.
func TestPreparedInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := open(t, txnmgr.Options{}), context.Background()
		begun := time.Now()
		prepared(t, m, "x", nil, []string{"b", "a", "c"})
		time.Sleep(time.Second)
		tx := begin(t, m)
		wantErr(t, "Delete", tx.Delete([]byte("d")))
		wantErr(t, "Prepare", tx.Prepare(ctx, "y", txnmgr.WithLimit(time.Minute)))
		infos := m.Prepared()
		want(t, "how many", len(infos), 2)
		x, y := infos[0], infos[1]
		want(t, "xids", x.XID+y.XID, "xy")
		want(t, "labels", x.Label+","+y.Label, "label of x,")
		want(t, "since", x.Since, begun)
		want(t, "since", y.Since, begun.Add(time.Second))
		want(t, "limits", fmt.Sprint(x.Limit, y.Limit), "0s 1m0s")
		want(t, "keys", fmt.Sprintf("%s %s", x.Keys, y.Keys), "[a b c] [d]")
		wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"))
		wantErr(t, "RollbackPrepared", m.RollbackPrepared(ctx, "y"))
		want(t, "how many", len(m.Prepared()), 0)
		idle(t, m)
	})
}

// TestPrepareBadInput: what makes no sense changes nothing.
func TestPrepareBadInput(t *testing.T) {
	var none context.Context
	m, ctx := openWith(t, "a", "1"), context.Background()
	prepared(t, m, "taken", nil, []string{"b"})
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
	wantErr(t, "no context", tx.Prepare(none, "x"), txnmgr.ErrNilContext)
	wantErr(t, "no xid", tx.Prepare(ctx, ""), txnmgr.ErrBadOption)
	wantErr(t, "nil option", tx.Prepare(ctx, "x", nil), txnmgr.ErrBadOption)
	wantErr(t, "no limit", tx.Prepare(ctx, "x", txnmgr.WithLimit(0)), txnmgr.ErrBadOption)
	wantErr(t, "negative limit", tx.Prepare(ctx, "x", txnmgr.WithLimit(-time.Second)), txnmgr.ErrBadOption)
	wantErr(t, "xid of another", tx.Prepare(ctx, "taken"), txnmgr.ErrXIDInUse)
	want(t, "prepared", managedStore{m}.Prepared(), "taken=label of taken(b)")
	value, err := tx.Get([]byte("a"))
	wantErr(t, "Get", err)
	want(t, "value", string(value), "2")
	wantErr(t, "Prepare", tx.Prepare(ctx, "x"))
	wantErr(t, "Commit", tx.Commit())

	for name, finish := range map[string]func(context.Context, string) error{"commit": m.CommitPrepared, "rollback": m.RollbackPrepared} {
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		wantErr(t, name+" without a context", finish(none, "taken"), txnmgr.ErrNilContext)
		wantErr(t, name+", cancelled", finish(cancelled, "taken"), context.Canceled)
		wantErr(t, name+" of x", finish(ctx, "x"), txnmgr.ErrUnknownXID)
		wantErr(t, name+" of no xid", finish(ctx, ""), txnmgr.ErrUnknownXID)
	}
	wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "taken"))
	want(t, "contents", contents(t, m), "a=2 b=taken")
	idle(t, m)
}

// TestPrepareCancelledBeforehand ends the transaction, as a Commit would.
func TestPrepareCancelledBeforehand(t *testing.T) {
	m := openWith(t, "a", "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
	wantErr(t, "Prepare", tx.Prepare(ctx, "x"), context.Canceled, txnmgr.ErrTxnDone)
	_, err := tx.Get([]byte("a"))
	wantErr(t, "Get", err, context.Canceled, txnmgr.ErrTxnDone)
	wantErr(t, "Commit", tx.Commit(), context.Canceled, txnmgr.ErrTxnDone)
	want(t, "rolled back", m.Stats().RolledBack, 1)
	idle(t, m)
}

// TestPrepareManaged: Update commits by itself, so Prepare within it does nothing.
func TestPrepareManaged(t *testing.T) {
	m, ctx := openWith(t, "a", "1"), context.Background()
	wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
		wantErr(t, "Prepare", tx.Prepare(ctx, "x"), txnmgr.ErrManaged)
		return tx.Lock(ctx, []byte("b"), txnmgr.ForShare)
	}))
	want(t, "contents", contents(t, m), "a=2")
	wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"), txnmgr.ErrUnknownXID)
	idle(t, m)
}

// TestPrepareCounts: a prepared transaction counts when it is finished, but one that
// wrote nothing, of which nothing is left to decide, at once.
func TestPrepareCounts(t *testing.T) {
	m, ctx := openWith(t, "a", "1"), context.Background()
	before := m.Stats()
	commit := prepared(t, m, "commit", nil, []string{"a"})
	rollback := prepared(t, m, "rollback", nil, []string{"b"})
	prepared(t, m, "commit by xid", nil, []string{"c"})
	prepared(t, m, "rollback by xid", nil, []string{"d"})
	prepared(t, m, "nothing", []string{"e"}, nil)
	between := m.Stats()
	want(t, "prepared", between.Prepared, 5)
	want(t, "commits", between.Committed, before.Committed)
	want(t, "rolled back", between.RolledBack, before.RolledBack)
	want(t, "read-only commits", between.CommittedReadOnly, before.CommittedReadOnly+1) // nothing left to decide
	wantErr(t, "Commit", commit.Commit())
	wantErr(t, "Rollback", rollback.Rollback())
	wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "commit by xid"))
	wantErr(t, "RollbackPrepared", m.RollbackPrepared(ctx, "rollback by xid"))
	wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "nothing"))
	after := m.Stats()
	want(t, "prepared", after.Prepared, 0)
	want(t, "commits", after.Committed, before.Committed+2)
	want(t, "rolled back", after.RolledBack, before.RolledBack+2)
	want(t, "read-only commits", after.CommittedReadOnly, before.CommittedReadOnly+1)
	want(t, "begun", after.Begun, before.Begun+5)
	idle(t, m)
}

// TestPreparedTimestamp: it is drawn at the finish, so a commit that comes between has
// a smaller one, is visible at once, and did not wait. OnCommit runs where the finish
// is called, with that timestamp.
func TestPreparedTimestamp(t *testing.T) {
	for name, finish := range map[string]func(*txnmgr.Manager, *txnmgr.Txn) error{
		"handle": func(_ *txnmgr.Manager, tx *txnmgr.Txn) error { return tx.Commit() },
		"xid":    func(m *txnmgr.Manager, _ *txnmgr.Txn) error { return m.CommitPrepared(context.Background(), "x") },
	} {
		t.Run(name, func(t *testing.T) {
			m := openWith(t, "a", "1")
			var at []uint64
			note := func(ts uint64) { at = append(at, ts) }
			slow := begin(t, m)
			slow.OnCommit(note)
			wantErr(t, "Put", slow.Put([]byte("a"), []byte("slow")))
			wantErr(t, "Prepare", slow.Prepare(context.Background(), "x"))
			quick := begin(t, m)
			quick.OnCommit(note)
			wantErr(t, "Put", quick.Put([]byte("b"), []byte("quick")))
			wantErr(t, "Commit", quick.Commit())
			want(t, "contents", contents(t, m), "a=1 b=quick")
			want(t, "visible", m.Stats().Visible, at[0])
			elsewhere(func() { wantErr(t, "the finish", finish(m, slow)) })
			want(t, "calls of OnCommit", len(at), 2)
			if at[1] <= at[0] {
				t.Errorf("committed at %d, and what came before at %d", at[1], at[0])
			}
			want(t, "contents", contents(t, m), "a=slow b=quick")
			idle(t, m)
		})
	}
}

// TestPreparedOnCommitForgotten: no function of a transaction that was rolled back runs.
func TestPreparedOnCommitForgotten(t *testing.T) {
	m, ctx := open(t, txnmgr.Options{}), context.Background()
	for _, end := range []func(tx *txnmgr.Txn) error{
		(*txnmgr.Txn).Rollback,
		func(*txnmgr.Txn) error { return m.RollbackPrepared(ctx, "x") },
	} {
		tx := begin(t, m)
		tx.OnCommit(func(uint64) { t.Error("OnCommit without a commit") })
		wantErr(t, "Put", tx.Put([]byte("a"), nil))
		wantErr(t, "Prepare", tx.Prepare(ctx, "x"))
		wantErr(t, "the end", end(tx))
	}
	idle(t, m)
}

// TestPreparedHoldsNobodyUp: while some clients sit between vote and finish, everybody
// who wants nothing of theirs goes on, readers too.
func TestPreparedHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "a", "1"), context.Background()
		for i := range 100 {
			prepared(t, m, fmt.Sprint("x", i), []string{fmt.Sprint("read", i)}, []string{fmt.Sprint("write", i)})
		}
		begun := time.Now()
		for i := range 100 {
			put(t, m, "a", fmt.Sprint(i))
			want(t, "contents", contents(t, m), fmt.Sprintf("a=%d", i))
		}
		want(t, "it took", time.Since(begun), 0)
		want(t, "waits", m.Stats().Waits, 0)
		for i := range 100 {
			wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, fmt.Sprint("x", i)))
		}
		idle(t, m)
	})
}

// TestPreparedFinishedOnce: of many who finish one transaction at the same time, in
// whatever way, one does.
func TestPreparedFinishedOnce(t *testing.T) {
	m, ctx := open(t, txnmgr.Options{}), context.Background()
	for range 200 {
		tx := prepared(t, m, "x", []string{"a"}, []string{"b"})
		var mu sync.Mutex
		var all sync.WaitGroup
		done := map[string]int{}
		for name, finish := range map[string]func() error{
			"commit":   tx.Commit, // which the handle is for one goroutine at a time
			"commit 1": func() error { return m.CommitPrepared(ctx, "x") },
			"commit 2": func() error { return m.CommitPrepared(ctx, "x") },
			"rollback": func() error { return m.RollbackPrepared(ctx, "x") },
		} {
			all.Go(func() {
				err := finish()
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done[name]++
				case !errors.Is(err, txnmgr.ErrUnknownXID) && !errors.Is(err, txnmgr.ErrTxnDone):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		want(t, fmt.Sprintf("finishes %v", done), len(done), 1)
		isOver(t, tx, txnmgr.ErrTxnDone)
	}
	idle(t, m)
}

// TestPreparedLimit: whoever finishes in time has finished, and else the limit has.
func TestPreparedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "a", "1"), context.Background()
		before := m.Stats()
		tx := begin(t, m)
		tx.OnCommit(func(uint64) { t.Error("OnCommit without a commit") })
		_, err := tx.Get([]byte("b"))
		wantErr(t, "Get", err, txnmgr.ErrNotFound)
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
		wantErr(t, "Prepare", tx.Prepare(ctx, "x", txnmgr.WithLimit(time.Minute)))
		writer := begin(t, m)
		wantErr(t, "Put", writer.Put([]byte("b"), []byte("2")))
		commit := start("Commit", writer.Commit)
		time.Sleep(time.Minute - time.Nanosecond)
		commit.waits(t)
		isPrepared(t, tx)
		time.Sleep(time.Nanosecond)
		commit.returns(t)
		isOver(t, tx, txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		wantErr(t, "Prepare", tx.Prepare(ctx, "x"), txnmgr.ErrTimeout, txnmgr.ErrTxnDone)
		wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"), txnmgr.ErrUnknownXID)
		after := m.Stats()
		want(t, "prepared", after.Prepared, 0)
		want(t, "rolled back", after.RolledBack, before.RolledBack+1)
		want(t, "read-only commits", after.CommittedReadOnly, before.CommittedReadOnly)
		want(t, "contents", contents(t, m), "a=1 b=2")
		idle(t, m)
	})
}

// TestPreparedLimitAndFinish: the limit and a finish at the same time.
func TestPreparedLimitAndFinish(t *testing.T) {
	m, ctx := open(t, txnmgr.Options{}), context.Background()
	committed := 0
	for i := range 200 {
		tx := begin(t, m)
		wantErr(t, "Put", tx.Put([]byte("a"), nil))
		wantErr(t, "Prepare", tx.Prepare(ctx, "x", txnmgr.WithLimit(time.Duration(1+i)*time.Microsecond)))
		switch err := m.CommitPrepared(ctx, "x"); {
		case err == nil:
			committed++
		case !errors.Is(err, txnmgr.ErrUnknownXID):
			t.Errorf("CommitPrepared: %v", err)
		}
	}
	want(t, "commits", m.Stats().Committed, uint64(committed))
	want(t, "rolled back", m.Stats().RolledBack, uint64(200-committed))
	idle(t, m)
}

// TestPreparedForEver: without a limit nothing ends it, not even MaxAge.
func TestPreparedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, txnmgr.Options{MaxAge: time.Second})
		ctx, cancel := context.WithCancel(context.Background())
		tx, err := m.Begin(ctx, txnmgr.WithTimeout(time.Second))
		wantErr(t, "Begin", err)
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("1")))
		wantErr(t, "Lock", tx.Lock(ctx, []byte("b"), txnmgr.ForUpdate))
		wantErr(t, "Prepare", tx.Prepare(ctx, "x"))
		cancel()
		time.Sleep(time.Minute)
		isPrepared(t, tx)
		want(t, "locks", managedStore{m}.Locks(), "a: x/ (update); b: x/ (update)")
		wantErr(t, "Commit", tx.Commit())
		want(t, "contents", contents(t, m), "a=1")
		idle(t, m)
	})
}

// TestClosePrepared: what is prepared stays listed after Close, and is finished by
// nobody any more, not by its limit either. Who waits for it is told.
func TestClosePrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "a", "1", "b", "1"), context.Background()
		x := prepared(t, m, "x", []string{"a"}, []string{"b"})
		y := begin(t, m)
		wantErr(t, "Put", y.Put([]byte("c"), nil))
		wantErr(t, "Prepare", y.Prepare(ctx, "y", txnmgr.WithLimit(time.Hour)))
		behindRead, behindWrite, second := begin(t, m), begin(t, m), begin(t, m)
		wantErr(t, "Put", behindRead.Put([]byte("a"), nil))
		wantErr(t, "Put", behindWrite.Put([]byte("b"), nil))
		wantErr(t, "Put", second.Put([]byte("a"), nil))
		calls := []*call{
			start("Commit behind a read", behindRead.Commit),
			start("Commit behind a write", behindWrite.Commit),
			start("Prepare behind a read", func() error { return second.Prepare(ctx, "z") }),
		}
		for _, c := range calls {
			c.waits(t)
		}
		wantErr(t, "Close", m.Close())
		for _, c := range calls {
			c.returns(t, txnmgr.ErrClosed, txnmgr.ErrTxnDone)
		}
		time.Sleep(2 * time.Hour)
		want(t, "prepared", managedStore{m}.Prepared(), "x=label of x(b), y=(c) within 1h0m0s")
		wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"), txnmgr.ErrClosed)
		wantErr(t, "RollbackPrepared", m.RollbackPrepared(ctx, "x"), txnmgr.ErrClosed)
		wantErr(t, "CommitPrepared of an unknown one", m.CommitPrepared(ctx, "z"), txnmgr.ErrUnknownXID)
		wantErr(t, "Commit", x.Commit(), txnmgr.ErrClosed)
		wantErr(t, "Rollback", y.Rollback(), txnmgr.ErrClosed)
		isPrepared(t, x)
		want(t, "prepared", m.Stats().Prepared, 2)
		want(t, "active", m.Stats().Active, 0)
	})
}

// TestPrepareAgainstClose: a Prepare that runs while the manager is closed either
// succeeds or says so, and what succeeded is listed.
func TestPrepareAgainstClose(t *testing.T) {
	ctx := context.Background()
	for range 100 {
		m := open(t, txnmgr.Options{})
		var all sync.WaitGroup
		listed := map[string]error{}
		var mu sync.Mutex
		for i := range 4 {
			tx, xid := begin(t, m), fmt.Sprint("x", i)
			wantErr(t, "Put", tx.Put([]byte(xid), nil))
			all.Go(func() {
				err := tx.Prepare(ctx, xid)
				mu.Lock()
				defer mu.Unlock()
				listed[xid] = err
			})
		}
		wantErr(t, "Close", m.Close())
		all.Wait()
		infos := m.Prepared()
		for xid, err := range listed {
			if err != nil {
				wantErr(t, "Prepare", err, txnmgr.ErrClosed)
				continue
			}
			found := false
			for _, p := range infos {
				found = found || p.XID == xid
			}
			want(t, xid+" is listed", found, true)
		}
	}
}
