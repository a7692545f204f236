package pool

import (
	"errors"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/stages"
)

// TestForceThatComesLate: one who wants to end a transaction that is over leaves
// the cause of the next one in the slot alone.
func TestForceThatComesLate(t *testing.T) {
	s, early, late := new(Slot), errors.New("early"), errors.New("late")
	var mark atomic.Uint64
	mark.Store(1)
	first, snapshot, _ := s.take(&mark, 0)
	s.End(first, snapshot)
	second, _, _ := s.take(&mark, 0)
	s.Force(second, early)
	if s.Force(first, late) || s.Cause(second) != early {
		t.Errorf("the cause is %v, want %v", s.Cause(second), early)
	}
}

// TestCloseMeetsForce: Close comes between the two steps of a forced end; the
// cause stays.
func TestCloseMeetsForce(t *testing.T) {
	var mark atomic.Uint64
	mark.Store(1)
	p := New(&mark, stages.Stages{})
	limit, closed := errors.New("limit"), errors.New("closed")
	s, gen, _ := p.Begin(0)
	s.cause.Store(&cause{gen: gen, err: limit})
	s.gen.Store((gen + 1) | Forced)
	p.Close(func(s *Slot, gen, _ uint64) { s.Force(gen, closed) })
	if s.Cause(gen) != limit {
		t.Errorf("the cause is %v, want %v", s.Cause(gen), limit)
	}
}
