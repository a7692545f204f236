// Package versus measures a thing against its limit, or its peer, in one run.
//
// On a machine that is shared, one figure says little and two figures taken
// minutes apart say less. So both sides run in short slices in turn, and the
// ratio of each pair is taken: what disturbs one slice mostly disturbs its
// neighbour too. The median pair counts.
package versus

import (
	"flag"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	slice = 15 * time.Millisecond
	pairs = 15
)

// Side does n operations and returns when they are done.
type Side func(n int)

// Parallel returns a side whose operations are shared among so many goroutines.
// work is told which of them it is.
func Parallel(goroutines int, work func(worker, n int)) Side {
	return func(n int) {
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() { work(g, n/goroutines+1) })
		}
		wg.Wait()
	}
}

// Run reports the median time of an operation of both sides, the median ratio
// ours / limit of the pairs, and the goal for the ratio. With -benchtime 1x it
// runs one short pair, to see that both sides work.
func Run(b *testing.B, goal float64, ours, limit Side) {
	b.Helper()
	n, rounds := 100, 1
	if !Once() {
		n, rounds = calibrate(limit), pairs
	}
	runtime.GC() // what the preparations left behind is not to be paid for in some slices
	var our, their, ratio []float64
	for round := range rounds {
		var x, y float64
		if round%2 == 0 {
			x, y = perOp(ours, n), perOp(limit, n)
		} else {
			y, x = perOp(limit, n), perOp(ours, n)
		}
		our, their, ratio = append(our, x), append(their, y), append(ratio, x/y)
	}
	b.ReportMetric(0, "ns/op") // the loop count says nothing here
	b.ReportMetric(median(our), "ours-ns")
	b.ReportMetric(median(their), "limit-ns")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(goal, "goal")
}

// Once reports whether benchmarks run with -benchtime 1x, only to see that they
// work.
func Once() bool {
	f := flag.Lookup("test.benchtime")
	return f != nil && f.Value.String() == "1x"
}

// calibrate returns how many operations fill a slice.
func calibrate(s Side) int {
	for n := 64; ; n *= 2 {
		if t := elapsed(s, n); t >= slice/2 {
			return max(1, int(float64(n)*float64(slice)/float64(t)))
		}
	}
}

func elapsed(s Side, n int) time.Duration {
	start := time.Now()
	s(n)
	return time.Since(start)
}

func perOp(s Side, n int) float64 { return float64(elapsed(s, n)) / float64(n) }

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
