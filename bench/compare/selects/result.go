package selects

import (
	"fmt"

	"github.com/tierceldb/tiercel/bench/compare/memory"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/workload"
)

// Held is what a store with objects of one size has in memory after it was read.
type Held struct {
	Size  int
	Store string
}

// Result is what a run measured.
type Result struct {
	Options     Options
	Interrupted bool // before the last round was over

	samples map[Setup][]float64 // transactions per second, by round
	memory  map[Held]memory.Live
}

// PerSecond returns the median over the rounds, or false if it did not run.
func (r Result) PerSecond(s Setup) (float64, bool) {
	return report.Median(r.samples[s]), len(r.samples[s]) > 0
}

// Memory returns the most that a store has held.
func (r Result) Memory(h Held) (memory.Live, bool) {
	live, ran := r.memory[h]
	return live, ran
}

// Gain returns how many times the throughput of Pebble Tiercel has, as the median
// over the rounds, or false if there was none with both.
func (r Result) Gain(size int, d workload.Distribution) (float64, bool) {
	ours, theirs := r.samples[Setup{size, d, peer.Tiercel}], r.samples[Setup{size, d, peer.Pebble}]
	var ratios []float64
	for i := range min(len(ours), len(theirs)) {
		ratios = append(ratios, ours[i]/theirs[i])
	}
	return report.Median(ratios), len(ratios) > 0
}

// room is what may be in memory besides the caches.
const room = 64 << 20

// least is how many times Pebble's throughput is the goal.
func least(d workload.Distribution) float64 {
	if d == workload.Zipf {
		return 3
	}
	return 0.9
}

// Goals returns what Tiercel should reach.
func (r Result) Goals() []report.Goal {
	goals := []report.Goal{}
	for _, size := range r.Options.Sizes {
		for _, d := range workload.Distributions() {
			if gain, ran := r.Gain(size, d); ran {
				name := fmt.Sprintf("select of %d bytes, %v: throughput over %s", size, d, peer.Pebble)
				goals = append(goals, report.NewGoal(name, report.AtLeast, least(d), gain))
			}
		}
		if live, ran := r.memory[Held{size, peer.Tiercel}]; ran {
			most := 1.25*float64(r.Options.CacheBytes) + room
			name := fmt.Sprintf("select of %d bytes: live memory over 1.25 x cache + 64 MiB", size)
			goals = append(goals, report.NewGoal(name, report.AtMost, 1, float64(live.Total())/most))
		}
	}
	return goals
}
