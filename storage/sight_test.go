package storage_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// rest walks to the end of a scan, and returns what it sees as key=value. All of it has
// to be valid to the end.
func rest(t *testing.T, s *storage.Sight) []string {
	t.Helper()
	var keys [][]byte
	var versions []*storage.Version
	for {
		key, v, err := s.Next()
		if err != nil {
			t.Error(err)
		}
		if key == nil {
			break
		}
		keys, versions = append(keys, key), append(versions, v)
	}
	var seen []string
	for i, key := range keys {
		checkBytes(t, len(key), key, key)
		seen = append(seen, fmt.Sprintf("%s=%s", key, versions[i].Value()))
	}
	if key, v, err := s.Next(); key != nil || v != nil || err != nil {
		t.Error("the end is not the end")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return seen
}

func (w *world) wantSeen(lo, hi []byte, snapshot uint64, want ...string) {
	w.t.Helper()
	for _, order := range []storage.Order{storage.Ascending, storage.Descending} {
		if got := rest(w.t, w.Sight(lo, hi, order, snapshot)); !slices.Equal(got, want) {
			w.t.Errorf("order %d at %d: %v, want %v", order, snapshot, got, want)
		}
		slices.Reverse(want)
	}
	if w.engine.open != 0 || w.Views() != 0 {
		w.t.Errorf("%d iterators and %d views are open", w.engine.open, w.Views())
	}
}

// TestSight: a scan sees what is in memory only, in the engine only, and in both; a
// tombstone in memory hides what is in the engine, and so does a newer value.
func TestSight(t *testing.T) {
	w := newWorld(t, plenty)
	for _, key := range []string{"b", "d", "f", "h"} {
		w.only(key, "1")
	}
	w.wantFound("h", w.now, "1") // loaded
	old := w.now
	w.commit("a", "2")
	w.commit("b", "2")
	w.commit("d", "")
	w.commit("i", "2")
	w.write("f", "pending")
	w.write("g", "pending")
	w.wantSeen(nil, nil, old, "b=1", "d=1", "f=1", "h=1")
	w.wantSeen(nil, nil, w.now, "a=2", "b=2", "f=1", "h=1", "i=2")
	w.wantSeen([]byte("b"), []byte("i"), w.now, "b=2", "f=1", "h=1")
	w.wantSeen([]byte("c"), []byte("e"), w.now)
	w.wantSeen(nil, []byte{}, w.now)
	w.apply()
	w.wantSeen(nil, nil, old, "b=1", "d=1", "f=1", "h=1")
	w.wantSeen(nil, nil, w.now, "a=2", "b=2", "f=1", "h=1", "i=2")
}

// TestSightOfEngineAlone: and of memory alone.
func TestSightOfEngineAlone(t *testing.T) {
	w := newWorld(t, nothing)
	w.commit("b", "1")
	w.commit("a", "1")
	w.wantSeen(nil, nil, w.now, "a=1", "b=1")
	w.settle()
	w.wantObjects(0)
	w.wantSeen(nil, nil, w.now, "a=1", "b=1")
	w.wantSeen(nil, nil, w.now-1, "b=1") // which snapshot it is, the engine's timestamps tell
}

// TestViewKeepsWhatIsApplied: rule 7. What is applied after the iterator was opened does
// not leave memory.
func TestViewKeepsWhatIsApplied(t *testing.T) {
	w := newWorld(t, nothing)
	w.only("a", "old")
	w.only("b", "old")
	x, y := w.commit("b", "new"), w.commit("c", "new")
	s := w.Sight(nil, nil, storage.Ascending, w.now)
	w.apply()
	purge(x.object)
	w.want(x, w.now, storage.Later)
	w.want(y, w.now, storage.Later)
	if got := rest(t, s); !slices.Equal(got, []string{"a=old", "b=new", "c=new"}) {
		t.Error(got)
	}
	w.want(x, w.now, storage.Gone)
	w.want(y, w.now, storage.Gone)
	w.Quiesce()
	w.wantObjects(0)
}

// TestOldestView: of two views the older one counts, for as long as it is open.
func TestOldestView(t *testing.T) {
	w := newWorld(t, nothing)
	s := w.Sight(nil, nil, storage.Ascending, w.now)
	x := w.commit("a", "v")
	w.apply()
	younger := w.Sight(nil, nil, storage.Ascending, w.now)
	y := w.commit("b", "v")
	w.apply()
	w.want(x, w.now, storage.Later)
	s.Close()
	s.Close()
	w.want(x, w.now, storage.Gone)
	w.want(y, w.now, storage.Later)
	younger.Close()
	w.want(y, w.now, storage.Gone)
}

// TestViewIsRegisteredFirst: something is applied while the iterator is being opened,
// which has not got it.
func TestViewIsRegisteredFirst(t *testing.T) {
	w := newWorld(t, nothing)
	x := w.commit("k", "v")
	w.engine.onScanned = func() {
		w.apply()
		w.want(x, w.now, storage.Later)
	}
	s := w.Sight(nil, nil, storage.Ascending, w.now)
	if got := rest(t, s); !slices.Equal(got, []string{"k=v"}) {
		t.Error(got)
	}
}

// TestMemoryComesSecond: something is applied before the iterator is opened. What the
// snapshot sees is in memory only then, in an object that was not there before.
func TestMemoryComesSecond(t *testing.T) {
	for _, by := range []string{"new", ""} {
		w := newWorld(t, nothing)
		w.only("k", "old")
		snapshot := w.now
		w.engine.onScan = func() error {
			w.commit("k", by)
			w.apply()
			return nil
		}
		s := w.Sight(nil, nil, storage.Ascending, snapshot)
		w.engine.onScan = nil
		if got := rest(t, s); !slices.Equal(got, []string{"k=old"}) {
			t.Errorf("overwritten by %q: %v", by, got)
		}
	}
}

// TestSightSkipsWhatComesBehind: the leaf under a descending scan is emptied and
// dropped, and the leaf before it takes a key that the scan has passed, with a version
// that it has seen already.
func TestSightSkipsWhatComesBehind(t *testing.T) {
	w := newWorld(t, plenty)
	const n = 2*storage.LeafSize - 1 // fills one leaf and a part of another
	name := func(i int) string { return fmt.Sprintf("k%03d", i) }
	for i := range n {
		w.commit(name(i), "old")
	}
	w.settle()
	snapshot := w.now
	s := w.Sight(nil, nil, storage.Descending, snapshot)
	for i := n - 1; i > n-4; i-- {
		if key, _, err := s.Next(); string(key) != name(i) || err != nil {
			t.Fatalf("%s, %v", key, err)
		}
	}
	leaves := w.Leaves()
	for i := range n {
		w.drop(name(i))
	}
	if w.wantObjects(0); leaves < 2 || w.Leaves() != 1 {
		t.Fatalf("%d leaves, and then %d", leaves, w.Leaves())
	}
	w.commit(name(n-1), "new")
	w.apply() // hangs the old one
	want := []string{}
	for i := n - 4; i >= 0; i-- {
		want = append(want, name(i)+"=old")
	}
	if got := rest(t, s); !slices.Equal(got, want) {
		t.Errorf("%d keys, want %d: %v", len(got), len(want), got)
	}
}

// TestSightFails: what the engine says comes out, once it is met.
func TestSightFails(t *testing.T) {
	broken := errors.New("broken")
	w := newWorld(t, plenty)
	w.only("a", "v")
	w.commit("b", "v")
	fails := func(s *storage.Sight) {
		t.Helper()
		for range 2 {
			if key, _, err := s.Next(); key != nil || !errors.Is(err, broken) {
				t.Errorf("%s, %v", key, err)
			}
		}
		if s.Close(); w.Views() != 0 || w.engine.open != 0 {
			t.Error("something is open")
		}
	}
	w.engine.onScan = func() error { return broken }
	fails(w.Sight(nil, nil, storage.Ascending, w.now))
	w.engine.onScan, w.engine.onNext = nil, func() error { return broken }
	fails(w.Sight(nil, nil, storage.Ascending, w.now))
	w.engine.onNext = nil
	s := w.Sight(nil, nil, storage.Ascending, w.now)
	w.engine.onNext = func() error { return broken }
	if key, _, err := s.Next(); string(key) != "a" || err != nil {
		t.Errorf("%s, %v", key, err)
	}
	fails(s)
}
