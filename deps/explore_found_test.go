package deps_test

import (
	"testing"

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
