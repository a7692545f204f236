package enginetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

var orders = [...]storage.Order{storage.Ascending, storage.Descending}

// testBounds scans between all pairs of keys that are there and keys that are not.
func testBounds(t *testing.T, e *engine) {
	all := content{}
	for i, key := range awkwardKeys {
		if i%3 != 1 {
			all[key] = pair{key, fmt.Sprint(i), uint64(i)}
			e.apply(set(key, fmt.Sprint(i), uint64(i)))
		}
	}
	e.sync()
	e.apply(gone(awkwardKeys[3], 1), set(awkwardKeys[2], "new", 2))
	delete(all, awkwardKeys[3])
	all[awkwardKeys[2]] = pair{awkwardKeys[2], "new", 2}

	bounds := [][]byte{nil}
	for _, key := range awkwardKeys {
		bounds = append(bounds, []byte(key))
	}
	for _, lo := range bounds {
		for _, hi := range bounds {
			for _, order := range orders {
				got := e.drain(e.scan(lo, hi, order))
				if want := all.between(lo, hi, order); !slices.Equal(got, want) {
					t.Fatalf("scan %q to %q, order %d (nil: %t):\n%v, want\n%v", lo, hi, order, hi == nil, got, want)
				}
			}
		}
	}
}

// testIterator closes iterators early, and has many at a time.
func testIterator(t *testing.T, e *engine) {
	for i := range 10 {
		e.apply(set(fmt.Sprint(i), "v", uint64(i)))
	}
	unused := e.scan(nil, nil, storage.Ascending)
	var open []storage.Iterator
	for i := range 20 {
		it := e.scan(nil, nil, orders[i%2])
		for range i % 5 {
			if !it.Next() {
				t.Fatalf("an iterator ended before its time: %v", it.Err())
			}
		}
		open = append(open, it)
	}
	for i, it := range open {
		if got, want := len(e.drain(it)), 10-i%5; got != want {
			t.Errorf("%d keys left, want %d", got, want)
		}
	}
	if err := unused.Close(); err != nil {
		t.Errorf("close an iterator: %v", err)
	}
	half := e.scan(nil, []byte("5"), storage.Descending)
	if !half.Next() || string(half.Key()) != "4" {
		t.Errorf("the first key below 5 is %q", half.Key())
	}
	if err := half.Close(); err != nil {
		t.Errorf("close an iterator: %v", err)
	}
}

// testView applies, syncs and applies again below open iterators.
func testView(t *testing.T, e *engine) {
	all := content{}
	put := func(from, to int, value string) {
		var changes []storage.Change
		for i := from; i < to; i++ {
			key := fmt.Sprintf("%03d", i)
			all[key] = pair{key, value, uint64(i)}
			changes = append(changes, set(key, value, uint64(i)))
		}
		e.apply(changes...)
	}
	put(100, 200, "first")
	ascending, descending := e.scan(nil, nil, storage.Ascending), e.scan(nil, nil, storage.Descending)
	part := e.scan([]byte("120"), []byte("180"), storage.Ascending)
	for range 30 {
		part.Next()
	}
	want := all.between(nil, nil, storage.Ascending)
	put(150, 250, "second")
	e.sync()
	put(50, 150, "third")
	e.apply(gone("100", 1), gone("160", 2), gone("240", 3))
	e.sync()
	if got := e.drain(ascending); !slices.Equal(got, want) {
		t.Errorf("a scan opened before has %v", got)
	}
	if got := e.drain(part); !slices.Equal(got, want[50:80]) {
		t.Errorf("the rest of a scan begun before has %v", got)
	}
	slices.Reverse(want)
	if got := e.drain(descending); !slices.Equal(got, want) {
		t.Errorf("a descending scan opened before has %v", got)
	}
	for _, key := range []string{"100", "160", "240"} {
		delete(all, key)
	}
	if got, want := e.drain(e.scan(nil, nil, storage.Ascending)), all.between(nil, nil, storage.Ascending); !slices.Equal(got, want) {
		t.Errorf("a scan opened after has %v, want %v", got, want)
	}
}
