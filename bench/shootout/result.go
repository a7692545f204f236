package shootout

import (
	"time"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Sample is what the adds, or the updates, of one slice measured.
type Sample struct {
	Op                      Op
	report.Spread                         // of the clients' means, in µs a transaction
	PerSecond               float64       // transactions of all clients, those not timed too
	Achieved                time.Duration // mean round trip; 0 if none was waited for
	Transactions, Conflicts int           // committed; tried once more
}

// Round is the samples of one slice, by Op.
type Round [Update + 1]Sample

// Result is what a run measured.
type Result struct {
	Options     Options            // of the run
	Elapsed     time.Duration      // of all of it
	Interrupted bool               // before the last round was complete
	Violations  []stress.Violation // empty if every check held

	samples map[Setup][]Round
}

// Figures are the medians over the rounds.
type Figures struct {
	Setup
	Sample     // Transactions and Conflicts are sums
	Rounds int // how many there were
}

// Figures returns those of a setup, or false if it did not run to the end of a
// round.
func (r Result) Figures(setup Setup, op Op) (Figures, bool) {
	rounds := r.samples[setup]
	if len(rounds) == 0 {
		return Figures{}, false
	}
	of := func(figure func(Sample) float64) float64 {
		return report.MedianOf(rounds, func(round Round) float64 { return figure(round[op]) })
	}
	f := Figures{Setup: setup, Rounds: len(rounds)}
	f.Op = op
	f.Min = of(func(s Sample) float64 { return s.Min })
	f.Mean = of(meanTime)
	f.Median = of(func(s Sample) float64 { return s.Median })
	f.Max = of(func(s Sample) float64 { return s.Max })
	f.PerSecond = of(perSecond)
	f.Achieved = time.Duration(of(func(s Sample) float64 { return float64(s.Achieved) }))
	for _, round := range rounds {
		f.Transactions += round[op].Transactions
		f.Conflicts += round[op].Conflicts
	}
	return f, true
}

// All returns the figures of all setups, in the order in which they ran.
func (r Result) All() []Figures {
	all := []Figures{}
	for _, roundTrip := range r.Options.RoundTrips {
		for _, op := range Ops() {
			for _, clients := range r.Options.Clients {
				for _, locks := range compared() {
					if f, ran := r.Figures(Setup{roundTrip, clients, locks}, op); ran {
						all = append(all, f)
					}
				}
			}
		}
	}
	return all
}

func meanTime(s Sample) float64  { return s.Mean }
func perSecond(s Sample) float64 { return s.PerSecond }

// ratio returns the median over the rounds of one figure of a setup over that of
// another, or false if there was no round with both.
func (r Result) ratio(op Op, figure func(Sample) float64, of, to Setup) (float64, bool) {
	var ratios []float64
	for i := range min(len(r.samples[of]), len(r.samples[to])) {
		ratios = append(ratios, figure(r.samples[of][i][op])/figure(r.samples[to][i][op]))
	}
	return report.Median(ratios), len(ratios) > 0
}

// Gain returns how many times the throughput of one lock the locks by object have.
func (r Result) Gain(roundTrip time.Duration, clients int, op Op) (float64, bool) {
	return r.ratio(op, perSecond, Setup{roundTrip, clients, txnmgr.ObjectLocks}, Setup{roundTrip, clients, txnmgr.CoarseLock})
}
