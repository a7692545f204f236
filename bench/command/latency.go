package command

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tierceldb/tiercel/bench/profiles"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/workload"
)

// profileResult is what the JSON of profile has beyond that of run.
type profileResult struct {
	SampleEvery int               `json:"timed_one_in"`
	Clock       time.Duration     `json:"clock_ns"`
	Reads       latencyResult     `json:"read_latency"`
	Updates     latencyResult     `json:"update_latency"`
	Profiles    []profiles.Report `json:"profiles"`
}

func newProfileResult(l *workload.Latency, clock time.Duration, found []profiles.Report) profileResult {
	return profileResult{
		SampleEvery: l.Every,
		Clock:       clock,
		Reads:       newLatencyResult(l.Reads),
		Updates:     newLatencyResult(l.Updates),
		Profiles:    found,
	}
}

// latencyResult is one histogram in JSON; all durations in nanoseconds.
type latencyResult struct {
	Timed       int64            `json:"timed"`
	Mean        float64          `json:"mean_ns"`
	Percentiles map[string]int64 `json:"percentiles_ns"`
	Max         int64            `json:"max_ns"`
}

func newLatencyResult(h *hdrhistogram.Histogram) latencyResult {
	r := latencyResult{Timed: h.TotalCount(), Percentiles: map[string]int64{}}
	if r.Timed == 0 {
		return r
	}
	r.Mean, r.Max = h.Mean(), h.Max()
	for _, p := range percentiles() {
		r.Percentiles[fmt.Sprintf("p%g", p)] = h.ValueAtQuantile(p)
	}
	return r
}

// latencyChart draws latencies over rarity: at 1,000 stands what one
// transaction in a thousand exceeds.
func latencyChart(l *workload.Latency) report.Chart {
	return report.Chart{
		Title:  "latency",
		XLabel: "one transaction in … takes longer",
		YLabel: "microseconds",
		XScale: report.Logarithmic,
		YScale: report.Logarithmic,
		Lines:  []report.Line{latencyLine("reads", l.Reads), latencyLine("updates", l.Updates)},
	}
}

func latencyLine(name string, h *hdrhistogram.Histogram) report.Line {
	line := report.Line{Name: name}
	for rarity := 1.25; rarity <= float64(h.TotalCount()); rarity *= 1.25 {
		ns := h.ValueAtQuantile(100 * (1 - 1/rarity))
		line.Points = append(line.Points, report.Point{X: rarity, Y: float64(ns) / 1e3})
	}
	return line
}
