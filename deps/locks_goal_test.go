package deps_test

import (
	"fmt"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/internal/versus"
	"github.com/tierceldb/tiercel/storage"
)

// locksEach is how many objects a transaction of BenchmarkGoalLock locks, so that
// its own begin and end do not count.
const locksEach = 64

// BenchmarkGoalLock is to lock an object that was found, and to let it go at the end
// of the transaction, against two CAS on a word of a cache line of its own.
func BenchmarkGoalLock(b *testing.B) {
	m, objects := deps.New(stages.Stages{}), make([]*storage.Object, locksEach)
	for i := range objects {
		r := new(deps.Record)
		m.Begin(r)
		key := fmt.Appendf(nil, "%d", i)
		objects[i] = storage.NewObject(key, m.Store.Hash(key))
		r.Add(deps.Write{Object: objects[i], Version: storage.NewVersion(key, &r.State)})
		if _, err := m.Commit(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	words := make([]struct {
		word atomic.Uint32
		_    [60]byte
	}, locksEach)
	for _, mode := range []storage.LockMode{storage.KeyShare, storage.Update} {
		locked := func(n int) {
			for range n/locksEach + 1 {
				r := new(deps.Record)
				m.Begin(r)
				for _, o := range objects {
					m.Lock(r, o, mode, deps.Patience{})
				}
				m.Rollback(r)
			}
		}
		b.Run(fmt.Sprintf("mode=%v", mode), func(b *testing.B) {
			versus.Run(b, 3, locked, func(n int) {
				for range n/locksEach + 1 {
					for i := range words {
						words[i].word.CompareAndSwap(0, 1)
					}
					for i := range words {
						words[i].word.CompareAndSwap(1, 0)
					}
				}
			})
		})
		b.Run(fmt.Sprintf("mode=%v/allocations", mode), func(b *testing.B) {
			b.ReportAllocs()
			locked(b.N)
		})
	}
}
