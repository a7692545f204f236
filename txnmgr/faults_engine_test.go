package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// tableDisk has room for tables, or has not.
type tableDisk struct{ full atomic.Bool }

func (d *tableDisk) MaybeError(op errorfs.Op) error {
	isWrite := op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose
	if d.full.Load() && isWrite && filepath.Ext(op.Path) == ".sst" {
		return fmt.Errorf("write %s: %w", op.Path, syscall.ENOSPC)
	}
	return nil
}

func (d *tableDisk) String() string { return "a full disk" }

// TestFullDiskOfEngine: while there is no room for the tables of the object store,
// commits come to wait, and Stats say why; when there is some, they go on.
func TestFullDiskOfEngine(t *testing.T) {
	d, ctx := &tableDisk{}, context.Background()
	engine, err := pebblestore.Open("objects", pebblestore.Options{
		CacheBytes: 64 << 10, MemTableBytes: 64 << 10, FS: errorfs.Wrap(vfs.NewMem(), d),
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := txnmgr.Open(ctx, txnmgr.Options{Engine: engine, CacheBytes: 64 << 10, LogBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { wantErr(t, "Close", m.Close()) }()
	d.full.Store(true)
	ending, end := context.WithCancel(ctx)
	defer end()
	stopped := make(chan error, 1)
	random := rand.NewChaCha8([32]byte{})
	go func() {
		for i := 0; ; i++ {
			value := make([]byte, 3000)
			random.Read(value) // never fails
			err := m.Update(ending, func(tx *txnmgr.Txn) error { return tx.Put(fmt.Append(nil, i), value) })
			if err != nil {
				stopped <- err
				return
			}
		}
	}()
	st := m.Stats()
	for ; st.Throttling == 0 || st.Failure == nil; st = m.Stats() {
		runtime.Gosched()
	}
	if !errors.Is(st.Failure, syscall.ENOSPC) || errors.Is(st.Failure, txnmgr.ErrEngineFailed) {
		t.Errorf("failure: %v", st.Failure)
	}
	end()
	wantErr(t, "Update", <-stopped, context.Canceled)
	d.full.Store(false)
	put(t, m, "room", "again")
	for m.Stats().Failure != nil {
		runtime.Gosched()
	}
}
