package pool_test

import (
	"math"
	"runtime"
	"testing"
	"time"

	"go.uber.org/atomic"
)

// together has two goroutines do something at the same moment, over and over for
// a fifth of a second: before prepares a round, after judges it. One of the two
// sets out a little later each time, so that in some rounds they meet within a few
// nanoseconds, as they must for one to get between a look and a store of the
// other. On a single processor they never do, and nothing is shown.
func together(t *testing.T, before func(), one, other func(), after func()) {
	var begun, done atomic.Int64
	go func() {
		for round := int64(1); ; round++ {
			if waitFor(&begun, round); begun.Load() == over {
				return
			}
			other()
			done.Store(round)
		}
	}()
	round := int64(0)
	for start := time.Now(); time.Since(start) < 200*time.Millisecond && !t.Failed(); {
		round++
		before()
		begun.Store(round)
		for range round % 256 {
			begun.Load()
		}
		one()
		waitFor(&done, round)
		after()
	}
	begun.Store(over)
	t.Logf("%d rounds", round)
}

const over = math.MaxInt64

// waitFor waits until n has reached a number.
func waitFor(n *atomic.Int64, least int64) {
	for tries := 1; n.Load() < least; tries++ {
		if tries%1_000 == 0 {
			runtime.Gosched()
		}
	}
}

// TestTwoClosersTogether: of two that end one handle at the same moment, one does.
func TestTwoClosersTogether(t *testing.T) {
	l := oneSlot()
	var tx transaction
	var first, second bool
	together(t,
		func() { tx = l.begin(0) },
		func() { first = tx.end() },
		func() { second = tx.end() },
		func() {
			if first == second {
				t.Errorf("ended by both: %v", first)
			}
		})
}
