package durable

import "testing"

// TestWrittenOnceMore: the record of a prepared transaction is written once more when
// it keeps the log from being truncated, and not while it is the youngest there.
func TestWrittenOnceMore(t *testing.T) {
	var g register
	k := new(kept)
	k.at.Store(5)
	g.add(k)
	for _, c := range []struct {
		ts      uint64
		written bool
		want    int
	}{{6, false, 0}, {4, true, 0}, {5, true, 0}, {6, true, 1}} {
		k.written.Store(c.written)
		if got := len(g.before(c.ts)); got != c.want {
			t.Errorf("behind 5, log needed from %d, written %v: %d, want %d", c.ts, c.written, got, c.want)
		}
	}
	if err := g.below(9, func(ts uint64) error {
		if ts != 4 {
			t.Errorf("truncated up to %d", ts)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
