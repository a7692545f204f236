package enginetest

import (
	"math"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

func testEmpty(t *testing.T, e *engine) {
	if mark := e.Mark(); mark != (storage.Mark{}) {
		t.Errorf("mark %v of an empty engine", mark)
	}
	if n := e.Persisted(); n != 0 {
		t.Errorf("persisted %d of an empty engine", n)
	}
	e.absent("")
	e.absent("a")
	for _, order := range orders {
		if got := e.drain(e.scan(nil, nil, order)); got != nil {
			t.Errorf("an empty engine has %v", got)
		}
	}
	e.sync()
}

// testApply adds, overwrites and deletes, alone and in one call.
func testApply(t *testing.T, e *engine) {
	e.apply(set("a", "1", 10), set("b", "2", 11))
	e.expect("a", "1", 10)
	e.expect("b", "2", 11)
	e.absent("ab")

	e.apply(set("a", "", 12), gone("b", 13), set("c", "3", math.MaxUint64), gone("d", 14))
	e.expect("a", "", 12)
	e.absent("b")
	e.expect("c", "3", math.MaxUint64)
	e.absent("d")

	e.apply(set("b", "again", 0), gone("a", 15))
	e.absent("a")
	e.expect("b", "again", 0)

	// An older timestamp is no business of the engine: what comes last counts.
	e.apply(set("c", "4", 1))
	e.expect("c", "4", 1)

	// A value of nil is an empty one, and not an absent key.
	e.apply(storage.Change{Key: []byte("n"), TS: 16})
	e.expect("n", "", 16)
	e.apply(storage.Change{Key: nil, Value: []byte("v"), TS: 17})
	e.expect("", "v", 17)
	if got, want := e.drain(e.scan(nil, nil, storage.Ascending)), 4; len(got) != want {
		t.Errorf("%v, want %d keys", got, want)
	}
}

// awkwardKeys are in order.
var awkwardKeys = [...]string{
	"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "\x01", "\x01\x00", "\x02",
	"a", "a\x00", "a\x00\x00", "a\x00b", "aa", "a\xff", "a\xff\xff", "b", "\u00e9",
	"\xfe", "\xfe\xff", "\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
}

func testAwkwardKeys(t *testing.T, e *engine) {
	for i, key := range awkwardKeys {
		e.absent(key)
		e.apply(set(key, "v"+key, uint64(i)))
	}
	long := strings.Repeat("\xff\x00", 2000)
	e.apply(set(long, "long", 99))
	e.expect(long, "long", 99)
	e.apply(gone(long, 100))
	for i, key := range awkwardKeys {
		e.expect(key, "v"+key, uint64(i))
	}
	for i, got := range e.drain(e.scan(nil, nil, storage.Ascending)) {
		if want := awkwardKeys[i]; got.key != want {
			t.Fatalf("key %d of a scan is %q, want %q", i, got.key, want)
		}
	}
	for i, key := range awkwardKeys {
		e.apply(gone(key, uint64(100+i)))
		e.absent(key)
	}
}

// testLargeValues has some of a mebibyte, also several in one call, and a call
// with many small changes.
func testLargeValues(t *testing.T, e *engine) {
	big := func(seed byte) string {
		b := make([]byte, 1<<20)
		for i := range b {
			seed = seed*137 + 43 + byte(i>>8)
			b[i] = seed
		}
		return string(b)
	}
	e.apply(set("a", big(1), 1))
	e.apply(set("b", big(2), 2), set("c", big(3), 3), set("d", big(4), 4), set("e", "", 5))
	e.apply(set("a", big(6), 6))
	e.sync()
	e.expect("a", big(6), 6)
	e.expect("b", big(2), 2)
	e.expect("c", big(3), 3)
	e.expect("d", big(4), 4)
	e.expect("e", "", 5)
	many := make([]storage.Change, 10000)
	for i := range many {
		many[i] = set(string([]byte{'m', byte(i >> 8), byte(i)}), "v", uint64(i))
	}
	e.apply(many...)
	if got := e.drain(e.scan([]byte("m"), []byte("n"), storage.Descending)); len(got) != len(many) {
		t.Errorf("%d keys of %d that were applied at once", len(got), len(many))
	}
}
