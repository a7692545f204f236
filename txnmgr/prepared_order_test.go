package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestEndOfPreparedComesFirst: whoever waited for a prepared transaction to be rolled
// back is never on the disk without the end of that. Else it would be prepared again
// after a crash, and what it has read would have changed under its guard.
func TestEndOfPreparedComesFirst(t *testing.T) {
	dice := seededDice(t)
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: 1})}
	looking := rand.New(rand.NewPCG(dice.Uint64(), 0))
	var mu sync.Mutex
	var images []disk
	m := d.open(t)
	put(t, m, "read", "0", "locked", "0")
	d.fs.Watch(func(faultfs.Op, string) {
		mu.Lock()
		defer mu.Unlock()
		images = append(images, d.image(looking), d.image(looking))
	})
	for n := 1; n <= 30 && !t.Failed(); n++ {
		xid := fmt.Sprint("x", n)
		prepared(t, m, xid, []string{"read"}, []string{"written"})
		var waiting sync.WaitGroup
		for c := range 2 {
			waiting.Go(func() {
				err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
					return tx.Put([]byte("read"), fmt.Append(nil, n, " ", c))
				}, txnmgr.WithDurability(txnmgr.Durability(c)))
				wantErr(t, "Update", err)
			})
		}
		for range dice.IntN(20) {
			put(t, m, "other", "x") // meanwhile they come to wait
		}
		wantErr(t, "RollbackPrepared", m.RollbackPrepared(context.Background(), xid))
		waiting.Wait()
		mu.Lock()
		for _, image := range images {
			checkGuarded(t, image)
		}
		images = nil
		mu.Unlock()
	}
	d.fs.Watch(nil)
	wantErr(t, "Close", m.Close())
}

// checkGuarded fails if a transaction is prepared and what it has read was changed.
func checkGuarded(t *testing.T, d disk) {
	t.Helper()
	m := d.open(t)
	defer m.Close()
	has := readAll(t, m)
	for xid := range has.prepared {
		var prepared, changed int
		fmt.Sscanf(xid, "x%d", &prepared)
		fmt.Sscanf(has.values["read"], "%d", &changed)
		if changed >= prepared {
			t.Errorf("%s is prepared, and what it has read is %q", xid, has.values["read"])
		}
	}
}

// TestXIDAgain: an xid that is used again at once does not share its end with the one
// before.
func TestXIDAgain(t *testing.T) {
	dice, ctx := seededDice(t), context.Background()
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: 1})}
	m := d.open(t)
	for n := 0; n < 150 && !t.Failed(); n++ {
		prepared(t, m, "x", nil, []string{"first"})
		next := begin(t, m)
		wantErr(t, "Put", next.Put([]byte("second"), []byte("x")))
		var ends sync.WaitGroup
		ends.Go(func() {
			if n%2 == 0 {
				wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"))
			} else {
				wantErr(t, "RollbackPrepared", m.RollbackPrepared(ctx, "x"))
			}
		})
		err := next.Prepare(ctx, "x")
		for errors.Is(err, txnmgr.ErrXIDInUse) {
			err = next.Prepare(ctx, "x")
		}
		wantErr(t, "Prepare", err)
		checkSecond(t, d.image(dice))
		ends.Wait()
		checkSecond(t, d.image(dice))
		wantErr(t, "Rollback", next.Rollback())
	}
	wantErr(t, "Close", m.Close())
}

// checkSecond fails if not just the second transaction is prepared.
func checkSecond(t *testing.T, d disk) {
	t.Helper()
	m := d.open(t)
	defer m.Close()
	has := readAll(t, m).prepared
	if _, ok := has["x"]["second"]; !ok || len(has) != 1 {
		t.Errorf("prepared is %v", has)
	}
}
