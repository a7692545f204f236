package storage_test

import (
	"context"
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

// nothing and plenty are sizes of a cache.
const nothing, plenty = 1, 1 << 20

func newWorld(t *testing.T, cacheBytes int64) *world {
	w := &world{t: t, Store: storage.New(), engine: new(engine), now: 1}
	if err := w.Attach(w.engine, cacheBytes); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Detach)
	return w
}

// commit writes a value, or a tombstone for "".
func (w *world) commit(key, value string) written {
	x := w.write(key, value)
	w.now++
	x.version.State().Commit(w.now)
	x.version.Stamp(w.now)
	x.object.Lower(storage.Update, storage.Unlocked)
	w.log = append(w.log, x)
	return x
}

// write is the vote for a commit.
func (w *world) write(key, value string) written {
	state := new(storage.State)
	v := storage.NewTombstone(state)
	if value != "" {
		v = storage.NewVersion([]byte(value), state)
	}
	o := w.lock(key)
	w.Enlist(o)
	o.Link(v)
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
		case storage.Owned:
			w.t.Fatalf("%s is locked", key)
		}
	}
}

// apply gives the engine all that was committed. What it overwrites there it hangs at
// the end of the chain.
func (w *world) apply() []written {
	all := w.log
	w.log = nil
	for _, x := range all {
		w.hang(x)
		w.write1(x)
	}
	w.SetApplied(w.now)
	return all
}

func (w *world) hang(x written) {
	old, err := w.Base(x.object.Key())
	if err != nil {
		w.t.Fatal(err)
	}
	if old != nil {
		x.object.Hang(old)
	}
}

func (w *world) write1(x written) {
	c := storage.Change{Key: x.object.Key(), TS: x.version.CommitTS(), Delete: x.version.Tombstone()}
	if !c.Delete {
		c.Value = x.version.Value()
	}
	if err := w.engine.Apply([]storage.Change{c}, storage.Mark{Applied: w.now}); err != nil {
		w.t.Fatal(err)
	}
}

// purge unlinks all that was superseded. Nobody reads at an older snapshot.
func purge(o *storage.Object) {
	for v := o.Head(); v != nil && v.Older() != nil; {
		storage.Unlink(v)
	}
}

// settle applies all that was committed, and settles it: nobody reads at an older
// snapshot.
func (w *world) settle() {
	w.t.Helper()
	for _, x := range w.apply() {
		purge(x.object)
		w.want(x, w.now, storage.Gone)
	}
	w.Quiesce()
}

// want settles x.
func (w *world) want(x written, horizon uint64, want storage.Settled) {
	w.t.Helper()
	if got := w.Settle(x.object, x.version, horizon); got != want {
		w.t.Errorf("%s at horizon %d is settled as %v, want %v", x.object.Key(), horizon, got, want)
	}
}

// only commits and settles a value that the cache has no room for.
func (w *world) only(key, value string) written {
	w.t.Helper()
	x := w.commit(key, value)
	w.settle()
	w.drop(key)
	w.wantObjects(0)
	return x
}

// drop lets the cache give up the key.
func (w *world) drop(key string) { w.Drop(w.Hash([]byte(key))) }

func (w *world) wantObjects(n int64) {
	w.t.Helper()
	if got := w.Memory().Objects; got != n {
		w.t.Errorf("%d objects are in memory, want %d", got, n)
	}
}

// find returns the value that a snapshot finds, "" for none.
func (w *world) find(key string, snapshot uint64) string {
	w.t.Helper()
	_, v, err := w.Find(context.Background(), []byte(key), w.Hash([]byte(key)), snapshot)
	if err != nil {
		w.t.Errorf("%s at %d: %v", key, snapshot, err)
	}
	return value(v)
}

func value(v *storage.Version) string {
	if !v.HasValue() {
		return ""
	}
	return string(v.Value())
}

func (w *world) wantFound(key string, snapshot uint64, want string) {
	w.t.Helper()
	if got := w.find(key, snapshot); got != want {
		w.t.Errorf("%s at %d is %q, want %q", key, snapshot, got, want)
	}
}

// TestColdRoundTrip: what was committed is read from memory, from the engine, and
// from memory again; a scan sees the same.
func TestColdRoundTrip(t *testing.T) {
	w := newWorld(t, plenty)
	for i := range 10 {
		w.commit(fmt.Sprint("k", i), fmt.Sprint("v", i))
	}
	w.commit("k3", "")
	w.settle()
	w.wantObjects(9)
	check := func() {
		t.Helper()
		for i := range 10 {
			want := fmt.Sprint("v", i)
			if i == 3 {
				want = ""
			}
			w.wantFound(fmt.Sprint("k", i), w.now, want)
		}
	}
	check()
	if got := w.Memory(); got.Loads != 1 || got.Loaded != 0 || got.CacheBytes == 0 { // k3
		t.Errorf("%+v", got)
	}
	for i := range 10 {
		w.drop(fmt.Sprint("k", i))
	}
	w.wantObjects(0)
	check()
	check()
	if got := w.Memory(); got.Objects != 9 || got.Loads != 12 || got.Loaded != 9 || got.Evicted != 10 {
		t.Errorf("%+v", got)
	}
}

// TestNothingToKeep: a cache too small for anything.
func TestNothingToKeep(t *testing.T) {
	w := newWorld(t, nothing)
	w.commit("k", "v")
	w.settle()
	for range 3 {
		w.wantFound("k", w.now, "v")
		w.Quiesce()
		w.wantObjects(0)
	}
	if got := w.Memory(); got.Loads != 3 || got.CacheBytes != 0 {
		t.Errorf("%+v", got)
	}
}

// TestFindWithoutEngine: a store that is all in memory finds what is there.
func TestFindWithoutEngine(t *testing.T) {
	w := &world{t: t, Store: storage.New(), now: 1}
	x := w.commit("k", "v")
	w.wantFound("k", 2, "v")
	w.wantFound("k", 1, "")
	w.wantFound("x", 2, "")
	w.Touch(x.object.Hash())
	w.want(x, 2, storage.Gone)
	w.Detach()
	if w.HasEngine() || w.Memory() != (storage.Memory{Objects: 1}) {
		t.Errorf("%v, %+v", w.HasEngine(), w.Memory())
	}
	if v, err := w.Base([]byte("k")); v != nil || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	for key, want := range map[string]*storage.Object{"k": x.object, "x": nil} {
		if o, err := w.Promote(context.Background(), []byte(key), w.Hash([]byte(key))); o != want || err != nil {
			t.Errorf("%s: %v, %v", key, o, err)
		}
	}
	s := w.Sight(nil, nil, storage.Ascending, 2)
	if key, v, err := s.Next(); string(key) != "k" || value(v) != "v" || err != nil {
		t.Errorf("%q, %v, %v", key, v, err)
	}
	if key, _, err := s.Next(); key != nil || err != nil || s.Close() != nil {
		t.Errorf("%q, %v", key, err)
	}
}

// TestShell: an object without a committed version does not hide the engine's value,
// neither while a writer has it nor when it is removed.
func TestShell(t *testing.T) {
	w := newWorld(t, plenty)
	w.only("k", "v")
	x := w.write("k", "new")
	o, v, err := w.Find(context.Background(), []byte("k"), x.object.Hash(), w.now)
	if o != x.object || value(v) != "v" || err != nil {
		t.Errorf("%v, %v, %v", o, v, err)
	}
	if got := w.Memory(); got.Loaded != 0 || got.Objects != 1 {
		t.Errorf("%+v", got)
	}
	if x.version.State().Commit(w.now + 1); w.find("k", w.now+1) != "new" || w.find("k", w.now) != "v" {
		t.Error("a version that is committed and not stamped")
	}
	y := w.write("other", "x")
	y.object.Undo(y.version)
	if !w.Remove(y.object) || w.find("other", w.now) != "" {
		t.Error("an object without versions")
	}
}

// TestRemoveLeavesTombstones: above an engine a tombstone hides what the engine has.
func TestRemoveLeavesTombstones(t *testing.T) {
	w := newWorld(t, plenty)
	w.only("k", "v")
	x := w.commit("k", "")
	if o := w.lock("k"); w.Remove(o) || o != x.object {
		t.Error("removed")
	} else {
		o.Lower(storage.Update, storage.Unlocked)
	}
	w.wantFound("k", w.now, "")
	w.settle()
	w.wantObjects(0)
	w.wantFound("k", w.now, "")
}

// TestOnlyReads: what is loaded leaves again if nothing is ever written.
func TestOnlyReads(t *testing.T) {
	before := newWorld(t, plenty)
	for i := range 1_000 {
		before.commit(fmt.Sprint("k", i), "v")
	}
	before.settle()
	w := &world{t: t, Store: storage.New(), engine: before.engine, now: before.now}
	if err := w.Attach(w.engine, 1<<14); err != nil {
		t.Fatal(err)
	}
	defer w.Detach()
	for range 2 {
		for i := range 1_000 {
			w.wantFound(fmt.Sprint("k", i), w.now, "v")
		}
	}
	w.Quiesce()
	if got := w.Memory(); got.Objects == 0 || got.Objects > 100 || got.CacheBytes > 1<<14 {
		t.Errorf("%+v", got)
	}
}
