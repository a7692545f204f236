package deps_test

import (
	"fmt"
	"testing"
)

// TestTimestampsPass32Bits: nothing happens when the timestamps pass the largest
// number of 32 bits. Those of 64 will not be passed: a thousand million commits a
// second for five hundred years are not enough.
func TestTimestampsPass32Bits(t *testing.T) {
	const around = 1 << 32
	b := newBase(t)
	b.StartAt(around - 50)
	b.update("k", "gone")
	old := b.reader()
	reads := b.begin().put("mine", "own")
	want(t, "read", reads.read("k"), "k")
	for b.Visible() < around+50 {
		x := b.begin()
		x.read("k", "none")
		value := fmt.Sprint(x.Snapshot)
		want(t, "commit", x.put(value, "k").commit(), nil)
		want(t, "visible", b.Visible(), x.Snapshot+1)
		want(t, "read back", b.now("k"), value)
	}
	b.drop("gone")
	want(t, "an old reader", valueAt(b.object("k"), old.snapshot)+valueAt(b.object("gone"), old.snapshot), "kgone")
	b.Purge()
	want(t, "an old reader", valueAt(b.object("k"), old.snapshot)+valueAt(b.object("gone"), old.snapshot), "kgone")
	want(t, "versions", len(b.chain("k")), 2)
	if reads.commit() == nil {
		t.Error("a transaction commits although what it read was changed")
	}
	old.end()
	b.Purge()
	want(t, "keys", b.keys(), "k")
	want(t, "versions", len(b.chain("k")), 1)
}
