package commits

import (
	"time"

	"github.com/tierceldb/tiercel/bench/report"
)

// Sample is what one measurement came to.
type Sample struct {
	Transactions int           // that were committed
	PerSecond    float64       // transactions of all clients
	Mean, P99    time.Duration // of a transaction
}

// Result is what a run measured.
type Result struct {
	Options     Options
	Interrupted bool // before the last round was over

	samples map[Setup][]Sample // by round
}

// Figures are the medians over the rounds.
type Figures struct {
	Setup
	Sample // Transactions is the sum
	Rounds int
}

// Figures returns those of a setup, or false if it did not run.
func (r Result) Figures(setup Setup) (Figures, bool) {
	samples := r.samples[setup]
	f := Figures{Setup: setup, Rounds: len(samples)}
	f.PerSecond = report.MedianOf(samples, perSecond)
	f.Mean = time.Duration(report.MedianOf(samples, func(s Sample) float64 { return float64(s.Mean) }))
	f.P99 = time.Duration(report.MedianOf(samples, func(s Sample) float64 { return float64(s.P99) }))
	for _, s := range samples {
		f.Transactions += s.Transactions
	}
	return f, len(samples) > 0
}

// All returns the figures of all setups that ran.
func (r Result) All() (all []Figures) {
	for _, op := range Ops() {
		for _, clients := range r.Options.Clients {
			for _, c := range r.Options.Contestants {
				if f, ran := r.Figures(Setup{op, clients, c.Name}); ran {
					all = append(all, f)
				}
			}
		}
	}
	return all
}

func perSecond(s Sample) float64 { return s.PerSecond }

// Gain returns the median over the rounds of a store's throughput over that of
// another, or false if there was no round with both.
func (r Result) Gain(op Op, clients int, of, over string) (float64, bool) {
	a, b := r.samples[Setup{op, clients, of}], r.samples[Setup{op, clients, over}]
	var ratios []float64
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, a[i].PerSecond/b[i].PerSecond)
	}
	return report.Median(ratios), len(ratios) > 0
}
