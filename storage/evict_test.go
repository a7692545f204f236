package storage_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// TestRewrittenIsNotDropped: the cache gives up an object that was written since it
// got it. It stays, and is settled by its newest version.
func TestRewrittenIsNotDropped(t *testing.T) {
	w := newWorld(t, plenty)
	w.commit("k", "old")
	w.settle()
	x := w.commit("k", "new")
	purge(x.object) // nobody reads what is older
	w.drop("k")
	w.wantFound("k", w.now, "new")
	w.wantObjects(1)
	w.settle()
	w.wantObjects(1)
	w.drop("k")
	w.wantObjects(0)
	w.wantFound("k", w.now, "new")
}

// TestPendingIsNotDropped: neither does it leave while somebody writes it. When that is
// rolled back, the next eviction takes it along.
func TestPendingIsNotDropped(t *testing.T) {
	w := newWorld(t, plenty)
	w.commit("k", "v")
	w.commit("other", "v")
	w.settle()
	x := w.write("k", "never")
	w.drop("k")
	w.wantFound("k", w.now, "v")
	if x.object.IsDead() || w.Stuck() != 1 {
		t.Errorf("dead: %v, stuck: %d", x.object.IsDead(), w.Stuck())
	}
	x.object.Undo(x.version)
	x.object.Lower(storage.Update, storage.Unlocked)
	w.drop("other")
	w.wantObjects(0)
	if w.Stuck() != 0 {
		t.Errorf("stuck: %d", w.Stuck())
	}
}

// TestLockedIsNotDropped: the same for one that is only locked, and goes on being
// locked for a while.
func TestLockedIsNotDropped(t *testing.T) {
	w := newWorld(t, plenty)
	x := w.commit("k", "v")
	for _, key := range []string{"a", "b", "c"} {
		w.commit(key, "v")
	}
	w.settle()
	o := x.object
	o.TryLock(storage.Unlocked, storage.KeyShare)
	w.drop("k")
	w.drop("a")
	w.wantObjects(3)
	o.Lower(storage.KeyShare, storage.Unlocked)
	w.drop("b")
	w.wantObjects(1)
	before := w.Memory()
	w.want(x, w.now, storage.Gone)
	if w.Quiesce(); !o.IsDead() || w.Memory() != before {
		t.Errorf("dead: %v, %+v after %+v", o.IsDead(), w.Memory(), before)
	}
}

// TestStuckAndKeptAgain: an object that was stuck, but has come to the cache again, is
// not taken from it.
func TestStuckAndKeptAgain(t *testing.T) {
	w := newWorld(t, plenty)
	x := w.commit("k", "v")
	w.commit("other", "v")
	w.settle()
	x.object.TryLock(storage.Unlocked, storage.KeyShare)
	w.drop("k")
	w.want(x, w.now, storage.Gone)
	x.object.Lower(storage.KeyShare, storage.Unlocked)
	w.Quiesce()
	w.drop("other")
	w.wantObjects(1)
	w.drop("k")
	w.wantObjects(0)
}

// TestSettledTwice: the cache replaces an entry by another of the same object, and the
// object stays.
func TestSettledTwice(t *testing.T) {
	w := newWorld(t, plenty)
	w.commit("k", "small")
	w.settle()
	before := w.Memory().CacheBytes
	x := w.commit("k", string(pattern(1000)))
	w.settle()
	if grown := w.Memory().CacheBytes - before; grown < 1000 || grown > 1200 {
		t.Errorf("grown by %d", grown)
	}
	w.wantObjects(1)
	w.want(x, w.now, storage.Gone)
	w.wantObjects(1)
	w.drop("k")
	w.wantObjects(0)
}

// TestGrownNeedRoom: objects that were small when the cache took them, and are rewritten
// with longer values, or deleted and written again, do not take more than the cache has;
// and what is deleted takes nothing.
func TestGrownNeedRoom(t *testing.T) {
	w := newWorld(t, plenty)
	const objects = 500
	for _, size := range []int{100, 10_000, 100, 0, 10_000, 0, 100} {
		for i := range objects {
			w.commit(fmt.Sprint(i), string(pattern(size)))
		}
		w.settle()
		if m := w.Memory(); m.CacheBytes > plenty || m.Objects > plenty/int64(max(size, 1)) || size == 0 && m.CacheBytes > 0 {
			t.Errorf("with values of %d bytes: %+v", size, m)
		}
	}
	for i := range objects {
		w.wantFound(fmt.Sprint(i), w.now, string(pattern(100)))
	}
}

// TestDeletedLeavesAtOnce: a tombstone does not wait for the cache, which has an entry
// of the value still; nor is the dead object found when the key is written again.
func TestDeletedLeavesAtOnce(t *testing.T) {
	w := newWorld(t, plenty)
	x := w.commit("k", "v")
	w.settle()
	y := w.commit("k", "")
	w.apply()
	purge(y.object)
	y.object.TryLock(storage.Unlocked, storage.Share)
	w.want(y, w.now, storage.Later)
	y.object.Lower(storage.Share, storage.Unlocked)
	w.want(y, w.now, storage.Gone)
	w.wantObjects(0)
	if !x.object.IsDead() || w.MarkOf(x.object.Hash()) != w.now {
		t.Errorf("dead: %v, mark: %d", x.object.IsDead(), w.MarkOf(x.object.Hash()))
	}
	w.wantFound("k", w.now, "")
	w.commit("k", "again")
	w.settle() // replaces the dead one's entry
	w.wantObjects(1)
	w.drop("k")
	w.wantObjects(0)
	w.wantFound("k", w.now, "again")
}

// TestSuperseded: a version that is not the newest committed one is nobody's matter;
// one below a pending version is settled later.
func TestSuperseded(t *testing.T) {
	w := newWorld(t, plenty)
	x := w.commit("k", "v")
	w.apply()
	y := w.write("k", "pending")
	w.want(x, w.now, storage.Later)
	y.object.Undo(y.version)
	y.object.Lower(storage.Update, storage.Unlocked)
	w.want(x, w.now, storage.Gone)
	w.commit("k", "newer")
	w.want(x, w.now, storage.Gone)
	w.write("k", "pending")
	w.want(x, w.now, storage.Gone)
}

// TestHang: at the end, once.
func TestHang(t *testing.T) {
	w := newWorld(t, plenty)
	w.only("k", "old")
	x := w.commit("k", "new")
	y := w.write("k", "pending")
	old, err := w.Base([]byte("k"))
	if err != nil || value(old) != "old" {
		t.Fatal(old, err)
	}
	x.object.Hang(old)
	x.object.Hang(old)
	same, _ := w.Base([]byte("k"))
	x.object.Hang(same)
	if y.version.Older() != x.version || x.version.Older() != old || old.Older() != nil {
		t.Error("the chain is wrong")
	}
}

// TestEnlist: an object that was loaded is in the ordered index when it has been
// written, and not before; no trace is left when it leaves.
func TestEnlist(t *testing.T) {
	w := newWorld(t, plenty)
	w.only("k", "v")
	w.wantFound("k", w.now, "v")
	ordered := func() int {
		n := 0
		for c := w.Ascend(nil, nil); c.Next() != nil; n++ {
		}
		return n
	}
	if o := w.Get([]byte("k")); o.IsOrdered() || ordered() != 0 {
		t.Error("in the index")
	}
	w.commit("k", "w")
	w.commit("k", "x")
	if o := w.Get([]byte("k")); !o.IsOrdered() || ordered() != 1 {
		t.Error("not in the index once")
	}
	w.settle()
	w.drop("k")
	if ordered() != 0 {
		t.Error("left behind")
	}
}

// TestLeaving: while an object is about to leave, who wants to lock it waits for that
// without a queue.
func TestLeaving(t *testing.T) {
	for name, end := range map[string]struct {
		how  func(*storage.Object)
		want storage.LockResult
	}{"stays": {(*storage.Object).Stay, storage.Locked}, "dies": {(*storage.Object).Die, storage.Dead}} {
		for _, mode := range []storage.LockMode{storage.KeyShare, storage.Share, storage.NoKeyUpdate, storage.Update} {
			o := storage.NewObject([]byte("k"), 1)
			o.Lower(storage.Update, storage.Unlocked)
			if o.TakeLeave() != storage.Locked || o.TakeLeave() != storage.Owned {
				t.Fatal("leave")
			}
			if o.AnnounceWaiter(storage.Unlocked, mode) || o.LockFree(mode) || o.IsDead() {
				t.Errorf("%s: there is a waiter, or an owner", name)
			}
			result := make(chan storage.LockResult)
			go func() { result <- o.TryLock(storage.Unlocked, mode) }()
			for range 100 {
				runtime.Gosched() // it should have begun by then
			}
			end.how(o)
			if got := <-result; got != end.want {
				t.Errorf("%s, %v: %v", name, mode, got)
			}
		}
	}
}

// TestPromote: what somebody wants to lock is in memory, and stays there until it is
// settled.
func TestPromote(t *testing.T) {
	w := newWorld(t, nothing)
	w.commit("k", "v")
	w.settle()
	promote := func(key string) *storage.Object {
		t.Helper()
		o, err := w.Promote(t.Context(), []byte(key), w.Hash([]byte(key)))
		if err != nil {
			t.Error(err)
		}
		return o
	}
	if o := promote("x"); o != nil {
		t.Error("a key that is nowhere has an object")
	}
	o := promote("k")
	if o.LockFree(storage.NoKeyUpdate); promote("k") != o || value(o.Visible(w.now)) != "v" || w.Memory().Loaded != 1 {
		t.Errorf("%v, %+v", o, w.Memory())
	}
	w.Evict(o)
	o.Lower(storage.NoKeyUpdate, storage.Unlocked)
	w.wantObjects(1)
	w.want(written{o, o.Head()}, w.now, storage.Gone)
	w.Quiesce()
	w.wantObjects(0)
	x := w.write("k", "pending")
	if promote("k") != x.object {
		t.Error("not the writer's object")
	}
}

// TestPromoteReplacesTheDead: and an old load does not enter the table.
func TestPromoteReplacesTheDead(t *testing.T) {
	w := newWorld(t, plenty)
	hash := w.only("k", "old").object.Hash()
	w.wantFound("k", w.now, "old")
	dead := w.Get([]byte("k"))
	dead.TakeLeave()
	dead.Die()
	attempts := 0
	w.engine.onLoaded = func() {
		if attempts++; attempts == 1 {
			w.only("k", "new")
			attempts = 1
		}
	}
	o, err := w.Promote(context.Background(), []byte("k"), hash)
	if o == dead || value(o.Visible(w.now)) != "new" || err != nil || attempts != 2 {
		t.Errorf("%v, %q, %v, %d attempts", o, value(o.Visible(w.now)), err, attempts)
	}
	w.engine.onLoad = func() error { return errors.New("broken") }
	if o, err := w.Promote(context.Background(), []byte("x"), 7); o != nil || err == nil {
		t.Errorf("%v, %v", o, err)
	}
}
