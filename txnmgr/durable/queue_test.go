package durable

import (
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// TestPromotedAndWritten: an object that was promoted is settled even if somebody has
// linked a version by then, which may be rolled back; one that has no committed version
// is for whoever has made it, and may lose the pending one at any time.
func TestPromotedAndWritten(t *testing.T) {
	var a applier
	o := storage.NewObject([]byte("k"), 1)
	pending := storage.NewVersion(nil, new(storage.State))
	o.Link(pending)
	a.hold(o)
	if a.hasHeld() {
		t.Error("held without a committed version")
	}
	o.Undo(pending)
	a.hold(o)
	if a.hasHeld() {
		t.Error("held without a version")
	}

	base := storage.NewVersion(nil, nil)
	base.Stamp(5)
	o.Link(base)
	o.Link(pending)
	a.hold(o)
	held := a.takeHeld()
	if len(held) != 1 || held[0].version() != base {
		t.Fatalf("held %v, want the committed version", held)
	}
	o.Undo(pending)
	if held[0].version() != base {
		t.Error("not held any more after a rollback")
	}
}

// TestQueueLetsGo: what a burst, or a recovery, has made large is not kept.
func TestQueueLetsGo(t *testing.T) {
	var q queue
	o := storage.NewObject([]byte("k"), 1)
	v := storage.NewVersion(nil, nil)
	v.Stamp(1)
	o.Link(v)
	for range keptObjects + 1 {
		q.push(applied{object: o, ts: 1})
	}
	for n := range keptObjects + 1 {
		if _, ok := q.pop(1); !ok {
			t.Fatalf("%d are there, want %d", n, keptObjects+1)
		}
	}
	if q.len() != 0 || cap(q.waiting) != 0 {
		t.Errorf("%d wait, room for %d is kept", q.len(), cap(q.waiting))
	}
}
