package enginetest

import (
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// testMark applies marks with and without changes.
func testMark(t *testing.T, e *engine) {
	marks := []storage.Mark{{Store: id()}, {Store: id(), Applied: 1}, {Store: id(), Applied: 1 << 60}}
	for i, mark := range marks {
		var changes []storage.Change
		if i == 1 {
			changes = append(changes, set("k", "v", 1))
		}
		if err := e.Apply(changes, mark); err != nil {
			t.Fatalf("apply: %v", err)
		}
		if got := e.Mark(); got != mark {
			t.Fatalf("mark %v after an Apply with %v", got, mark)
		}
	}
	for _, order := range orders {
		if got := e.drain(e.scan(nil, nil, order)); len(got) != 1 {
			t.Errorf("one key was applied, and %v found", got)
		}
	}
}

// testPersisted looks at it after every call.
func testPersisted(t *testing.T, e *engine) {
	last := uint64(0)
	look := func() uint64 {
		t.Helper()
		got := e.Persisted()
		if got < last || got > e.Mark().Applied {
			t.Fatalf("persisted %d, after %d, of %d applied", got, last, e.Mark().Applied)
		}
		last = got
		return got
	}
	for i := range 500 {
		e.apply(set(fmt.Sprint(i%50), fmt.Sprint(i), uint64(i)))
		look()
		if i%100 == 99 {
			e.sync()
			if got := look(); got != e.applied {
				t.Fatalf("persisted %d after a Sync, of %d applied", got, e.applied)
			}
		}
	}
	e.sync()
	e.sync()
	look()
}

// testReopen closes the engine after a Sync, several times over.
func testReopen(t *testing.T, fresh func(t *testing.T) Opener) {
	opener := fresh(t)
	e := open(t, opener)
	if err := e.Apply(nil, storage.Mark{Store: id()}); err != nil {
		t.Fatalf("apply: %v", err)
	}
	e.sync()
	e.close()
	for round := range uint64(5) {
		e = open(t, opener)
		if got, want := e.Mark(), (storage.Mark{Store: id(), Applied: 2 * round}); got != want {
			t.Fatalf("mark %v after it was opened again, want %v", got, want)
		}
		if got := e.Persisted(); got != 2*round {
			t.Fatalf("persisted %d after it was opened again at %d", got, 2*round)
		}
		if round > 0 {
			e.expect("always", fmt.Sprint(round-1), round-1)
			e.expect(fmt.Sprint("round ", round-1), "", 5)
			e.absent("never")
		}
		e.apply(set("always", fmt.Sprint(round), round), set("never", "", 1))
		e.apply(gone("never", 2), set(fmt.Sprint("round ", round), "", 5))
		e.sync()
		e.close()
	}
}

// testReopenWithoutSync may find any of the states since the last Sync, and no
// mixture.
func testReopenWithoutSync(t *testing.T, fresh func(t *testing.T) Opener) {
	opener := fresh(t)
	least := uint64(0)
	for range 5 {
		e := open(t, opener)
		n := e.applied
		if n < least {
			t.Fatalf("mark %d after it was opened again, but %d had been persisted", n, least)
		}
		if n > 0 {
			e.expect("n", fmt.Sprint(n), n)
			e.expect(fmt.Sprint(n), "", n)
		}
		e.absent(fmt.Sprint(n + 1))
		for i := n + 1; i <= n+100; i++ {
			e.apply(set("n", fmt.Sprint(i), i), gone(fmt.Sprint(i-1), i), set(fmt.Sprint(i), "", i))
			if i == n+50 {
				e.sync()
			}
		}
		least = max(n+50, e.Persisted())
		e.close()
	}
}
