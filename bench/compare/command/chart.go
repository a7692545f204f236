package command

import (
	"io"

	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/report"
)

// drawCommits draws throughput over clients.
func drawCommits(w io.Writer, s *settings, res *result) error {
	chart := report.Chart{
		Title:  "durable transactions of 3 objects of 999 bytes",
		XLabel: "clients", YLabel: "transactions per second",
		XScale: report.Logarithmic, YScale: report.Logarithmic, XTicks: s.clients,
	}
	for i, c := range s.stores() {
		for _, op := range commits.Ops() {
			line := report.Line{Name: c.Name + ", " + op.String(), Color: i + 1}
			if op == commits.Update {
				line.Stroke = report.Dashed
			}
			for _, f := range res.Commits {
				if f.Store == c.Name && f.Op == op.String() {
					line.Points = append(line.Points, report.Point{X: float64(f.Clients), Y: f.PerSecond})
				}
			}
			chart.Lines = append(chart.Lines, line)
		}
	}
	format, err := report.PlotFormat(s.plot)
	if err != nil {
		return err
	}
	return chart.Write(w, format)
}
