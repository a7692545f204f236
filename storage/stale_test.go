package storage_test

import (
	"context"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// halfway lets a reader miss the key in the table, and stops its load in the engine,
// before it has looked (late) or after. meanwhile runs then; the result is what the
// reader finds.
func (w *world) halfway(late bool, key string, snapshot uint64, meanwhile func()) string {
	w.t.Helper()
	inside, goOn, found := make(chan struct{}), make(chan struct{}), make(chan string)
	stop := func() {
		w.engine.onLoad, w.engine.onLoaded = nil, nil // those of meanwhile are not stopped
		close(inside)
		<-goOn
	}
	if late {
		w.engine.onLoad = func() error { stop(); return nil }
	} else {
		w.engine.onLoaded = stop
	}
	go func() { found <- w.find(key, snapshot) }()
	<-inside
	meanwhile()
	close(goOn)
	return <-found
}

// TestOldLoadIsNotJoined: rule 4. A load that began before a commit was applied and
// left memory is of no use to a reader who sees that commit.
func TestOldLoadIsNotJoined(t *testing.T) {
	for _, old := range []string{"old", ""} {
		w := newWorld(t, plenty)
		if old != "" {
			w.only("k", old)
		}
		snapshot := w.now
		got := w.halfway(false, "k", snapshot, func() {
			hash := w.only("k", "new").object.Hash()
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // so it would not wait for anybody
			if _, v, err := w.Find(ctx, []byte("k"), hash, w.now); value(v) != "new" || err != nil {
				t.Errorf("the second load: %q, %v", value(v), err)
			}
		})
		if got != old {
			t.Errorf("the load that was stopped: %q, want %q", got, old)
		}
	}
}

// TestOldLoadDoesNotEnterTheTable: rule 5. Here nobody would notice by waiting.
func TestOldLoadDoesNotEnterTheTable(t *testing.T) {
	w := newWorld(t, plenty)
	w.only("k", "old")
	if got := w.halfway(false, "k", w.now, func() { w.only("k", "new") }); got != "old" {
		t.Errorf("the load that was stopped: %q", got)
	}
	w.wantObjects(0)
	w.wantFound("k", w.now, "new")

	w = newWorld(t, plenty)
	w.only("k", "old")
	w.halfway(false, "k", w.now, func() { w.only("k", "") })
	w.wantObjects(0)
	w.wantFound("k", w.now, "")
}

// TestLoadFindsTheObjectOfAnother: what was loaded does not enter the table beside
// another object with the key.
func TestLoadFindsTheObjectOfAnother(t *testing.T) {
	w := newWorld(t, plenty)
	w.only("k", "old")
	var x written
	if got := w.halfway(false, "k", w.now, func() { x = w.commit("k", "new") }); got != "old" {
		t.Errorf("the load that was stopped: %q", got)
	}
	if w.Get([]byte("k")) != x.object {
		t.Error("the object is not the writer's")
	}
	w.wantFound("k", w.now, "new")
}

// TestOverwrittenWhileLoading: rule 3. The engine has lost what the reader looks for
// after the reader missed it in memory.
func TestOverwrittenWhileLoading(t *testing.T) {
	for _, by := range []string{"new", ""} {
		w := newWorld(t, plenty)
		w.only("k", "old")
		snapshot := w.now
		got := w.halfway(true, "k", snapshot, func() {
			x := w.commit("k", by)
			w.apply()
			w.want(x, snapshot, storage.Later)
		})
		if got != "old" {
			t.Errorf("overwritten by %q: found %q", by, got)
		}
		w.wantFound("k", snapshot, "old")
		w.wantFound("k", w.now, by)
	}
}

// TestCreatedWhileLoading: the same for a key that was not there.
func TestCreatedWhileLoading(t *testing.T) {
	w := newWorld(t, plenty)
	snapshot := w.now
	got := w.halfway(true, "k", snapshot, func() {
		w.commit("k", "new")
		w.apply()
	})
	if got != "" {
		t.Errorf("found %q", got)
	}
}

// TestNotApplied: what the engine has not got does not leave.
func TestNotApplied(t *testing.T) {
	w := newWorld(t, nothing)
	x := w.commit("k", "v")
	w.want(x, w.now, storage.Later)
	w.write1(x)
	w.want(x, w.now, storage.Later) // nobody was told
	w.wantFound("k", w.now, "v")
	w.SetApplied(w.now)
	w.want(x, w.now, storage.Gone)
	w.SetApplied(w.now - 1)
	if w.Applied() != w.now {
		t.Error("the applied timestamp fell")
	}
	w.Quiesce()
	w.wantObjects(0)
	w.wantFound("k", w.now, "v")
}

// TestHorizon: neither does what is above the horizon, which does not fall.
func TestHorizon(t *testing.T) {
	w := newWorld(t, nothing)
	x := w.commit("k", "v")
	w.apply()
	w.want(x, w.now-1, storage.Later)
	w.wantObjects(1)
	y := w.commit("y", "v")
	w.apply()
	w.want(y, w.now, storage.Gone)
	w.want(x, w.now-2, storage.Gone)
	w.Quiesce()
	w.wantObjects(0)
}

// TestOlderVersion: neither does an object that has an older version.
func TestOlderVersion(t *testing.T) {
	w := newWorld(t, nothing)
	first := w.commit("k", "1")
	second := w.commit("k", "2")
	w.apply()
	w.want(first, w.now, storage.Gone) // the second one's matter
	w.want(second, w.now, storage.Later)
	purge(second.object)
	w.want(first, w.now, storage.Gone)
	w.wantObjects(1)
	w.want(second, w.now, storage.Gone)
	w.Quiesce()
	w.wantObjects(0)
	w.want(second, w.now, storage.Gone)
}

// TestUnstamped: neither does a version that its committer is not done with.
func TestUnstamped(t *testing.T) {
	w := newWorld(t, nothing)
	x := w.write("k", "v")
	w.now++
	x.version.State().Commit(w.now)
	w.write1(x)
	w.SetApplied(w.now)
	w.want(x, w.now, storage.Later)
	x.version.Stamp(w.now)
	x.object.Lower(storage.Update, storage.Unlocked)
	w.want(x, w.now, storage.Gone)
	w.Quiesce()
	w.wantObjects(0)
}

// TestMarkComesFirst: nobody can find an object dead, or miss it, while the mark is
// below what it had.
func TestMarkComesFirst(t *testing.T) {
	w := newWorld(t, nothing)
	x := w.commit("k", "v")
	w.apply()
	hash := x.object.Hash()
	unlock := w.LockTable(hash) // the eviction stops when it removes the object
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.want(x, w.now, storage.Gone)
		w.Quiesce()
	}()
	for !x.object.IsDead() {
	}
	if got := w.MarkOf(hash); got != w.now {
		t.Errorf("mark %d, want %d", got, w.now)
	}
	unlock()
	<-done
	w.wantObjects(0)
}

// TestMarkDoesNotFall: another object that leaves with an older version does not lower
// the mark.
func TestMarkDoesNotFall(t *testing.T) {
	w := newWorld(t, nothing)
	w.FewMarks(1)
	a, b := w.commit("a", "v"), w.commit("b", "v")
	w.apply()
	for _, x := range []written{b, a} {
		w.want(x, w.now, storage.Gone)
		w.Quiesce()
		if got := w.MarkOf(x.object.Hash()); got != b.version.CommitTS() {
			t.Errorf("mark %d after %s", got, x.object.Key())
		}
	}
}
