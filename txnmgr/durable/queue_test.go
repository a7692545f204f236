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
