package storage_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/storage"
)

// naiveTable is what the table has to be equal to: a Go map under a mutex.
type naiveTable struct {
	mu sync.Mutex // protects following fields
	m  map[string]*storage.Object
}

func newNaiveTable() *naiveTable { return &naiveTable{m: make(map[string]*storage.Object)} }

func (n *naiveTable) insert(o *storage.Object) *storage.Object {
	n.mu.Lock()
	defer n.mu.Unlock()
	if in, found := n.m[string(o.Key())]; found {
		return in
	}
	n.m[string(o.Key())] = o
	return o
}

func (n *naiveTable) lookup(key []byte) *storage.Object {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.m[string(key)]
}

func (n *naiveTable) remove(o *storage.Object) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m[string(o.Key())] == o {
		delete(n.m, string(o.Key()))
	}
}

// hashing is how a test chooses the hashes of its keys.
type hashing struct {
	name string
	of   func(t storage.Table, number int) uint64
	keys int
}

func hashings() []hashing {
	return []hashing{
		{"own", func(t storage.Table, number int) uint64 { return t.Hash(keyOf(number)) }, 10_000},
		{"one shard", func(_ storage.Table, number int) uint64 { return uint64(number) + 1 }, 2_000},
		{"seven hashes", func(_ storage.Table, number int) uint64 { return uint64(number%7) + 1 }, 200},
	}
}

func keyOf(number int) []byte { return fmt.Appendf(nil, "key %d", number) }

// TestTableAgainstMap: random inserts, lookups and removals, in waves that fill
// the table and empty it again, so that its arrays are rebuilt larger and smaller.
func TestTableAgainstMap(t *testing.T) {
	for _, h := range hashings() {
		t.Run(h.name, func(t *testing.T) {
			r, table, naive := random(t), storage.NewTable(), newNaiveTable()
			largest, smallest := 0, 0
			for wave := range 6 {
				for range 6 * h.keys {
					tableOp(t, r, h, table, naive, wave%2 == 0)
				}
				cells, _, _ := table.Cells(1)
				largest = max(largest, cells)
				if wave%2 == 1 {
					smallest = max(smallest, cells)
				}
			}
			if smallest >= largest {
				t.Errorf("the array of the first shard had %d cells when full, and %d when emptied", largest, smallest)
			}
			compareTable(t, h, table, naive)
		})
	}
}

func tableOp(t *testing.T, r *rand.Rand, h hashing, table storage.Table, naive *naiveTable, filling bool) {
	number := r.IntN(h.keys)
	key, hash := keyOf(number), h.of(table, number)
	// A probe ends at an empty cell, so there have to be some.
	if cells, used, live := table.Cells(hash); used > cells*3/4 || live > used {
		t.Fatalf("%d cells, %d used, %d live", cells, used, live)
	}
	inserts := 0
	if filling {
		inserts = 6
	}
	switch op := r.IntN(10); {
	case op < inserts:
		o := storage.NewObject(key, hash)
		if got, want := table.Insert(o), naive.insert(o); got != want {
			t.Fatalf("insert %q: got %p, want %p", key, got, want)
		}
	case op < 7:
		if o := naive.lookup(key); o != nil {
			table.Remove(o)
			naive.remove(o)
		}
	case op < 8: // a stranger with the same key
		table.Remove(storage.NewObject(key, hash))
	default:
		if got, want := table.Lookup(key, hash), naive.lookup(key); got != want {
			t.Fatalf("lookup %q: got %p, want %p", key, got, want)
		}
	}
}

func compareTable(t *testing.T, h hashing, table storage.Table, naive *naiveTable) {
	for number := range h.keys {
		key := keyOf(number)
		if got, want := table.Lookup(key, h.of(table, number)), naive.lookup(key); got != want {
			t.Errorf("lookup %q: got %p, want %p", key, got, want)
		}
	}
	if got, want := table.Len(), int64(len(naive.m)); got != want {
		t.Errorf("%d objects, want %d", got, want)
	}
}

// TestTableShrinksToNothing: an emptied shard goes back to its first size.
func TestTableShrinksToNothing(t *testing.T) {
	table := storage.NewTable()
	var objects []*storage.Object
	for i := range 5_000 {
		o := storage.NewObject(keyOf(i), uint64(i)+1)
		table.Insert(o)
		objects = append(objects, o)
	}
	if cells, _, live := table.Cells(1); cells < live*4/3 || live != len(objects) {
		t.Errorf("full: %d cells for %d objects", cells, live)
	}
	for i, o := range objects {
		table.Remove(o)
		if i%100 == 0 {
			table.Remove(o) // does nothing
		}
	}
	if cells, used, live := table.Cells(1); cells > 2*storage.MinCells || used > cells*3/4 || live != 0 {
		t.Errorf("emptied: %d cells, %d used, %d live", cells, used, live)
	}
}

// TestTableConcurrently: goroutines insert and remove objects with the same few
// keys, while one third of the keys is never removed. Whoever's object was taken
// has the key for itself until it removes it, by identity; what is never removed
// is found by every lookup, whatever is rebuilt in the meantime.
func TestTableConcurrently(t *testing.T) {
	for _, h := range hashings() {
		t.Run(h.name, func(t *testing.T) {
			table, randoms := storage.NewTable(), split(t)
			owned := make([]atomic.Int32, h.keys)
			lasting := make([]*storage.Object, h.keys)
			for number := 0; number < h.keys; number += 3 {
				lasting[number] = storage.NewObject(keyOf(number), h.of(table, number))
				table.Insert(lasting[number])
			}
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					c := tableChurn{t: t, h: h, table: table, owned: owned, lasting: lasting}
					c.run(randoms(g), 40)
				})
			}
			wg.Wait()
			if got, want := table.Len(), int64((h.keys+2)/3); got != want {
				t.Errorf("%d objects are left, want %d", got, want)
			}
		})
	}
}

type tableChurn struct {
	t       *testing.T
	h       hashing
	table   storage.Table
	owned   []atomic.Int32    // by number: taken by so many
	lasting []*storage.Object // by number: never removed
	mine    []*storage.Object
	numbers []int // of mine
}

func (c *tableChurn) run(r *rand.Rand, rounds int) {
	for range rounds {
		for range 100 {
			c.insert(r.IntN(c.h.keys))
			c.check(r.IntN(c.h.keys))
		}
		for len(c.mine) > 0 {
			c.remove()
			c.check(r.IntN(c.h.keys))
		}
		runtime.Gosched()
	}
}

func (c *tableChurn) insert(number int) {
	o := storage.NewObject(keyOf(number), c.h.of(c.table, number))
	if c.table.Insert(o) != o {
		return
	}
	if c.lasting[number] != nil || c.owned[number].Inc() != 1 {
		c.t.Errorf("%q was inserted twice", o.Key())
	}
	c.mine, c.numbers = append(c.mine, o), append(c.numbers, number)
}

func (c *tableChurn) remove() {
	last := len(c.mine) - 1
	o, number := c.mine[last], c.numbers[last]
	if got := c.table.Lookup(o.Key(), o.Hash()); got != o {
		c.t.Errorf("%q: found %p, want %p", o.Key(), got, o)
	}
	c.owned[number].Dec()
	c.table.Remove(o)
	if got := c.table.Lookup(o.Key(), o.Hash()); got == o {
		c.t.Errorf("%q is found after its removal", o.Key())
	}
	c.mine, c.numbers = c.mine[:last], c.numbers[:last]
}

func (c *tableChurn) check(number int) {
	key := keyOf(number)
	got := c.table.Lookup(key, c.h.of(c.table, number))
	if want := c.lasting[number]; want != nil && got != want {
		c.t.Errorf("%q: found %p, want %p, which is never removed", key, got, want)
	}
	if got != nil && string(got.Key()) != string(key) {
		c.t.Errorf("%q: found the object of %q", key, got.Key())
	}
}
