package enginetest

import (
	"fmt"

	"github.com/tierceldb/tiercel/storage"
)

// reporter is a *testing.T or a *rapid.T.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// engine ends the test at an error, for in this suite there are none.
type engine struct {
	storage.Engine
	t       reporter
	applied uint64
}

func open(t reporter, opener Opener) *engine {
	t.Helper()
	in, err := opener()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return &engine{Engine: in, t: t, applied: in.Mark().Applied}
}

func (e *engine) close() {
	e.t.Helper()
	if err := e.Close(); err != nil {
		e.t.Fatalf("close: %v", err)
	}
}

// id is that of the store in all tests.
func id() storage.StoreID { return storage.StoreID{0: 7, 15: 0xff} }

// apply makes the changes at the next timestamp.
func (e *engine) apply(changes ...storage.Change) {
	e.t.Helper()
	e.applied++
	if err := e.Apply(changes, storage.Mark{Store: id(), Applied: e.applied}); err != nil {
		e.t.Fatalf("apply: %v", err)
	}
}

func (e *engine) sync() {
	e.t.Helper()
	if err := e.Sync(); err != nil {
		e.t.Fatalf("sync: %v", err)
	}
}

// load returns nil for an absent key.
func (e *engine) load(key string) *pair {
	e.t.Helper()
	var got *pair
	err := e.Load([]byte(key), func(value []byte, ts uint64) {
		if got != nil {
			e.t.Errorf("load %q: found twice", key)
		}
		got = &pair{key, string(value), ts}
	})
	if err != nil {
		e.t.Fatalf("load %q: %v", key, err)
	}
	return got
}

// expect looks one key up.
func (e *engine) expect(key, value string, ts uint64) {
	e.t.Helper()
	if got, want := e.load(key), (pair{key, value, ts}); got == nil || *got != want {
		e.t.Fatalf("load %q: %v, want %v", key, got, want)
	}
}

// absent looks up a key that is not there.
func (e *engine) absent(key string) {
	e.t.Helper()
	if got := e.load(key); got != nil {
		e.t.Fatalf("load %q: %v, want nothing", key, got)
	}
}

// scan opens an iterator, over everything if both bounds are nil.
func (e *engine) scan(lo, hi []byte, order storage.Order) storage.Iterator {
	e.t.Helper()
	it, err := e.Scan(lo, hi, order)
	if err != nil {
		e.t.Fatalf("scan %q to %q: %v", lo, hi, err)
	}
	return it
}

// drain returns what an iterator still has, and closes it.
func (e *engine) drain(it storage.Iterator) []pair {
	e.t.Helper()
	var got []pair
	for it.Next() {
		got = append(got, pair{string(it.Key()), string(it.Value()), it.TS()})
	}
	if err := it.Err(); err != nil {
		e.t.Fatalf("scan: %v", err)
	}
	if it.Next() {
		e.t.Errorf("an iterator went on at %q after its end", it.Key())
	}
	if err := it.Close(); err != nil {
		e.t.Fatalf("close an iterator: %v", err)
	}
	return got
}

// pair is a key with what is stored for it.
type pair struct {
	key, value string
	ts         uint64
}

// String leaves out the middle of what is long.
func (p pair) String() string {
	if len(p.value) > 40 {
		return fmt.Sprintf("%q: %q… of %d bytes at %d", p.key, p.value[:20], len(p.value), p.ts)
	}
	return fmt.Sprintf("%q: %q at %d", p.key, p.value, p.ts)
}

// set and gone are changes.
func set(key, value string, ts uint64) storage.Change {
	return storage.Change{Key: []byte(key), Value: []byte(value), TS: ts}
}

func gone(key string, ts uint64) storage.Change {
	return storage.Change{Key: []byte(key), TS: ts, Delete: true}
}
