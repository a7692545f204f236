package pool_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/internal/stages"
)

// TestStagesWork: with whatever switched off, the list does what it must.
func TestStagesWork(t *testing.T) {
	for bits := range 1 << 5 {
		off := stages.Stages{
			ExclusiveOnly: bits&1 != 0, NoCAS: bits&2 != 0, NoBatch: bits&4 != 0,
			NoReuse: bits&8 != 0, NoHint: bits&16 != 0,
		}
		t.Run(fmt.Sprintf("%+v", off), func(t *testing.T) {
			l := newList(off)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 50 {
						a, b := l.begin(0), l.begin(0)
						if a.slot == b.slot {
							t.Error("two transactions in one slot")
						}
						a.slot.Force(a.gen, errCause)
						want(t, "cause", a.slot.Cause(a.gen), errCause)
						want(t, "end", b.end(), true)
						want(t, "second end", b.end(), false)
					}
				})
			}
			wg.Wait()
			st := l.Stats()
			want(t, "active", st.Active, 0)
			want(t, "ended", st.Ended, 400)
			want(t, "forced", st.Forced, 200)
		})
	}
}

// TestStagesCost: each does cost what its removal once saved. 1000 transactions,
// one after the other, and then five at once.
func TestStagesCost(t *testing.T) {
	type cost struct {
		Made, Locks uint64
		Hints       bool
	}
	for _, c := range []struct {
		off  stages.Stages
		want cost
	}{
		{stages.Stages{}, cost{Made: 11, Locks: 1, Hints: true}},
		{stages.Stages{NoHint: true}, cost{Made: 11, Locks: 1}},
		{stages.Stages{NoBatch: true}, cost{Made: 5, Locks: 5, Hints: true}},
		{stages.Stages{NoBatch: true, NoReuse: true}, cost{Made: 1_005, Locks: 2 * 1_005, Hints: true}},
		{stages.Stages{NoCAS: true, NoHint: true}, cost{Made: 11, Locks: 1_005}},
		{stages.Stages{ExclusiveOnly: true}, cost{Made: 11, Locks: 2 * 1_005}},
	} {
		l := newList(c.off)
		for range 1_000 {
			l.begin(0).end()
		}
		endAll(l.hold(5))
		st := l.Stats()
		want(t, fmt.Sprintf("%+v", c.off), cost{st.Made, st.ExclusiveLocks, l.Hinted() > 0}, c.want)
		want(t, "ended", st.Ended, 1_005)
	}
}
