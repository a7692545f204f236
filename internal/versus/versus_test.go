package versus_test

import (
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/versus"
)

// TestRatio measures a side against one that does a fifth of its work. A machine
// with much else to do may stop one of the two more than once, so there are several
// attempts; a ratio that is computed wrongly is wrong in all of them.
func TestRatio(t *testing.T) {
	var sum int
	work := func(times int) versus.Side {
		return func(n int) {
			for i := range n * times {
				sum += i * i
			}
		}
	}
	var measured []float64
	for range 5 {
		result := testing.Benchmark(func(b *testing.B) { versus.Run(b, 1, work(50), work(10)) })
		r := result.Extra["ratio"]
		if r >= 2.5 && r <= 10 {
			return
		}
		measured = append(measured, r)
	}
	t.Errorf("five times the work is measured as %.2f times", measured)
}

func TestParallelDoesItAll(t *testing.T) {
	var done atomic.Int64
	versus.Parallel(3, func(_, n int) { done.Add(int64(n)) })(10)
	if got := done.Load(); got < 10 || got > 13 {
		t.Errorf("did %d of 10 operations", got)
	}
}
