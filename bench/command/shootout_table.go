package command

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/shootout"
	"github.com/tierceldb/tiercel/txnmgr"
)

// showShootout prints a table for each round trip and operation, in the layout of
// 2016, with the original below where there is one, and then the goals.
func (b *bench) showShootout(res shootout.Result) {
	for _, roundTrip := range res.Options.RoundTrips {
		for _, op := range shootout.Ops() {
			showMeasured(b.out, res, roundTrip, op)
			showOriginal(b.out, roundTrip, op)
		}
	}
	fmt.Fprintln(b.out)
	report.WriteGoals(b.out, res.Goals())
}

// spreadHeading are the columns of the times, with one lock and with locks by
// object.
func spreadHeading() []string {
	return []string{"clients", "coarse: min", "mean", "median", "max", "object-level: min", "mean", "median", "max"}
}

func spreadCells(s report.Spread) []string {
	return []string{micros(s.Min), micros(s.Mean), micros(s.Median), micros(s.Max)}
}

// micros writes microseconds, whole from a hundred upwards.
func micros(us float64) string {
	if us < 100 {
		return strconv.FormatFloat(us, 'f', 1, 64)
	}
	return report.Count(int64(us + 0.5))
}

// times writes a ratio with three significant figures or more.
func times(ratio float64) string {
	switch {
	case ratio < 10:
		return strconv.FormatFloat(ratio, 'f', 2, 64)
	case ratio < 100:
		return strconv.FormatFloat(ratio, 'f', 1, 64)
	}
	return report.Count(int64(ratio + 0.5))
}

func showMeasured(w io.Writer, res shootout.Result, roundTrip time.Duration, op shootout.Op) {
	t := report.Table{Heading: append(spreadHeading(), "coarse/s", "object-level/s", "ratio", "round trip")}
	rounds := 0
	for _, clients := range res.Options.Clients {
		coarse, _ := res.Figures(shootout.Setup{RoundTrip: roundTrip, Clients: clients, Locks: txnmgr.CoarseLock}, op)
		object, _ := res.Figures(shootout.Setup{RoundTrip: roundTrip, Clients: clients, Locks: txnmgr.ObjectLocks}, op)
		gain, ran := res.Gain(roundTrip, clients, op)
		if !ran {
			continue
		}
		row := append([]string{strconv.Itoa(clients)}, spreadCells(coarse.Spread)...)
		row = append(row, spreadCells(object.Spread)...)
		t.Add(append(row, report.Rate(coarse.PerSecond), report.Rate(object.PerSecond), times(gain), achieved(coarse, object))...)
		rounds = max(rounds, object.Rounds)
	}
	if len(t.Rows) > 0 {
		fmt.Fprintf(w, "\n%v, round trip %v: µs a transaction over the clients' means, %s\n", op, roundTrip, medians(rounds))
		t.Write(w)
	}
}

// medians says of how many runs figures are the medians.
func medians(runs int) string {
	if runs == 1 {
		return "one run"
	}
	return fmt.Sprintf("medians of %d runs", runs)
}

// achieved writes the longer of two round trips achieved.
func achieved(a, b shootout.Figures) string {
	if longest := max(a.Achieved, b.Achieved); longest > 0 {
		return report.Short(longest)
	}
	return "none"
}

// showOriginal prints the figures of 2016, with the ratio of the mean times.
func showOriginal(w io.Writer, roundTrip time.Duration, op shootout.Op) {
	t := report.Table{Heading: append(spreadHeading(), "ratio of means")}
	coarse := map[int]report.Spread{}
	for _, o := range shootout.Originals(roundTrip) {
		if o.Op != op {
			continue
		}
		if o.Locks == txnmgr.CoarseLock {
			coarse[o.Clients] = o.Spread
			continue
		}
		was := coarse[o.Clients]
		row := append([]string{strconv.Itoa(o.Clients)}, spreadCells(was)...)
		row = append(row, spreadCells(o.Spread)...)
		t.Add(append(row, times(was.Mean/o.Mean))...)
	}
	if len(t.Rows) > 0 {
		fmt.Fprintf(w, "\n%v, 2016, a round trip of about %v, ZEO storage server with one lock and with locks by object\n", op, roundTrip)
		t.Write(w)
	}
}

// shootoutChart draws the throughput of updates over the clients.
func shootoutChart(res shootout.Result) report.Chart {
	chart := report.Chart{
		Title: "updates of 3 objects, locks by object and one lock", XLabel: "clients", YLabel: "transactions per second",
		XScale: report.Logarithmic, YScale: report.Logarithmic, XTicks: res.Options.Clients,
	}
	for i, roundTrip := range res.Options.RoundTrips {
		for _, locks := range []txnmgr.Granularity{txnmgr.ObjectLocks, txnmgr.CoarseLock} {
			line := report.Line{Name: fmt.Sprintf("%s, round trip %v", locksName(locks), roundTrip), Color: i + 1}
			if locks == txnmgr.CoarseLock {
				line.Stroke = report.Dashed
			}
			for _, clients := range res.Options.Clients {
				if f, ran := res.Figures(shootout.Setup{RoundTrip: roundTrip, Clients: clients, Locks: locks}, shootout.Update); ran {
					line.Points = append(line.Points, report.Point{X: float64(clients), Y: f.PerSecond})
				}
			}
			chart.Lines = append(chart.Lines, line)
		}
	}
	return chart
}
