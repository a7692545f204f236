package txnmgr_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	m, err := txnmgr.Open(ctx, txnmgr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 50
	num := func(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }
	enc := func(x int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(x)) }
	key := func(i int) []byte { return fmt.Appendf(nil, "acc%05d", i) }
	if err := m.Update(ctx, func(tx *txnmgr.Txn) error {
		for i := range n {
			if err := tx.Put(key(i), enc(100)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	old, _ := m.BeginRead(ctx)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 3000 {
				if g%2 == 0 {
					err := m.Update(ctx, func(tx *txnmgr.Txn) error {
						a, b := key(r.IntN(n)), key(r.IntN(n))
						va, err := tx.Get(a)
						if err != nil {
							return err
						}
						if err := tx.Put(a, enc(num(va)-1)); err != nil {
							return err
						}
						vb, err := tx.Get(b)
						if err != nil {
							return err
						}
						if err := tx.Put(b, enc(num(vb)+1)); err != nil {
							return err
						}
						k := fmt.Appendf(nil, "x%d-%d", g, r.IntN(20))
						if r.IntN(2) == 0 {
							return tx.Put(k, nil)
						}
						return tx.Delete(k)
					})
					if err != nil {
						t.Error(err)
						return
					}
				} else {
					m.View(ctx, func(tx txnmgr.ReadTxn) error {
						var sum int64
						c := 0
						for k, v := range tx.Scan([]byte("acc"), []byte("acd")) {
							_ = k
							sum += num(v)
							c++
						}
						if sum != n*100 || c != n {
							t.Errorf("sum %d of %d", sum, c)
						}
						return nil
					})
				}
			}
		})
	}
	wg.Wait()
	for _, v := range old.Scan(nil, nil) {
		if num(v) != 100 {
			t.Error("old reader")
		}
	}
	t.Logf("%+v", m.Stats())
	m.Purge()
	t.Logf("%+v", m.Stats())
	old.Close()
	m.Purge()
	t.Logf("%+v", m.Stats())
	m.Close()
}
