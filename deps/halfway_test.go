package deps_test

import (
	"testing"

	"github.com/tierceldb/tiercel/deps"
)

// TestNothingIsSeenBeforePublication: of a group that is committed, and not yet
// visible, nothing is seen, whatever is scanned and purged meanwhile. Then all of
// it is.
func TestNothingIsSeenBeforePublication(t *testing.T) {
	b := filled(t, "a", "b", "c")
	before := b.Visible()
	x, y := b.begin().put("x", "a").remove("c"), b.begin().put("y", "b")
	x.vote()
	y.vote()
	publish := b.AdmitUnpublished(&x.Record, &y.Record)
	want(t, "visible", b.Visible(), before)
	for range 2 {
		b.Scan()
		b.Step(deps.MostWork)
	}
	old := b.reader()
	for _, key := range []string{"a", "b", "c"} {
		want(t, "value of "+key, valueAt(b.object(key), old.snapshot), key)
	}
	publish()
	want(t, "visible together", b.Visible(), before+2)
	old.end()
	b.Release(&x.Record)
	b.Release(&y.Record)
	b.Purge()
	want(t, "values", b.now("a", "b", "c"), "x y -")
	want(t, "keys", b.keys(), "a b")
}
