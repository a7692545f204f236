package deps_test

import (
	"runtime"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
)

// Schedules that the exploration found, taken by the code.

// TestValidationFromTheOrigin: a transaction that began on the empty store stands on
// the origin of the committed list when it has looked at its range. A purge that
// is done with the next record must leave it the way there.
func TestValidationFromTheOrigin(t *testing.T) {
	b := newBase(t)
	x := b.begin().readRange(deps.Range{}).put("x", "mine")
	x.vote()
	want(t, "look outside", b.CheckOutside(&x.Record), nil)
	b.set("other", "phantom")
	b.Scan()
	b.StepAll()
	want(t, "passed the section", b.PassThrough(&x.Record)[0], false)
	b.Undo(&x.Record)
}

// TestBeginDuringClose: an update transaction that Begin hands out while Close runs
// does not commit after Close has returned. (Close had looked for its tag before
// Begin set it, and won gen after Begin had looked at that.)
func TestBeginDuringClose(t *testing.T) {
	for range 300 {
		b := newBase(t)
		var running atomic.Bool
		last := make(chan *txn)
		go func() { last <- b.beginUntilForced(&running) }()
		for !running.Load() {
			runtime.Gosched()
		}
		b.Close(errCause)
		if x := <-last; x != nil && x.IsOpen() {
			t.Fatalf("open after Close; its commit returns %v", x.put("v", "k").commit())
		}
	}
}

// beginUntilForced begins and rolls back until it finds a transaction ended by
// force, or none begins.
func (b base) beginUntilForced(running *atomic.Bool) *txn {
	for {
		x := &txn{b: b}
		if !b.Begin(&x.Record) {
			return nil
		}
		running.Store(true)
		for range 100 {
			if slot, gen := x.Slot(); slot.Gen() != gen {
				return x
			}
		}
		b.Rollback(&x.Record)
	}
}
