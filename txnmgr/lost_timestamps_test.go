package txnmgr_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestLostTimestamps: the timestamp of a commit that was seen, and lost in a crash, is
// not given to another one, whether the store had been closed in time before or not.
func TestLostTimestamps(t *testing.T) {
	dice, ctx := seededDice(t), context.Background()
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: 1})}
	for range 3 {
		m := d.open(t)
		put(t, m, "a", "x")
		wantErr(t, "Close", m.Close())

		d.engine = d.engine.Crash() // Close has closed it
		m = d.open(t)
		stuck, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		d.fs.Fail(func(op faultfs.Op, name string) error {
			if op == faultfs.Datasync && strings.HasSuffix(name, ".log") {
				once.Do(func() { close(stuck) })
				<-goOn
			}
			return nil
		})
		var seen uint64
		wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
			tx.OnCommit(func(ts uint64) { seen = ts })
			return tx.Put([]byte("lost"), []byte("x"))
		}, txnmgr.WithDurability(txnmgr.Async)))
		<-stuck
		var after disk
		for range 10 {
			checkGoesOnBehind(t, seen, d.image(dice))
			after = d.image(dice)
		}
		close(goOn)
		wantErr(t, "Close", m.Close())
		d = after
	}
}

// checkGoesOnBehind fails if the store on the disk could give the timestamp again.
func checkGoesOnBehind(t *testing.T, seen uint64, d disk) {
	t.Helper()
	m := d.open(t)
	defer m.Close()
	tx := beginRead(t, m)
	defer tx.Close()
	if _, err := tx.Get([]byte("lost")); err != nil && tx.Snapshot() < seen {
		t.Errorf("the store goes on at %d, and %d was seen", tx.Snapshot(), seen)
	}
}
