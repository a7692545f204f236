package txnmgr_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestExpiredWhileClosed: what is prepared, and whose limit passed while nobody had the
// store open, is rolled back soon after it is opened, and not in the middle of that.
func TestExpiredWhileClosed(t *testing.T) {
	dice, ctx := seededDice(t), context.Background()
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: 1})}
	m := d.open(t)
	const limit, count = 200 * time.Millisecond, 8
	for n := range count {
		tx := begin(t, m)
		wantErr(t, "Put", tx.Put(fmt.Append(nil, "key", n), make([]byte, 7000))) // to reserve room takes long
		wantErr(t, "Prepare", tx.Prepare(ctx, fmt.Sprint("x", n), txnmgr.WithLimit(limit)))
	}
	after := d.image(dice)
	ended := func(m *txnmgr.Manager) {
		for len(m.Prepared()) > 0 {
			runtime.Gosched()
		}
	}
	ended(m)
	wantErr(t, "Close", m.Close())
	for range 20 {
		life := disk{fs: after.fs.Crash(dice), engine: after.engine.Crash()}
		m := life.open(t)
		soon(t, "the end of what is prepared", func() { ended(m) })
		for n := range count {
			put(t, m, fmt.Sprint("key", n), "x")
		}
		wantErr(t, "Close", m.Close())
	}
}
