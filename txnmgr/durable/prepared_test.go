package durable

import (
	"testing"
)

// TestWrittenOnceMore: the record of a prepared transaction is written once more when
// it keeps segments of the log from being given up, and not before it was written.
func TestWrittenOnceMore(t *testing.T) {
	var g register
	k := new(kept)
	k.segment.Store(5)
	g.add(k)
	for _, c := range []struct {
		segment uint64
		written bool
		want    int
	}{{6, false, 0}, {5, true, 0}, {6, true, 1}} {
		k.written.Store(c.written)
		if got := len(g.before(c.segment)); got != c.want {
			t.Errorf("in segment 5, needed from %d, written %v: %d, want %d", c.segment, c.written, got, c.want)
		}
	}
	if segment := g.oldest(); segment != 5 {
		t.Errorf("kept from segment %d", segment)
	}
}
