package command

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/tierceldb/tiercel/bench/checked"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/txnmgr"
)

// checkMode says whether, and for what, stress checks recorded histories.
type checkMode int

const (
	noCheck checkMode = iota
	checkSerializable
	checkSnapshot
)

// String returns the name of the mode on the command line.
func (c checkMode) String() string {
	return [...]string{noCheck: "none", checkSerializable: "serializable", checkSnapshot: "snapshot"}[c]
}

func (c checkMode) level() history.Level {
	if c == checkSnapshot {
		return history.Snapshot
	}
	return history.Serializable
}

// checkFlags are the flags of stress that are about recorded histories.
type checkFlags struct {
	mode checkMode
	keys int
}

func (c *checkFlags) register(flags *pflag.FlagSet) {
	flags.Var(choice[checkMode]{&c.mode, []checkMode{noCheck, checkSerializable, checkSnapshot}}, "check",
		"instead of that, run a random mix at this isolation, record it, and check its history exactly")
	flags.IntVar(&c.keys, "check-keys", 300, "keys of the mix that --check and --crash run")
}

func (c *checkFlags) problem() error { return within("check-keys", c.keys, 1, 1_000_000) }

// check runs and checks a random mix.
func (b *bench) check(ctx context.Context, s *session, c checkFlags, goroutines int) error {
	opts := checked.Options{Goroutines: goroutines, Duration: s.duration, Seed: s.seed, Keys: c.keys, Level: c.mode.level()}
	fmt.Fprintf(b.out, "stress, histories checked: %s goroutines for %v, %v, %s keys, seed %d\n",
		report.Count(goroutines), opts.Duration, opts.Level, report.Count(opts.Keys), opts.Seed)
	m, err := b.open(ctx, txnmgr.Options{})
	if err != nil {
		return runError{err}
	}
	res, err := checked.Run(ctx, m, opts, func(at checked.Sample) {
		b.progress.Show("stress %.1fs of %v: %s transactions checked, %s cycles", at.Elapsed.Seconds(),
			opts.Duration, report.Count(at.Checked), report.Count(at.Cycles))
	})
	b.progress.Clear()
	if err != nil {
		return runError{err}
	}
	b.showCheck(res)
	out := struct {
		header
		checkResult
	}{s.header(judge(res.Violations), res.Interrupted), newCheckResult(res)}
	if err := s.finish(out, overTime("transactions checked", checkPoints(res.Samples))); err != nil {
		return err
	}
	summary := fmt.Sprintf("%s transactions checked, %s edges, %s cycles, %s",
		report.Count(res.Checked), report.Count(res.Edges), report.Count(res.Cycles), report.Rate(res.Throughput()))
	return b.conclude(s, res.Interrupted, res.Violations, summary)
}

func (b *bench) showCheck(res checked.Result) {
	facts := report.Table{}
	facts.Add("transactions checked", report.Count(res.Checked), report.Rate(res.Throughput()))
	facts.Add("committed", report.Count(res.Committed))
	facts.Add("rolled back", report.Count(res.RolledBack))
	facts.Add("edges", report.Count(res.Edges))
	facts.Add("cycles", report.Count(res.Cycles))
	facts.Add("other faults", report.Count(res.Faults))
	if res.Options.Level == history.Snapshot {
		facts.Add("write skews in the first window, allowed", report.Count(res.Skews))
	}
	facts.Add("windows", report.Count(res.Windows))
	facts.Add("checking took", report.Short(res.Checking))
	facts.Write(b.out)
}

// checkResult is the JSON of a run with --check.
type checkResult struct {
	Seconds    float64            `json:"seconds"`
	Checked    uint64             `json:"transactions_checked"`
	Throughput float64            `json:"checked_per_second"`
	Committed  uint64             `json:"committed"`
	RolledBack uint64             `json:"rolled_back"`
	Edges      uint64             `json:"edges"`
	Cycles     uint64             `json:"cycles"`
	Faults     uint64             `json:"other_faults"`
	Skews      int                `json:"write_skews_in_first_window"`
	Windows    int                `json:"windows"`
	Checking   float64            `json:"checking_seconds"`
	Stats      txnmgr.Stats       `json:"stats_after_purge"`
	Violations []stress.Violation `json:"violations"`
	Samples    []point            `json:"samples"`
}

func newCheckResult(res checked.Result) checkResult {
	return checkResult{
		Seconds:    res.Elapsed.Seconds(),
		Checked:    res.Checked,
		Throughput: res.Throughput(),
		Committed:  res.Committed,
		RolledBack: res.RolledBack,
		Edges:      res.Edges,
		Cycles:     res.Cycles,
		Faults:     res.Faults,
		Skews:      res.Skews,
		Windows:    res.Windows,
		Checking:   res.Checking.Seconds(),
		Stats:      res.Stats,
		Violations: res.Violations,
		Samples:    checkPoints(res.Samples),
	}
}

func checkPoints(samples []checked.Sample) []point {
	points := []point{}
	for _, at := range samples {
		points = append(points, point{at.Elapsed.Seconds(), at.Checked})
	}
	return points
}
