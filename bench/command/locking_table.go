package command

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/tierceldb/tiercel/bench/locking"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/txnmgr"
)

// showLocking prints what the textbook has in three figures: operations, one
// process, several processes; and then the goals.
func (b *bench) showLocking(res locking.Result) {
	showOperations(b.out, res)
	showOneWorker(b.out, res)
	for _, records := range res.Options.Records {
		showWorkers(b.out, res, records)
	}
	fmt.Fprintln(b.out)
	report.WriteGoals(b.out, res.Goals())
}

// showOperations prints what a worker does, for each number of records.
func showOperations(w io.Writer, res locking.Result) {
	t := report.Table{Heading: []string{"operations of a worker"}}
	var figures []locking.Figures
	for _, records := range res.Options.Records {
		if f, ran := res.Figures(locking.Setup{Records: records, Workers: res.Options.Workers[0], Locks: txnmgr.ObjectLocks}); ran {
			figures = append(figures, f)
			t.Heading = append(t.Heading, report.Count(records)+" records")
		}
	}
	if len(figures) == 0 {
		return
	}
	for _, op := range locking.Ops() {
		t.Add(op.String())
	}
	t.Add("fetches a store")
	t.Add("fetches a deletion")
	for _, f := range figures {
		for op, n := range f.Counts {
			t.Rows[op] = append(t.Rows[op], report.Count(int64(n+0.5)))
		}
		stores, deletions := &t.Rows[len(t.Rows)-2], &t.Rows[len(t.Rows)-1]
		*stores = append(*stores, times(f.Fetches()/f.Stores()))
		*deletions = append(*deletions, times(f.Fetches()/f.Deletions()))
	}
	fmt.Fprintln(w)
	t.Write(w)
}

// usage are the cells of a time: user, system, clock, in milliseconds.
func usage(f locking.Figures) []string {
	if f.User+f.System == 0 { // this platform does not tell
		return []string{"-", "-", milliseconds(f.Clock)}
	}
	return []string{milliseconds(f.User), milliseconds(f.System), milliseconds(f.Clock)}
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds()*1e3, 'f', 2, 64)
}

// difference writes a ratio as what is added or taken away.
func difference(ratio float64, ran bool) string {
	if !ran {
		return "-"
	}
	return fmt.Sprintf("%+.1f%%", 100*(ratio-1))
}

// showOneWorker prints what locks cost where there is nobody to wait for.
func showOneWorker(w io.Writer, res locking.Result) {
	t := report.Table{Heading: []string{
		"records", "no lock: user", "system", "clock", "coarse: user", "system", "clock",
		"fine: user", "system", "clock", "coarse/none", "fine/none", "fine/coarse",
	}}
	runs := 0
	for _, records := range res.Options.Records {
		row := []string{report.Count(records)}
		for _, locks := range []txnmgr.Granularity{txnmgr.NoLocks, txnmgr.CoarseLock, txnmgr.ObjectLocks} {
			f, ran := res.Figures(locking.Setup{Records: records, Workers: 1, Locks: locks})
			if !ran {
				return
			}
			row = append(row, usage(f)...)
			runs = max(runs, f.Runs)
		}
		t.Add(append(row,
			difference(res.Ratio(records, 1, txnmgr.CoarseLock, txnmgr.NoLocks)),
			difference(res.Ratio(records, 1, txnmgr.ObjectLocks, txnmgr.NoLocks)),
			difference(res.Ratio(records, 1, txnmgr.ObjectLocks, txnmgr.CoarseLock)))...)
	}
	fmt.Fprintf(w, "\none worker: ms a test, %s; differences of clock time\n", medians(runs))
	t.Write(w)
}

// showWorkers prints what locks cost with more and more workers.
func showWorkers(w io.Writer, res locking.Result, records int) {
	t := report.Table{Heading: []string{
		"workers", "coarse: user", "system", "clock", "waits", "fine: user", "system", "clock", "waits", "difference",
	}}
	runs := 0
	for _, workers := range res.Options.Workers {
		coarse, _ := res.Figures(locking.Setup{Records: records, Workers: workers, Locks: txnmgr.CoarseLock})
		fine, _ := res.Figures(locking.Setup{Records: records, Workers: workers, Locks: txnmgr.ObjectLocks})
		ratio, ran := res.Ratio(records, workers, txnmgr.ObjectLocks, txnmgr.CoarseLock)
		if !ran {
			continue
		}
		row := append([]string{strconv.Itoa(workers)}, usage(coarse)...)
		row = append(append(row, report.Count(int64(coarse.Waits+0.5))), usage(fine)...)
		t.Add(append(row, report.Count(int64(fine.Waits+0.5)), difference(ratio, ran))...)
		runs = max(runs, fine.Runs)
	}
	if len(t.Rows) > 0 {
		fmt.Fprintf(w, "\n%s records a worker: ms a test, %s; difference of clock time\n", report.Count(records), medians(runs))
		t.Write(w)
	}
}

// lockingChart draws the clock time over the workers.
func lockingChart(res locking.Result) report.Chart {
	chart := report.Chart{
		Title: "the test of the textbook, a lock per record and one lock", XLabel: "workers", YLabel: "milliseconds a test",
		XTicks: res.Options.Workers,
	}
	for i, records := range res.Options.Records {
		for _, locks := range []txnmgr.Granularity{txnmgr.ObjectLocks, txnmgr.CoarseLock} {
			line := report.Line{Name: fmt.Sprintf("a lock per record, %s records", report.Count(records)), Color: i + 1}
			if locks == txnmgr.CoarseLock {
				line.Name, line.Stroke = fmt.Sprintf("one lock, %s records", report.Count(records)), report.Dashed
			}
			for _, workers := range res.Options.Workers {
				if f, ran := res.Figures(locking.Setup{Records: records, Workers: workers, Locks: locks}); ran {
					line.Points = append(line.Points, report.Point{X: float64(workers), Y: f.Clock.Seconds() * 1e3})
				}
			}
			chart.Lines = append(chart.Lines, line)
		}
	}
	return chart
}
