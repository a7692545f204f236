package locking

import (
	"time"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Sample is what one slice measured: what a test took.
type Sample struct {
	Tests  int           // that ran one after the other
	Clock  time.Duration // until all workers were done
	User   time.Duration // of the whole process, the garbage collector too
	System time.Duration // likewise; both 0 where the platform does not tell
	Waits  float64       // for locks, of all workers
	Counts               // operations of a worker
}

// Result is what a run measured.
type Result struct {
	Options     Options            // of the run
	Elapsed     time.Duration      // of all of it
	Interrupted bool               // before the last round was complete
	Violations  []stress.Violation // empty if every check held

	samples map[Setup][]Sample
}

// Figures are the medians over the slices.
type Figures struct {
	Setup
	Sample     // Tests is the sum, Counts are those of the first slice
	Runs   int // slices that there were
}

// Figures returns those of a setup, or false if it did not run.
func (r Result) Figures(setup Setup) (Figures, bool) {
	samples := r.samples[setup]
	if len(samples) == 0 {
		return Figures{}, false
	}
	duration := func(figure func(Sample) time.Duration) time.Duration {
		return time.Duration(report.MedianOf(samples, func(s Sample) float64 { return float64(figure(s)) }))
	}
	f := Figures{Setup: setup, Runs: len(samples)}
	f.Clock = duration(func(s Sample) time.Duration { return s.Clock })
	f.User = duration(func(s Sample) time.Duration { return s.User })
	f.System = duration(func(s Sample) time.Duration { return s.System })
	f.Waits = report.MedianOf(samples, func(s Sample) float64 { return s.Waits })
	f.Counts = samples[0].Counts
	for _, s := range samples {
		f.Tests += s.Tests
	}
	return f, true
}

// All returns the figures of all setups, in the order of the tables.
func (r Result) All() []Figures {
	all := []Figures{}
	for _, records := range r.Options.Records {
		for _, workers := range r.Options.Workers {
			for _, locks := range compared(workers) {
				if f, ran := r.Figures(Setup{records, workers, locks}); ran {
					all = append(all, f)
				}
			}
		}
	}
	return all
}

// Ratio returns the median over all comparisons of the clock time with the locks of
// the one kind over that with the other, or false if there was none with both.
func (r Result) Ratio(records, workers int, of, to txnmgr.Granularity) (float64, bool) {
	ours, theirs := r.samples[Setup{records, workers, of}], r.samples[Setup{records, workers, to}]
	var ratios []float64
	for i := range min(len(ours), len(theirs)) {
		ratios = append(ratios, float64(ours[i].Clock)/float64(theirs[i].Clock))
	}
	return report.Median(ratios), len(ratios) > 0
}

// Goals compares what was measured with what a lock per record should win, and must
// not lose. Goals about what did not run are left out.
func (r Result) Goals() []report.Goal {
	goals := []report.Goal{}
	for _, records := range r.Options.Records {
		for _, g := range []struct {
			workers int
			limit   float64
		}{{12, 0.6}, {1, 1.05}} {
			if measured, ran := r.Ratio(records, g.workers, txnmgr.ObjectLocks, txnmgr.CoarseLock); ran {
				goals = append(goals, report.NewGoal(goalName(records, g.workers), report.AtMost, g.limit, measured))
			}
		}
	}
	return goals
}

func goalName(records, workers int) string {
	worker := "workers"
	if workers == 1 {
		worker = "worker"
	}
	return report.Count(workers) + " " + worker + ", " + report.Count(records) + " records: clock time, fine / coarse"
}
