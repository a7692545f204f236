package txnmgr_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// slowDisk opens a manager whose log has nothing on the disk before goOn is closed; but
// each value sent there lets one sync through.
func slowDisk(t *testing.T, durability txnmgr.Durability) (m *txnmgr.Manager, goOn chan struct{}) {
	t.Helper()
	files, goOn := faultfs.New(), make(chan struct{})
	m, err := txnmgr.Open(fsys.With(context.Background(), files), txnmgr.Options{
		Dir: "store", Engine: memstore.Open(memstore.Options{}), LogBytes: 1 << 20, Durability: durability,
	})
	if err != nil {
		t.Fatal(err)
	}
	files.Fail(func(op faultfs.Op, name string) error {
		if op == faultfs.Datasync && strings.HasSuffix(name, ".log") {
			<-goOn
		}
		return nil
	})
	return m, goOn
}

// putWith returns what commits a key.
func putWith(m *txnmgr.Manager, key string, opts ...txnmgr.TxnOption) func() error {
	return func() error {
		return m.Update(context.Background(), func(tx *txnmgr.Txn) error { return tx.Put([]byte(key), nil) }, opts...)
	}
}

// TestDurability: what a commit waits for is what its transaction wants, or else the
// manager. Read-only transactions see what may be lost only if somebody who did not want
// to wait has been told of it; updates see everything.
func TestDurability(t *testing.T) {
	for _, byDefault := range []txnmgr.Durability{txnmgr.Sync, txnmgr.Async} {
		t.Run(byDefault.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, goOn := slowDisk(t, byDefault)
				patient := start("Update with Sync", putWith(m, "a", txnmgr.WithDurability(txnmgr.Sync)))
				patient.waits(t)
				want(t, "what is read before it is durable", contents(t, m), "")
				tx := begin(t, m)
				want(t, "what an update reads", join(tx.Scan(nil, nil)), "a=")
				seen := start("Commit of who saw it", tx.Commit)
				seen.waits(t)
				usual := start("Update", putWith(m, "b"))
				if byDefault == txnmgr.Sync {
					usual.waits(t)
					want(t, "what is read", contents(t, m), "")
				}
				wantErr(t, "Update with Async", putWith(m, "c", txnmgr.WithDurability(txnmgr.Async))())
				if byDefault == txnmgr.Async {
					usual.returns(t)
				}
				want(t, "what is read when one was acknowledged", contents(t, m), "a= b= c=")
				want(t, "durable", m.Stats().Durable < m.Stats().Visible, true)
				close(goOn)
				for _, waited := range []*call{patient, seen, usual} {
					waited.returns(t)
				}
				wantErr(t, "Close", m.Close())
			})
		})
	}
}

// TestManagerSync waits for what was committed before, as long as its context allows.
func TestManagerSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, goOn := slowDisk(t, txnmgr.Async)
		var none context.Context
		wantErr(t, "Sync without a context", m.Sync(none), txnmgr.ErrNilContext)
		wantErr(t, "Sync with nothing to wait for", m.Sync(context.Background()))
		wantErr(t, "Update", putWith(m, "a")())
		ctx, cancel := context.WithCancel(context.Background())
		impatient := start("Sync with a context that ends", func() error { return m.Sync(ctx) })
		patient := start("Sync", func() error { return m.Sync(context.Background()) })
		impatient.waits(t)
		patient.waits(t)
		cancel()
		impatient.returns(t, context.Canceled)
		patient.waits(t)
		close(goOn)
		patient.returns(t)
		want(t, "durable", m.Stats().Durable, m.Stats().Visible)
		wantErr(t, "Close", m.Close())
	})
}

// TestCommitThen: it returns before the disk has anything, others go on from there, and
// everybody is called in commit order when it has, OnCommit first.
func TestCommitThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, goOn := slowDisk(t, txnmgr.Sync)
		told, wanted, before := make(chan string, 100), "", m.Stats().Visible
		for i := range 10 {
			tx := begin(t, m)
			got := join(tx.Scan(nil, nil))
			want(t, "commits seen", strings.Count(got, "="), i)
			wantErr(t, "Put", tx.Put(fmt.Append(nil, i), nil))
			tx.OnCommit(func(ts uint64) { told <- fmt.Sprint("ts ", ts > 0, ", ") })
			wantErr(t, "CommitThen", tx.CommitThen(func(err error) { told <- fmt.Sprint(i, " ", err, "; ") }))
			wantErr(t, "Put afterwards", tx.Put(nil, nil), txnmgr.ErrTxnDone)
			synctest.Wait() // the first one is on its way to the disk, without the others
			wanted += fmt.Sprint("ts true, ", i, " <nil>; ")
		}
		synctest.Wait()
		want(t, "told before it is durable", len(told), 0)
		want(t, "read before it is durable", contents(t, m), "")
		goOn <- struct{}{} // one sync
		synctest.Wait()
		durable := int(m.Stats().Durable - before)
		want(t, "some are durable, and others not", durable > 0 && durable < 10, true)
		want(t, "told, two times each", len(told), 2*durable)
		close(goOn)
		wantErr(t, "Sync", m.Sync(context.Background()))
		synctest.Wait()
		close(told)
		got := ""
		for word := range told {
			got += word
		}
		want(t, "told", got, wanted)
		wantErr(t, "Close", m.Close())
	})
}

// TestReplaying is told how far Open is with the log.
func TestReplaying(t *testing.T) {
	d := roomy()
	m := d.open(t)
	for range 30 {
		put(t, m, "a", strings.Repeat("x", 5000))
	}
	closed := d
	d = d.image(seededDice(t)) // nothing is in the engine for good
	wantErr(t, "Close", m.Close())
	wantErr(t, "Close", closed.engine.Close())
	var told []int64
	m, err := txnmgr.Open(fsys.With(context.Background(), d.fs), txnmgr.Options{
		Dir: "store", Engine: d.engine, LogBytes: d.log,
		Replaying: func(done, all int64) { told = append(told, done, all) },
	})
	wantErr(t, "Open", err)
	if n := len(told); n < 6 || told[0] != 0 || told[n-2] != told[n-1] || told[n-1] < 30*5000 {
		t.Errorf("told %d", told)
	}
	wantErr(t, "Close", m.Close())
}
