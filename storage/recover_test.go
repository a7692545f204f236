package storage_test

import (
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// TestEnlistAll: the index is what it is after one insert after the other, and goes on
// from there.
func TestEnlistAll(t *testing.T) {
	r := random(t)
	for _, n := range []int{0, 1, 2, storage.LeafSize, 10_000} {
		ix := newIndex()
		var objects []*storage.Object
		for i := range n {
			key := fmt.Appendf(nil, "%.*s%d", r.IntN(12), "a longer prefix", i)
			o := ix.object(key)
			ix.Enter(o)
			objects = append(objects, o)
			if ix.Get(key) != o || o.IsLocked() {
				t.Fatalf("%q is not in the table, or locked", key)
			}
		}
		ix.EnlistAll(objects)
		for _, o := range objects {
			at, _ := ix.naive.position(o.Key())
			ix.naive = append(ix.naive, nil)
			copy(ix.naive[at+1:], ix.naive[at:])
			ix.naive[at] = o
		}
		ix.compareAll(t, r, 20)
		for range 2_000 {
			ix.flip(randomKey(r))
		}
		ix.compareAll(t, r, 20)
	}
}
