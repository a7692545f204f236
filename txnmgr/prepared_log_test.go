package txnmgr_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestPreparedLogStaysShort: the log does not get longer and longer where nothing is
// committed, but transactions are prepared and rolled back, of which some always are.
func TestPreparedLogStaysShort(t *testing.T) {
	dice, ctx := seededDice(t), context.Background()
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: 1})}
	m := d.open(t)
	put(t, m, "a", "1")
	prepared(t, m, "for long", nil, []string{"b"})
	for round := range 3 {
		for n := range 100 {
			xid := fmt.Sprint(round, " ", n)
			tx := begin(t, m)
			wantErr(t, "Put", tx.Put([]byte("c"), make([]byte, 3000)))
			wantErr(t, "Prepare", tx.Prepare(ctx, xid, txnmgr.WithLimit(1<<40)))
			wantErr(t, "Rollback", tx.Rollback())
		}
		until(t, "to be truncated", func() bool {
			wantErr(t, "Sync", m.Sync(ctx))
			return m.Stats().LogBytes < 200_000
		})
		d = d.image(dice)
		after := d.open(t)
		want(t, "prepared", len(after.Prepared()), 1)
		wantErr(t, "Close", m.Close())
		m = after
	}
	wantErr(t, "Commit", m.CommitPrepared(ctx, "for long"))
	wantErr(t, "Close", m.Close())
}
