package txnmgr_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// until returns when it is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	soon(t, what, func() {
		for !so() {
			runtime.Gosched()
		}
	})
}

// TestThrottledWithLock: a commit that is held back, and has locked what another
// commit waits for that has taken all the room, is let in.
func TestThrottledWithLock(t *testing.T) {
	for name, lock := range map[string]func(tx *txnmgr.Txn) error{
		"key": func(tx *txnmgr.Txn) error {
			return tx.Lock(context.Background(), []byte("locked"), txnmgr.ForUpdate)
		},
		"prepare": func(tx *txnmgr.Txn) error {
			return tx.Lock(context.Background(), []byte("locked"), txnmgr.ForShare)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: 1})}
			m := d.open(t)
			holder, large := begin(t, m), begin(t, m)
			wantErr(t, "Lock", lock(holder))
			wantErr(t, "Put", holder.Put([]byte("other"), make([]byte, 10_000)))
			wantErr(t, "Put", large.Put([]byte("locked"), make([]byte, 60_000)))
			var both sync.WaitGroup
			both.Go(func() { wantErr(t, "Commit of the large one", large.Commit()) })
			until(t, "to wait for the lock", func() bool { return m.Stats().Waiting == 1 })
			soon(t, "the commit of who has the lock", func() {
				if name == "prepare" {
					wantErr(t, "Prepare", holder.Prepare(context.Background(), "x"))
				}
				wantErr(t, "Commit", holder.Commit())
			})
			both.Wait()
			until(t, "to be applied", func() bool { return m.Stats().Unapplied == 0 })
			wantErr(t, "Close", m.Close())
		})
	}
}

// TestThrottledWhenLogFails: what is held back when the log fails is told so, for
// nothing makes room any more.
func TestThrottledWhenLogFails(t *testing.T) {
	d, f := breakable()
	m := d.open(t)
	stuck, fail := stickThenFail(d, f)
	ctx := context.Background()
	write := func() error {
		return m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Put([]byte("a"), make([]byte, 60_000)) },
			txnmgr.WithDurability(txnmgr.Async))
	}
	wantErr(t, "Update", write())
	<-stuck
	var held sync.WaitGroup
	held.Go(func() { wantErr(t, "the one held back", write(), txnmgr.ErrLogFailed) })
	until(t, "to be held back", func() bool { return m.Stats().Throttling == 1 })
	close(fail)
	soon(t, "what is held back", held.Wait)
	if err := m.Close(); err == nil {
		t.Error("Close says nothing of the log")
	}
}

// stickThenFail has the next sync of the log close stuck, and fail when fail is closed.
func stickThenFail(d disk, f *faults) (stuck, fail chan struct{}) {
	stuck, fail = make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.fs.Fail(func(op faultfs.Op, name string) error {
		if op != faultfs.Datasync || !strings.HasSuffix(name, ".log") {
			return nil
		}
		once.Do(func() { close(stuck) })
		<-fail
		return f.ask(op, name)
	})
	f.set(faultfs.Datasync, syscall.EIO)
	return stuck, fail
}

// TestWaitingWhenLogFails: who waits for a transaction of which nobody knows whether it
// is prepared, for the log has failed, is not left waiting.
func TestWaitingWhenLogFails(t *testing.T) {
	d, f := breakable()
	m := d.open(t)
	tx, next := begin(t, m), begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("a"), nil))
	wantErr(t, "Put", next.Put([]byte("a"), nil))
	stuck, fail := stickThenFail(d, f)
	var both sync.WaitGroup
	both.Go(func() {
		wantErr(t, "Prepare", tx.Prepare(context.Background(), "x"), txnmgr.ErrCommitUnknown, syscall.EIO)
	})
	<-stuck
	both.Go(func() { wantErr(t, "Commit", next.Commit(), txnmgr.ErrCommitUnknown, syscall.EIO) })
	until(t, "to wait", func() bool { return m.Stats().Waiting == 1 })
	close(fail)
	soon(t, "who waits", both.Wait)
	wantErr(t, "Commit", tx.Commit(), txnmgr.ErrTxnDone)
	want(t, "prepared", len(m.Prepared()), 0)
	if err := m.Close(); err == nil {
		t.Error("Close says nothing of the log")
	}
}
