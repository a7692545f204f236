package recovery

import (
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/bench/report"
)

// Sample is one recovery.
type Sample struct {
	Bytes        int64         // of the log that were read
	Transactions int64         // in them
	Took         time.Duration // to open
	Reports      int           // of progress
}

// Result is what a run measured.
type Result struct {
	Options     Options
	Interrupted bool // before the last round was over

	samples []Sample
}

// Median returns the medians over the rounds, or false if there was none.
func (r Result) Median() (Sample, bool) {
	of := func(figure func(Sample) int64) int64 {
		return int64(report.MedianOf(r.samples, func(s Sample) float64 { return float64(figure(s)) }))
	}
	return Sample{
		Bytes:        of(func(s Sample) int64 { return s.Bytes }),
		Transactions: of(func(s Sample) int64 { return s.Transactions }),
		Took:         time.Duration(of(func(s Sample) int64 { return int64(s.Took) })),
		Reports:      int(of(func(s Sample) int64 { return int64(s.Reports) })),
	}, len(r.samples) > 0
}

// PerSecond is the throughput of a recovery.
func (s Sample) PerSecond() float64 { return float64(s.Transactions) / s.Took.Seconds() }

// Goals returns what Tiercel should reach.
func (r Result) Goals() []report.Goal {
	if len(r.samples) == 0 {
		return []report.Goal{}
	}
	name := fmt.Sprintf("recovery of a log of %d MiB: transactions per second", r.Options.Bytes>>20)
	return []report.Goal{report.NewGoal(name, report.AtLeast, 200_000, report.MedianOf(r.samples, Sample.PerSecond))}
}
