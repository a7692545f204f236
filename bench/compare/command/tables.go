package command

import (
	"fmt"
	"io"
	"strconv"

	"github.com/tierceldb/tiercel/bench/compare/beside"
	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/compare/recovery"
	"github.com/tierceldb/tiercel/bench/compare/selects"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/workload"
)

// rounds says of how many rounds figures are the medians.
func rounds(n int) string {
	if n == 1 {
		return "one round"
	}
	return fmt.Sprintf("medians of %d rounds", n)
}

func showCommits(w io.Writer, what string, r commits.Result) {
	for _, op := range commits.Ops() {
		fmt.Fprintf(w, "\n%v, %d objects of %d bytes a transaction, %s, %s\n",
			op, commits.ObjectsPerTxn, commits.ObjectSize, what, rounds(r.Options.Rounds))
		t := report.Table{Heading: []string{"store", "clients", "transactions", "mean", "p99", "of the limit's", "tiercel's is"}}
		for _, clients := range r.Options.Clients {
			for _, c := range r.Options.Contestants {
				if f, ran := r.Figures(commits.Setup{Op: op, Clients: clients, Store: c.Name}); ran {
					t.Add(c.Name, strconv.Itoa(clients), report.Rate(f.PerSecond), report.Short(f.Mean), report.Short(f.P99),
						gain(r, op, clients, c.Name, peer.Limit), gain(r, op, clients, peer.Tiercel, c.Name))
				}
			}
		}
		t.Write(w)
	}
}

// gain writes a ratio of throughputs, or nothing for that of a store over itself.
func gain(r commits.Result, op commits.Op, clients int, of, over string) string {
	if ratio, ran := r.Gain(op, clients, of, over); ran && of != over {
		return times(ratio)
	}
	return ""
}

// times writes a ratio.
func times(ratio float64) string { return strconv.FormatFloat(ratio, 'f', 2, 64) + " x" }

func showSelects(w io.Writer, r selects.Result) {
	for _, size := range r.Options.Sizes {
		fmt.Fprintf(w, "\nselect of one object of %d bytes, caches of %d KiB, data %d times as large, %d readers, %s\n",
			size, r.Options.CacheBytes>>10, selects.Times, r.Options.Readers, rounds(r.Options.Rounds))
		t := report.Table{Heading: []string{"store", "zipf", "uniform", "live memory", "of it off the heap"}}
		for _, c := range r.Options.Contestants {
			row := []string{c.Name}
			for _, d := range []workload.Distribution{workload.Zipf, workload.Uniform} {
				perSecond, _ := r.PerSecond(selects.Setup{Size: size, Distribution: d, Store: c.Name})
				row = append(row, report.Rate(perSecond))
			}
			live, _ := r.Memory(selects.Held{Size: size, Store: c.Name})
			t.Add(append(row, mib(live.Total()), mib(live.OffHeap))...)
		}
		t.Write(w)
	}
}

func mib(bytes int64) string {
	return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 1, 64) + " MiB"
}

func showBeside(w io.Writer, r beside.Result) {
	fmt.Fprintf(w, "\nselect of one object of %d bytes by %d readers, alone and beside %d writers, %s\n",
		commits.ObjectSize, r.Options.Readers, r.Options.Writers, rounds(r.Options.Rounds))
	t := report.Table{Heading: []string{"store", "", "reads", "a CPU second", "p99", "p99.9", "longest", "commits"}}
	for _, c := range r.Options.Contestants {
		for _, company := range beside.Companies() {
			if f, ran := r.Figures(beside.Setup{Store: c.Name, Company: company}); ran {
				t.Add(c.Name, company.String(), report.Rate(f.PerSecond), report.Count(int64(f.PerCPUSecond)),
					report.Short(f.P99), report.Short(f.P999), report.Short(f.Longest), report.Rate(f.Commits))
			}
		}
	}
	t.Write(w)
}

func showRecovery(w io.Writer, r recovery.Result) {
	s, ran := r.Median()
	if !ran {
		return
	}
	fmt.Fprintf(w, "\nrecovery after a kill, %s\n", rounds(r.Options.Rounds))
	t := report.Table{Heading: []string{"store", "log", "transactions", "time", "", "reports of progress"}}
	t.Add(peer.Tiercel, mib(s.Bytes), report.Count(s.Transactions), report.Short(s.Took), report.Rate(s.PerSecond()), strconv.Itoa(s.Reports))
	t.Write(w)
}

// conclude prints the goals and the last line.
func (p *program) conclude(s *settings, res *result) {
	interrupted := ""
	if res.Interrupted {
		interrupted = ", interrupted"
	}
	fmt.Fprintf(p.out, "\n%severy value checked%s, seed %d\n", p.showGoals(s, res), interrupted, s.seed)
}

// showGoals prints the goals, and returns how many are reached.
func (p *program) showGoals(s *settings, res *result) string {
	if s.quick {
		return "quick: the figures mean nothing and no goals are shown; "
	}
	fmt.Fprintln(p.out)
	report.WriteGoals(p.out, res.Goals)
	reached := 0
	for _, g := range res.Goals {
		if g.Reached {
			reached++
		}
	}
	return fmt.Sprintf("%d of %d goals reached, ", reached, len(res.Goals))
}
