package beside

import (
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/report"
)

// Company is who is there besides the readers.
type Company int

const (
	// Alone is nobody.
	Alone Company = iota
	// Writers are clients that commit.
	Writers
)

// Companies lists both.
func Companies() []Company { return []Company{Alone, Writers} }

// String returns "alone" or "beside writers".
func (c Company) String() string {
	if c == Writers {
		return "beside writers"
	}
	return "alone"
}

// Sample is what one measurement came to.
type Sample struct {
	PerSecond    float64       // reads of all readers
	PerCPUSecond float64       // reads in a second of the readers' processor time; 0 where the platform does not tell
	P99, P999    time.Duration // of a read
	Longest      time.Duration // read of those that were timed
	Commits      float64       // a second, of the writers
}

// Setup is one thing that is measured.
type Setup struct {
	Store   string // name of the contestant
	Company Company
}

// Result is what a run measured.
type Result struct {
	Options     Options
	Interrupted bool // before the last round was over

	samples map[Setup][]Sample // by round
}

// Figures returns the medians over the rounds, or false if a setup did not run.
func (r Result) Figures(s Setup) (f Sample, ran bool) {
	of := func(figure func(Sample) float64) float64 { return report.MedianOf(r.samples[s], figure) }
	f.PerSecond = of(func(s Sample) float64 { return s.PerSecond })
	f.PerCPUSecond = of(perCPUSecond)
	f.P99 = time.Duration(of(p99))
	f.P999 = time.Duration(of(func(s Sample) float64 { return float64(s.P999) }))
	f.Longest = time.Duration(of(func(s Sample) float64 { return float64(s.Longest) }))
	f.Commits = of(func(s Sample) float64 { return s.Commits })
	return f, len(r.samples[s]) > 0
}

func perCPUSecond(s Sample) float64 { return s.PerCPUSecond }
func p99(s Sample) float64          { return float64(s.P99) }

// ratio returns the median over the rounds of a store's figure beside writers over
// that alone, or false if there was no round with both.
func (r Result) ratio(store string, figure func(Sample) float64) (float64, bool) {
	alone, beside := r.samples[Setup{store, Alone}], r.samples[Setup{store, Writers}]
	var ratios []float64
	for i := range min(len(alone), len(beside)) {
		if base := figure(alone[i]); base > 0 {
			ratios = append(ratios, figure(beside[i])/base)
		}
	}
	return report.Median(ratios), len(ratios) > 0
}

// Goals returns what Tiercel should reach.
func (r Result) Goals() []report.Goal {
	goals := []report.Goal{}
	if ratio, ran := r.ratio(peer.Tiercel, p99); ran {
		name := fmt.Sprintf("read beside %d writers: p99 over that alone", r.Options.Writers)
		goals = append(goals, report.NewGoal(name, report.AtMost, 2, ratio))
	}
	if ratio, ran := r.ratio(peer.Tiercel, perCPUSecond); ran {
		name := fmt.Sprintf("read beside %d writers: reads per CPU second over those alone", r.Options.Writers)
		goals = append(goals, report.NewGoal(name, report.AtLeast, 0.9, ratio))
	}
	return goals
}
