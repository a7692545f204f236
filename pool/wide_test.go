package pool

import (
	"testing"

	"go.uber.org/atomic"
)

// TestGenerationsPass32Bits: a handle is over for ever, also 2³² transactions
// later in the same slot.
func TestGenerationsPass32Bits(t *testing.T) {
	s := new(Slot)
	var mark atomic.Uint64
	mark.Store(1)
	s.gen.Store(1<<32 - 3)
	var all []uint64
	for range 6 {
		gen, snapshot, won := s.take(&mark, 0)
		if !won || !s.End(gen, snapshot) {
			t.Fatalf("generation %d was not taken or not ended", gen)
		}
		all = append(all, gen)
	}
	s.gen.Store(all[0] + 1<<32)
	if s.End(all[0], 1) {
		t.Errorf("handle of generation %d ends generation %d", all[0], s.Gen())
	}
	for i, gen := range all {
		if want := uint64(1<<32-3) + uint64(i); gen != want {
			t.Errorf("generation %d, want %d", gen, want)
		}
	}
}
