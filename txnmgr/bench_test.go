package txnmgr_test

import (
	"context"
	"encoding/binary"
	"os"
	"testing"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/tierceldb/tiercel/txnmgr"
)

func BenchmarkTmpBegin(b *testing.B) {
	ctx := context.Background()
	m, _ := txnmgr.Open(ctx, txnmgr.Options{Isolation: iso()})
	b.ReportAllocs()
	for b.Loop() {
		tx, _ := m.BeginRead(ctx)
		tx.Close()
	}
}

func fill(b *testing.B, n int) (*txnmgr.Manager, *xsync.MapOf[string, []byte], [][]byte) {
	ctx := context.Background()
	m, _ := txnmgr.Open(ctx, txnmgr.Options{Isolation: iso()})
	x := xsync.NewMapOf[string, []byte](xsync.WithPresize(n))
	keys := make([][]byte, n)
	for i := 0; i < n; i += 1000 {
		m.Update(ctx, func(tx *txnmgr.Txn) error {
			for j := i; j < i+1000 && j < n; j++ {
				k := make([]byte, 16)
				binary.BigEndian.PutUint64(k, uint64(j)*0x9E3779B97F4A7C15)
				binary.BigEndian.PutUint64(k[8:], uint64(j))
				keys[j] = k
				tx.Put(k, make([]byte, 100))
				x.Store(string(k), make([]byte, 100))
			}
			return nil
		})
	}
	m.Purge()
	return m, x, keys
}

func BenchmarkTmpGet(b *testing.B) {
	ctx := context.Background()
	for _, n := range sizes() {
		m, x, keys := fill(b, n)
		b.Run("tiercel", func(b *testing.B) {
			b.ReportAllocs()
			i := uint64(0)
			var sum byte
			for b.Loop() {
				i = i*6364136223846793005 + 1442695040888963407
				tx, _ := m.BeginRead(ctx)
				v, _ := tx.Get(keys[(i>>33)%uint64(n)])
				sum += v[0]
				tx.Close()
			}
		})
		b.Run("mapof", func(b *testing.B) {
			i := uint64(0)
			var sum byte
			for b.Loop() {
				i = i*6364136223846793005 + 1442695040888963407
				v, _ := x.Load(string(keys[(i>>33)%uint64(n)]))
				sum += v[0]
			}
		})
		b.Run("update-snap", func(b *testing.B) {
			b.ReportAllocs()
			i := uint64(0)
			val := make([]byte, 100)
			for b.Loop() {
				i = i*6364136223846793005 + 1442695040888963407
				k := keys[(i>>33)%uint64(n)]
				tx, _ := m.Begin(ctx)
				v, _ := tx.Get(k)
				_ = v[0]
				tx.Put(k, val)
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("update-ser", func(b *testing.B) {
			b.ReportAllocs()
			i := uint64(0)
			val := make([]byte, 100)
			for b.Loop() {
				i = i*6364136223846793005 + 1442695040888963407
				k := keys[(i>>33)%uint64(n)]
				tx, _ := m.Begin(ctx)
				v, _ := tx.Get(k)
				_ = v[0]
				tx.Put(k, val)
				if err := tx.Commit(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("compute", func(b *testing.B) {
			i := uint64(0)
			val := make([]byte, 100)
			b.ReportAllocs()
			for b.Loop() {
				i = i*6364136223846793005 + 1442695040888963407
				k := keys[(i>>33)%uint64(n)]
				x.Compute(string(k), func(old []byte, _ bool) ([]byte, bool) {
					_ = old[0]
					return append(make([]byte, 0, 100), val...), false
				})
			}
		})
		b.Run("scan100", func(b *testing.B) {
			i := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				i = i*6364136223846793005 + 1442695040888963407
				k := keys[(i>>33)%uint64(n)]
				tx, _ := m.BeginRead(ctx)
				c := 0
				for range tx.Scan(k, nil) {
					if c++; c == 100 {
						break
					}
				}
				tx.Close()
			}
		})
	}
}

func sizes() []int {
	if os.Getenv("SMALL") != "" {
		return []int{1000}
	}
	return []int{1000, 1000000}
}
func iso() txnmgr.Isolation { if os.Getenv("ISO")!="" {return txnmgr.Snapshot}; return txnmgr.Serializable }
