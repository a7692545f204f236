package txnmgr_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestGroupCommit: what comes while the disk is at work goes to it together, with one
// write and one sync, however many commits that are.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files, goOn := faultfs.New(), make(chan struct{})
		m, err := txnmgr.Open(fsys.With(context.Background(), files), txnmgr.Options{
			Dir: "store", Engine: memstore.Open(memstore.Options{}), LogBytes: 1 << 20,
		})
		wantErr(t, "Open", err)
		var writes, syncs atomic.Int32
		files.Fail(func(op faultfs.Op, name string) error {
			switch {
			case !strings.HasSuffix(name, ".log"):
			case op == faultfs.Write:
				writes.Inc()
			case op == faultfs.Datasync:
				syncs.Inc()
				<-goOn
			}
			return nil
		})
		before := m.Stats()
		var commits []*call
		for i := range 30 {
			commits = append(commits, start("Update", putWith(m, fmt.Sprint(i))))
		}
		for _, c := range commits {
			c.waits(t)
		}
		close(goOn)
		for _, c := range commits {
			c.returns(t)
		}
		want(t, "writes", writes.Load(), 2)
		want(t, "syncs", syncs.Load(), 2)
		after := m.Stats()
		want(t, "syncs that are counted", after.LogSyncs-before.LogSyncs, 2)
		want(t, "commits", after.Committed-before.Committed, 30)
		wantErr(t, "Close", m.Close())
	})
}

// heldEngine applies no changes before goOn is closed.
type heldEngine struct {
	*memstore.Store
	goOn chan struct{}
}

func (e *heldEngine) Apply(changes []storage.Change, mark storage.Mark) error {
	if len(changes) > 0 {
		<-e.goOn
	}
	return e.Store.Apply(changes, mark)
}

// TestThrottle: commits wait, in their order and before they have locked anything, as
// soon as the object store lacks more than the budget. That shows in the figures; who
// gives up has done nothing; readers go on; and when the object store has caught up
// everybody is served.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 64 << 10
		e := &heldEngine{memstore.Open(memstore.Options{}), make(chan struct{})}
		m, err := txnmgr.Open(fsys.With(context.Background(), faultfs.New()), txnmgr.Options{Dir: "store", Engine: e, LogBytes: budget})
		wantErr(t, "Open", err)
		write := func(ctx context.Context, key string, size int) *call {
			return start("Update of "+key, func() error {
				return m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Put([]byte(key), make([]byte, size)) })
			})
		}
		ctx, cancel := context.WithCancel(context.Background())
		for i := range 6 {
			write(ctx, fmt.Sprint(i), 10_000).returns(t)
		}
		large := write(ctx, "large", 5*budget)
		impatient, cancelled := context.WithCancel(ctx)
		waiting := []*call{large, write(impatient, "gives up", 10_000), write(ctx, "small", 1)}
		for _, c := range waiting {
			c.waits(t)
		}
		st := m.Stats()
		want(t, "Throttled", st.Throttled, 3)
		want(t, "Throttling", st.Throttling, 3)
		want(t, "within the budget", st.Unapplied > 60_000 && st.Unapplied <= budget, true)
		want(t, "locks", len(m.Locks()), 0)
		want(t, "keys", len(readAll(t, m).values), 6)
		cancelled()
		<-waiting[1].done
		waiting[1].returns(t, context.Canceled, txnmgr.ErrTxnDone)
		close(e.goOn)
		<-large.done
		<-waiting[2].done
		large.returns(t)
		waiting[2].returns(t)
		want(t, "Throttling at last", m.Stats().Throttling, 0)
		want(t, "keys at last", len(readAll(t, m).values), 8)
		cancel()
		wantErr(t, "Close", m.Close())
	})
}

// TestLogStaysShort: the log lets go of what the object store has, so that it stays
// near its budget, here a sixtieth of what is committed. On a busy machine that may take
// a moment.
func TestLogStaysShort(t *testing.T) {
	const budget = 64 << 10
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: 1}), log: budget}
	m := d.open(t)
	for i := range 400 {
		put(t, m, fmt.Sprint(i%7), strings.Repeat("x", 10_000))
		until(t, "to have a short log", func() bool { return m.Stats().LogBytes <= 4*budget })
	}
	wantErr(t, "Close", m.Close())
	want(t, "keys", len(readAll(t, d.reopen(t)).values), 7)
}

// TestThrottleCountsMemory: many small objects take more in memory than in the log.
func TestThrottleCountsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 64 << 10
		e := &heldEngine{memstore.Open(memstore.Options{}), make(chan struct{})}
		m, err := txnmgr.Open(fsys.With(context.Background(), faultfs.New()), txnmgr.Options{Dir: "store", Engine: e, LogBytes: budget})
		wantErr(t, "Open", err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		n := 0
		for ; err == nil; n++ {
			err = m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Put(fmt.Append(nil, n), nil) })
		}
		wantErr(t, "the commit for which there was no room", err, context.DeadlineExceeded, txnmgr.ErrTxnDone)
		want(t, "says what it waited for", strings.Contains(err.Error(), "waiting for the object store"), true)
		want(t, "as many as memory has room for", n > budget/400 && n <= budget/250+1, true)
		close(e.goOn)
		wantErr(t, "Close", m.Close())
	})
}
