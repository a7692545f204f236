package command

import (
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/workload"
)

// point is one sample of a run in JSON.
type point struct {
	Seconds      float64 `json:"seconds"`
	Transactions uint64  `json:"transactions"` // since the start
}

func mixPoints(samples []workload.Sample) []point {
	points := []point{}
	for _, at := range samples {
		points = append(points, point{at.Elapsed.Seconds(), at.Transactions})
	}
	return points
}

// overTime draws the throughput between one sample and the next.
func overTime(title string, samples []point) report.Chart {
	line := report.Line{Name: "transactions per second"}
	last := point{}
	for _, at := range samples {
		if span := at.Seconds - last.Seconds; span > 0 {
			rate := float64(at.Transactions-last.Transactions) / span
			line.Points = append(line.Points, report.Point{X: at.Seconds, Y: rate})
		}
		last = at
	}
	return report.Chart{
		Title: title, XLabel: "seconds", YLabel: "transactions per second", Lines: []report.Line{line},
	}
}
