package pool_test

import (
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/internal/stages"
)

// BenchmarkBeginEnd is a read-only transaction that reads nothing, with one
// optimisation after the other switched off, beside its limit: one CAS and two
// stores on a cache line that nobody else uses. (NoReuse is left out: it makes a
// list as long as the benchmark.)
func BenchmarkBeginEnd(b *testing.B) {
	b.Run("list=limit", func(b *testing.B) {
		line := new(struct {
			_         pad.Line
			snap, gen atomic.Uint64
			_         pad.Line
		})
		for n := uint64(0); b.Loop(); n++ {
			line.snap.CompareAndSwap(0, 1)
			line.gen.Store(n)
			line.snap.Store(0)
		}
	})
	for _, c := range []struct {
		name string
		off  stages.Stages
	}{
		{"whole", stages.Stages{}},
		{"no-hint", stages.Stages{NoHint: true}},
		{"no-cas", stages.Stages{NoHint: true, NoCAS: true}},
		{"exclusive-only", stages.Stages{ExclusiveOnly: true}},
	} {
		b.Run("list="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			l := newList(c.off)
			for b.Loop() {
				s, gen, snapshot := l.Begin(0)
				s.End(gen, snapshot)
			}
		})
	}
}
