package deps_test

import (
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/deps"
)

// TestOpenUpdateKeepsNoRecords: an update transaction that stays open keeps no
// record of what is committed meanwhile. It has no need of them before it
// validates, and stands on the last one then.
func TestOpenUpdateKeepsNoRecords(t *testing.T) {
	b := filled(t, "a")
	open := b.begin().readRange(deps.Range{Hi: []byte("a")}).put("mine", "own")
	before := b.Tail()
	for i := range 3 * deps.ScanEvery {
		b.set(fmt.Sprint(i), "a")
	}
	b.Purge()
	if n := len(b.Committed(before)); n > 0 {
		t.Errorf("%d records can be reached from one that is done", n)
	}
	open.vote()
	want(t, "look outside", b.CheckOutside(&open.Record), nil)
	stood := b.Tail()
	for i := range 3 * deps.ScanEvery {
		b.set(fmt.Sprint(i), "a")
	}
	b.Purge()
	want(t, "records from where it stands", len(b.Committed(stood)), 3*deps.ScanEvery)
	want(t, "finish", b.Finish(&open.Record), nil)
	b.Release(&open.Record)
	b.Purge()
	want(t, "records from where it stood", len(b.Committed(stood)), 0)
}
