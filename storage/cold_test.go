package storage_test

import (
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// world is a store above an engine, with a committer and an applier for one goroutine.
type world struct {
	t *testing.T
	*storage.Store
	engine *engine
	now    uint64 // last commit timestamp
	log    []written
}

type written struct {
	object  *storage.Object
	version *storage.Version
}

func newWorld(t *testing.T, cacheBytes int64) *world {
	w := &world{t: t, Store: storage.New(), engine: new(engine), now: 1}
	if err := w.Attach(w.engine, cacheBytes); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Detach)
	return w
}

// commit writes a value, or a tombstone for "", and returns the version.
func (w *world) commit(key, value string) written {
	state := new(storage.State)
	v := storage.NewTombstone(state)
	if value != "" {
		v = storage.NewVersion([]byte(value), state)
	}
	o := w.lock(key)
	w.Enlist(o)
	o.Link(v)
	w.now++
	state.Commit(w.now)
	v.Stamp(w.now)
	o.Lower(storage.Update, storage.Unlocked)
	w.log = append(w.log, written{o, v})
	return written{o, v}
}

// lock returns the object with the key, locked.
func (w *world) lock(key string) *storage.Object {
	hash := w.Hash([]byte(key))
	for {
		o := w.Lookup([]byte(key), hash)
		if o == nil {
			o = storage.NewObject([]byte(key), hash)
			if w.Adopt(o) == o {
				return o
			}
			continue
		}
		switch o.TryLock(storage.Unlocked, storage.Update) {
		case storage.Locked:
			return o
		case storage.Dead:
			w.Forget(o)
		}
	}
}

// apply gives the engine all that was committed, and returns it.
func (w *world) apply() []written {
	all := w.log
	w.log = nil
	for _, x := range all {
		w.applyOne(x)
	}
	w.SetApplied(w.now)
	return all
}

func (w *world) applyOne(x written) {
	c := storage.Change{Key: x.object.Key(), TS: x.version.CommitTS(), Delete: x.version.Tombstone()}
	if !c.Delete {
		c.Value = x.version.Value()
	}
	if err := w.engine.Apply([]storage.Change{c}, storage.Mark{Applied: w.now}); err != nil {
		w.t.Fatal(err)
	}
}

// purge unlinks all that was superseded. Nobody reads at an older snapshot.
func (w *world) purge(o *storage.Object) {
	for v := o.Head(); v != nil && v.Older() != nil; {
		storage.Unlink(v)
	}
}

// find returns the value that a snapshot finds, "" for none.
func (w *world) find(key string, snapshot uint64) string {
	w.t.Helper()
	_, v, err := w.Find(nil, []byte(key), w.Hash([]byte(key)), snapshot)
	if err != nil {
		w.t.Errorf("%s at %d: %v", key, snapshot, err)
	}
	if !v.HasValue() {
		return ""
	}
	return string(v.Value())
}

// TestColdRoundTrip: what was committed is read from memory, from the engine, and
// from memory again; a scan sees the same.
func TestColdRoundTrip(t *testing.T) {
	w := newWorld(t, 1)
	for i := range 10 {
		w.commit(fmt.Sprint("k", i), fmt.Sprint("v", i))
	}
	w.commit("k3", "")
	for _, x := range w.apply() {
		w.purge(x.object)
		if got := w.Settle(x.object, x.version, w.now); got != storage.Gone {
			t.Errorf("%s: %v", x.object.Key(), got)
		}
	}
	w.Quiesce()
	if got := w.Memory(); got.Objects != 0 || got.CacheBytes != 0 || got.Evicted != 10 {
		t.Errorf("%+v", got)
	}
	for i := range 10 {
		want := fmt.Sprint("v", i)
		if i == 3 {
			want = ""
		}
		if got := w.find(fmt.Sprint("k", i), w.now); got != want {
			t.Errorf("k%d: %q, want %q", i, got, want)
		}
	}
	for _, order := range []storage.Order{storage.Ascending, storage.Descending} {
		s := w.Sight(nil, nil, order, w.now)
		n := 0
		for key, v, err := s.Next(); key != nil; key, v, err = s.Next() {
			if n++; err != nil || string(v.Value()) != "v"+string(key[1:]) {
				t.Errorf("%s: %q, %v", key, v.Value(), err)
			}
		}
		if err := s.Close(); n != 9 || err != nil {
			t.Errorf("%d keys, %v", n, err)
		}
	}
}
