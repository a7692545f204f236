package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// faults say which changes of the segments of a log fail.
type faults struct {
	mu    sync.Mutex // protects following fields
	of    map[faultfs.Op]error
	tried map[faultfs.Op]int // since the first that failed
}

// breakable returns a disk, and its faults, of which there are none yet. The engine
// keeps nothing, so that the log has to have everything.
func breakable() (disk, *faults) {
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: -1})}
	f := &faults{of: make(map[faultfs.Op]error)}
	d.fs.Fail(f.ask)
	return d, f
}

func (f *faults) ask(op faultfs.Op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !strings.HasSuffix(name, ".log") {
		return nil
	}
	if f.tried != nil {
		f.tried[op]++
	}
	err := f.of[op]
	if err != nil && f.tried == nil {
		f.tried = make(map[faultfs.Op]int)
	}
	return err
}

// set makes changes of a kind fail.
func (f *faults) set(op faultfs.Op, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of[op] = err
}

// triedAgain returns how often something was written or synced after the first failure.
func (f *faults) triedAgain() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tried[faultfs.Write] + f.tried[faultfs.Datasync]
}

// reopen opens what the machine has after its program has ended, and closes it with
// the test.
func (d disk) reopen(t testing.TB) *txnmgr.Manager {
	t.Helper()
	d.fs.Fail(nil)
	d.engine = d.engine.Crash()
	m := d.open(t)
	t.Cleanup(func() { wantErr(t, "Close after reopening", m.Close()) })
	return m
}

// soon fails if fn does not return within many times as long as it should take.
func soon(t testing.TB, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		panic(what + " hangs") // with all stacks
	}
}

// logFaults are the ways in which writing the log can fail.
func logFaults() map[string]func(*faults) {
	return map[string]func(*faults){
		"write":       func(f *faults) { f.set(faultfs.Write, syscall.EIO) },
		"sync":        func(f *faults) { f.set(faultfs.Datasync, syscall.EIO) },
		"short write": func(f *faults) { f.set(faultfs.Write, &faultfs.Short{Bytes: 17, Err: syscall.EIO}) },
	}
}

// TestLogFails: who is committing when the log fails does not know whether he has, all
// who come later know that they have not, and readers go on. What was acknowledged is
// there when the store is opened again.
func TestLogFails(t *testing.T) {
	for name, fail := range logFaults() {
		t.Run(name, func(t *testing.T) {
			d, f := breakable()
			m := d.open(t)
			put(t, m, "acknowledged", "1")
			reader, open := beginRead(t, m), begin(t, m)
			wantErr(t, "Put", open.Put([]byte("open"), nil))

			fail(f)
			told := make(chan error, 1)
			tx := begin(t, m)
			wantErr(t, "Put", tx.Put([]byte("unknown"), []byte("1")))
			wantErr(t, "CommitThen", tx.CommitThen(func(err error) { told <- err }))
			wantErr(t, "done of CommitThen", <-told, txnmgr.ErrCommitUnknown, syscall.EIO)

			afterwards(t, m, open)
			want(t, "contents", contents(t, m), "acknowledged=1")
			want(t, "contents at an older snapshot", join(reader.Scan(nil, nil)), "acknowledged=1")
			wantErr(t, "Close", m.Close(), syscall.EIO)
			wantErr(t, "second Close", m.Close(), syscall.EIO)
			want(t, "writes and syncs after the failure", f.triedAgain(), 0)
			got := contents(t, d.reopen(t))
			if got != "acknowledged=1" && got != "acknowledged=1 unknown=1" {
				t.Errorf("opened again: %s", got)
			}
		})
	}
}

// afterwards checks what is said after the log has failed.
func afterwards(t *testing.T, m *txnmgr.Manager, open *txnmgr.Txn) {
	ctx := context.Background()
	err := open.Commit()
	wantErr(t, "Commit of one that was open", err, txnmgr.ErrLogFailed, txnmgr.ErrTxnDone, syscall.EIO)
	want(t, "it is known that it is not committed", errors.Is(err, txnmgr.ErrCommitUnknown), false)
	for _, durability := range []txnmgr.Durability{txnmgr.Sync, txnmgr.Async} {
		err = m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Put([]byte("late"), nil) }, txnmgr.WithDurability(durability))
		wantErr(t, fmt.Sprint("Update, ", durability), err, txnmgr.ErrLogFailed, syscall.EIO)
	}
	want(t, "retryable", txnmgr.IsRetryable(err), false)
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("late"), nil))
	wantErr(t, "Prepare", tx.Prepare(ctx, "x"), txnmgr.ErrLogFailed, syscall.EIO)
	wantErr(t, "Sync", m.Sync(ctx), txnmgr.ErrCommitUnknown, syscall.EIO)
	wantErr(t, "Stats.Failure", m.Stats().Failure, txnmgr.ErrLogFailed, syscall.EIO)
	want(t, "prepared", len(m.Prepared()), 0)
	want(t, "locks", len(m.Locks()), 0)
	wantErr(t, "Update that writes nothing", m.Update(ctx, func(tx *txnmgr.Txn) error {
		_, err := tx.Get([]byte("acknowledged"))
		return err
	}))
}
