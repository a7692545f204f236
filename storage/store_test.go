package storage_test

import (
	"slices"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/storage"
)

func newObject(s *storage.Store, key string) *storage.Object {
	return storage.NewObject([]byte(key), s.Hash([]byte(key)))
}

// isIn reports in which of the indexes o is.
func isIn(s *storage.Store, o *storage.Object) (table, ordered bool) {
	return s.Lookup(o.Key(), o.Hash()) == o, slices.Contains(collect(s.Ascend(nil, nil)), o)
}

func wantIn(t *testing.T, s *storage.Store, o *storage.Object, want bool) {
	t.Helper()
	if table, ordered := isIn(s, o); table != want || ordered != want {
		t.Errorf("%q: in the table %v, in order %v, want %v", o.Key(), table, ordered, want)
	}
}

// TestLifeOfAnObject: from its first vote to its removal.
func TestLifeOfAnObject(t *testing.T) {
	s := storage.New()
	o := newObject(s, "key")
	if !o.IsFresh() || o.Head() != nil {
		t.Error("a new object is not fresh")
	}
	wantIn(t, s, o, false)
	if in := s.Adopt(o); in != o || o.IsFresh() {
		t.Error("a new object was not adopted")
	}
	wantIn(t, s, o, true)
	other := newObject(s, "key")
	if in := s.Adopt(other); in != o {
		t.Error("two objects of one key were adopted")
	}
	wantIn(t, s, other, false)

	value, grave := storage.NewVersion([]byte("v"), nil), storage.NewTombstone(nil)
	value.Stamp(2)
	grave.Stamp(3)
	o.Link(value)
	if s.Remove(o) {
		t.Error("removed with a value")
	}
	o.Link(grave)
	if s.Remove(o) {
		t.Error("removed with a value that somebody may still see")
	}
	storage.Unlink(grave)
	o.AnnounceWaiter(storage.Unlocked, storage.Update)
	if s.Remove(o) {
		t.Error("removed while somebody waits")
	}
	o.NoMoreWaiters()
	if !s.Remove(o) || !o.IsDead() || s.Len() != 0 {
		t.Error("not removed")
	}
	wantIn(t, s, o, false)
	if v := o.Visible(9); v != grave {
		t.Error("who holds a dead object does not find its tombstone")
	}
}

// TestForgetGoesByIdentity: completing a removal again and again takes no object
// that has come to the key since.
func TestForgetGoesByIdentity(t *testing.T) {
	s := storage.New()
	old, next := newObject(s, "key"), newObject(s, "key")
	s.Adopt(old)
	old.Kill() // and no further
	wantIn(t, s, old, true)
	if s.Adopt(next) != old {
		t.Error("a key that has a dead object was given another")
	}
	s.Forget(old)
	if s.Adopt(next) != next {
		t.Error("not adopted")
	}
	s.Forget(old)
	wantIn(t, s, next, true)
	if s.Len() != 1 {
		t.Errorf("%d objects", s.Len())
	}
}

// TestOneObjectAKey: goroutines make, lock, and remove objects of a few keys the
// way votes do. Never do two that live have one key; never does a scan meet a key
// twice.
func TestOneObjectAKey(t *testing.T) {
	s, randoms := storage.New(), split(t)
	keys := [...]string{"a", "b", "c"}
	var holders [len(keys)]atomic.Int32
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := randoms(g)
			for range 2_000 {
				at := r.IntN(len(keys))
				o := win(s, keys[at])
				if holders[at].Inc() != 1 {
					t.Errorf("two hold an object of %q", keys[at])
				}
				holders[at].Dec()
				if r.IntN(2) == 0 || !s.Remove(o) {
					o.Lower(storage.Update, storage.Unlocked)
				}
			}
		})
	}
	wg.Go(func() {
		for range 2_000 {
			last := ""
			for _, o := range collect(s.Ascend(nil, nil)) {
				if key := string(o.Key()); key <= last {
					t.Errorf("met %q after %q", key, last)
				} else {
					last = key
				}
			}
		}
	})
	wg.Wait()
	if n := len(collect(s.Ascend(nil, nil))); int64(n) != s.Len() || n > len(keys) {
		t.Errorf("%d objects in order, %d in the table", n, s.Len())
	}
}

// win returns a held object of the key.
func win(s *storage.Store, key string) *storage.Object {
	for {
		o := newObject(s, key)
		if s.Adopt(o) == o {
			return o
		}
		if o = s.Get([]byte(key)); o == nil {
			continue
		}
		switch o.TryLock(storage.Unlocked, storage.Update) {
		case storage.Locked:
			return o
		case storage.Dead:
			s.Forget(o)
		}
	}
}
