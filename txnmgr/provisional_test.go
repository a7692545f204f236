package txnmgr_test

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestWhatWasSeenIsDurable has transactions see a commit that the disk will never
// have. They wrote nothing, and still must not end well, however they saw it: others
// who begin later do not see it.
func TestWhatWasSeenIsDurable(t *testing.T) {
	here, gone := []byte("here"), []byte("gone")
	all := func(tx *txnmgr.Txn) error {
		for range tx.Scan(nil, nil) {
		}
		return tx.Err()
	}
	get := func(key []byte) func(*txnmgr.Txn) error {
		return func(tx *txnmgr.Txn) error {
			if _, err := tx.Get(key); !errors.Is(err, txnmgr.ErrNotFound) {
				return err
			}
			return nil
		}
	}
	for name, see := range map[string]struct {
		write func(*txnmgr.Txn) error
		read  func(*txnmgr.Txn) error
	}{
		"get of a value":     {func(tx *txnmgr.Txn) error { return tx.Put(here, here) }, get(here)},
		"get of a deletion":  {func(tx *txnmgr.Txn) error { return tx.Delete(gone) }, get(gone)},
		"scan of a value":    {func(tx *txnmgr.Txn) error { return tx.Put(here, here) }, all},
		"scan of a deletion": {func(tx *txnmgr.Txn) error { return tx.Delete(gone) }, all},
		"insert where one is": {func(tx *txnmgr.Txn) error { return tx.Put(here, here) }, func(tx *txnmgr.Txn) error {
			if err := tx.Insert(here, here); !errors.Is(err, txnmgr.ErrExists) {
				return err
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m, broken := openBreakable(t)
			put(t, m, "gone", "")
			broken.Store(true)
			tx := begin(t, m)
			lost := make(chan error, 1)
			err := errors.Join(see.write(tx), tx.CommitThen(func(err error) { lost <- err }))
			if err != nil {
				t.Fatal(err)
			}
			if err := <-lost; !errors.Is(err, txnmgr.ErrCommitUnknown) {
				t.Fatalf("the commit that is not durable: %v", err)
			}
			tx = begin(t, m)
			if err := see.read(tx); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(); !errors.Is(err, txnmgr.ErrCommitUnknown) {
				t.Errorf("the one who saw it: %v", err)
			}
		})
	}
}

// openBreakable opens a manager whose disk loses what is written once broken is set.
func openBreakable(t *testing.T) (m *txnmgr.Manager, broken *atomic.Bool) {
	disk, broken := faultfs.New(), new(atomic.Bool)
	disk.Fail(func(op faultfs.Op, _ string) error {
		if op == faultfs.Datasync && broken.Load() {
			return syscall.EIO
		}
		return nil
	})
	m, err := txnmgr.Open(fsys.With(context.Background(), disk), txnmgr.Options{
		Dir: "store", Engine: memstore.Open(memstore.Options{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() }) // its error is that of the disk
	return m, broken
}
