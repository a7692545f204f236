package storage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// naiveOrder is what the ordered index has to be equal to: a sorted slice.
type naiveOrder []*storage.Object

func (n naiveOrder) position(key []byte) (int, bool) {
	return slices.BinarySearchFunc(n, key, func(o *storage.Object, key []byte) int {
		return bytes.Compare(o.Key(), key)
	})
}

// rangeOf returns lo ≤ key < hi, hi nil for the end.
func (n naiveOrder) rangeOf(lo, hi []byte) []*storage.Object {
	var found []*storage.Object
	for _, o := range n {
		if bytes.Compare(o.Key(), lo) >= 0 && (hi == nil || bytes.Compare(o.Key(), hi) < 0) {
			found = append(found, o)
		}
	}
	return found
}

// index is the ordered index of a store, and the naive one.
type index struct {
	*storage.Store
	naive naiveOrder
}

func newIndex() *index { return &index{Store: storage.New()} }

func (ix *index) object(key []byte) *storage.Object { return storage.NewObject(key, ix.Hash(key)) }

// flip takes the object of the key out if it is there, and else makes one.
func (ix *index) flip(key []byte) {
	at, found := ix.naive.position(key)
	if found {
		ix.RemoveOrdered(ix.naive[at])
		ix.RemoveOrdered(ix.naive[at]) // does nothing
		ix.naive = slices.Delete(ix.naive, at, at+1)
		return
	}
	o := ix.object(key)
	ix.RemoveOrdered(o) // nor does this, whatever is there
	ix.InsertOrdered(o)
	ix.RemoveOrdered(ix.object(key)) // nor that: another object
	ix.naive = slices.Insert(ix.naive, at, o)
}

// drain takes all out, from one end or in random order.
func (ix *index) drain(r *rand.Rand, how int) {
	for len(ix.naive) > 0 {
		at := [...]int{0, len(ix.naive) - 1, r.IntN(len(ix.naive))}[how%3]
		ix.flip(ix.naive[at].Key())
	}
}

// randomKey returns a short one, often the beginning of another, sometimes "".
func randomKey(r *rand.Rand) []byte {
	key := make([]byte, r.IntN(5))
	for i := range key {
		key[i] = "\x00ab\xff"[r.IntN(4)]
	}
	return fmt.Appendf(key, "%.*d", r.IntN(3), r.IntN(100))
}

func collect(c storage.Cursor) []*storage.Object {
	var found []*storage.Object
	for o := c.Next(); o != nil; o = c.Next() {
		found = append(found, o)
	}
	return found
}

func (ix *index) compare(t *testing.T, lo, hi []byte) {
	t.Helper()
	want := ix.naive.rangeOf(lo, hi)
	if got := collect(ix.Ascend(lo, hi)); !slices.Equal(got, want) {
		t.Errorf("Ascend(%q, %q): %s\nwant %s", lo, hi, list(got), list(want))
	}
	slices.Reverse(want)
	if got := collect(ix.Descend(lo, hi)); !slices.Equal(got, want) {
		t.Errorf("Descend(%q, %q): %s\nwant %s", lo, hi, list(got), list(want))
	}
}

func list(objects []*storage.Object) string {
	var b strings.Builder
	for _, o := range objects {
		fmt.Fprintf(&b, "%q ", o.Key())
	}
	return b.String()
}

// compareAll takes special bounds (from the start, to the end, an empty hi, lo
// above hi) and n random ones.
func (ix *index) compareAll(t *testing.T, r *rand.Rand, n int) {
	t.Helper()
	if err := ix.CheckLeaves(); err != nil {
		t.Error(err)
	}
	key := randomKey(r)
	for _, b := range [][2][]byte{{nil, nil}, {nil, {}}, {{}, nil}, {{}, {}}, {key, nil}, {nil, key}, {key, {}}, {key, key}} {
		ix.compare(t, b[0], b[1])
	}
	for range n {
		ix.compare(t, randomKey(r), randomKey(r))
	}
}

// TestOrderedAgainstSlice: random inserts and removals, in waves that split
// leaves and drop them again, and scans over random bounds.
func TestOrderedAgainstSlice(t *testing.T) {
	r, ix := random(t), newIndex()
	most := 0
	ix.compareAll(t, r, 3)
	for wave := range 6 {
		for range 3_000 {
			ix.flip(randomKey(r))
			if r.IntN(100) == 0 {
				ix.compareAll(t, r, 5)
			}
		}
		most = max(most, ix.Leaves())
		ix.drain(r, wave)
		ix.compareAll(t, r, 3)
		if ix.Leaves() != 1 {
			t.Errorf("%d leaves of nothing", ix.Leaves())
		}
	}
	if most < 10 {
		t.Errorf("no more than %d leaves", most)
	}
}

// TestAscendingKeysFillLeaves: keys that come in order leave no leaf half empty.
func TestAscendingKeysFillLeaves(t *testing.T) {
	ix := newIndex()
	const n = 100 * storage.LeafSize
	for i := range n {
		ix.InsertOrdered(ix.object(fmt.Appendf(nil, "%06d", i)))
	}
	if got := ix.Leaves(); got > n/(storage.LeafSize-1)+1 {
		t.Errorf("%d leaves for %d objects", got, n)
	}
}

// TestTake: Take finds what Next and Visible find, whatever the size of the batch.
func TestTake(t *testing.T) {
	r, ix := random(t), newIndex()
	const newest = 9
	for range 300 {
		key := randomKey(r)
		if at, found := ix.naive.position(key); !found {
			ix.flip(key)
			chain(r, newest).linkTo(ix.naive[at])
		}
	}
	for range 300 {
		lo, hi, snapshot := randomKey(r), randomKey(r), r.Uint64N(newest+2)
		if r.IntN(5) == 0 {
			hi = nil
		}
		size := r.IntN(20) + 1
		want := seen(ix.naive.rangeOf(lo, hi), snapshot)
		if got := seen(take(ix.Ascend(lo, hi), size), snapshot); !slices.Equal(got, want) {
			t.Errorf("up from %q to %q at %d, batch %d: %d seen, want %d", lo, hi, snapshot, size, len(got), len(want))
		}
		slices.Reverse(want)
		if got := seen(take(ix.Descend(lo, hi), size), snapshot); !slices.Equal(got, want) {
			t.Errorf("down from %q to %q at %d, batch %d: %d seen, want %d", lo, hi, snapshot, size, len(got), len(want))
		}
	}
}

// seen returns those of objects that have a value at snapshot.
func seen(objects []*storage.Object, snapshot uint64) []*storage.Object {
	var found []*storage.Object
	for _, o := range objects {
		if v := o.Visible(snapshot); v != nil && !v.Tombstone() {
			found = append(found, o)
		}
	}
	return found
}

// take walks in batches of up to size, in the order of the walk.
func take(c storage.Cursor, size int) []*storage.Object {
	var all []*storage.Object
	for batch := c.Take(size); len(batch) > 0; batch = c.Take(size) {
		batch = slices.Clone(batch)
		if c.Down() {
			slices.Reverse(batch)
		}
		all = append(all, batch...)
	}
	return all
}
