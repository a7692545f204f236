package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tierceldb/tiercel/bench/crash"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// crashFlags are the flags of stress that are about killing it.
type crashFlags struct {
	dir     string
	crashes int
}

const (
	// crashGoroutines is how many goroutines a child has if nobody says anything else.
	crashGoroutines = 16
	// crashLife is how long a child lives at most once it has opened the store.
	crashLife = time.Second
	maxCrash  = 10_000
)

func (c *crashFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.dir, "dir", "", "with --crash, the `folder` for the store, which must be new or empty")
	flags.IntVar(&c.crashes, "crash", 0, "instead of that, kill a process that uses a durable store so often, and check what it leaves")
}

// problem checks the flags, given those that they share with other runs.
func (c *crashFlags) problem(cmd *cobra.Command, goroutines *int, check checkMode) error {
	flags := cmd.Flags()
	if !flags.Changed("crash") {
		if c.dir != "" {
			return usageError{errors.New("--dir is for --crash; to measure a durable store, go run ./bench run --dir")}
		}
		return nil
	}
	if !flags.Changed("goroutines") {
		*goroutines = crashGoroutines
	}
	switch {
	case c.dir == "":
		return usageError{errors.New("--crash needs a folder for the store: add --dir")}
	case check != noCheck:
		return usageError{errors.New("--crash checks histories anyway: leave --check out")}
	case c.crashes*(*goroutines+1) > crash.MaxSessions:
		return usageError{fmt.Errorf("--crash %d with %d goroutines: the product may be %s at most",
			c.crashes, *goroutines, report.Count(crash.MaxSessions))}
	}
	return firstOf(within("crash", c.crashes, 1, maxCrash), emptyFolder(c.dir))
}

// emptyFolder makes sure that nothing is in the way of a new store.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usageError{fmt.Errorf("--dir: %w", err)}
	case len(entries) > 0:
		return usageError{fmt.Errorf("--dir %s: there is something in it; name a new folder", dir)}
	}
	return nil
}

// newChild is the process that crash kills. It is not for people.
func (b *bench) newChild() *cobra.Command {
	return &cobra.Command{
		Use: "child LOAD", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			load, err := crash.ParseLoad(args[0])
			if err != nil {
				return usageError{err}
			}
			if err := crash.Child(context.WithoutCancel(cmd.Context()), load, b.open, b.out); err != nil {
				return runError{err}
			}
			return nil
		},
	}
}

// startSelf starts this program as a child.
func startSelf(load string) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return exec.Command(program, "stress", "child", load)
}

// verifyAfterCrash verifies what a child has left, if it got as far as to make a store.
func verifyAfterCrash(dir string) error {
	res, err := txnmgr.Verify(context.Background(), dir, nil)
	if errors.Is(err, txnmgr.ErrNoStore) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, res.Err())
}

// crash kills and checks.
func (b *bench) crash(ctx context.Context, s *session, c crashFlags, goroutines, keys int) error {
	opts := crash.Options{
		Dir: c.dir, Crashes: c.crashes, Goroutines: goroutines, Keys: keys, Seed: s.seed, Life: crashLife,
		Start: b.startChild, Verify: verifyAfterCrash,
	}
	if s.cmd.Flags().Changed("duration") {
		opts.Duration = s.duration
	}
	fmt.Fprintf(b.out, "stress, killed %s times: %s goroutines, %s keys, in %s, seed %d\n",
		report.Count(c.crashes), report.Count(goroutines), report.Count(keys), c.dir, s.seed)
	res, err := crash.Run(ctx, opts, func(at crash.Sample) {
		b.progress.Show("stress %.1fs: killed %s of %s times, %s commits acknowledged, %d violations", at.Elapsed.Seconds(),
			report.Count(at.Crashes), report.Count(c.crashes), report.Count(at.Commits), at.Violations)
	})
	b.progress.Clear()
	if err != nil {
		return runError{err}
	}
	b.showCrash(res)
	out := struct {
		header
		crashResult
	}{s.header(judge(res.Violations), res.Interrupted), newCrashResult(res)}
	if err := s.finish(out, overTime("commits acknowledged", crashPoints(res.Samples))); err != nil {
		return err
	}
	summary := fmt.Sprintf("killed %s times, %s commits acknowledged, %s in doubt, %s transactions checked",
		report.Count(res.Crashes), report.Count(res.Acknowledged), report.Count(res.Survived+res.Gone), report.Count(res.Checked))
	return b.conclude(s, res.Interrupted, res.Violations, summary)
}

func (b *bench) showCrash(res crash.Result) {
	facts := report.Table{}
	facts.Add("killed", report.Count(res.Crashes), report.Count(res.Opening)+" while opening the store")
	facts.Add("commits acknowledged", report.Count(res.Acknowledged), report.Rate(res.Throughput()))
	facts.Add("without waiting for the disk", report.Count(res.Async), report.Count(res.AsyncLost)+" lost, as they may be")
	facts.Add("in doubt when it was killed", report.Count(res.Survived+res.Gone), report.Count(res.Survived)+" survived")
	facts.Add("prepared", report.Count(res.Prepared), report.Count(res.Carried)+" over a restart")
	facts.Add("transactions checked", report.Count(res.Checked))
	facts.Add("edges", report.Count(res.Edges))
	facts.Add("checking took", report.Short(res.Checking))
	facts.Add("opening took at most", report.Short(res.LongestOpen))
	facts.Write(b.out)
}

// crashResult is the JSON of a run with --crash.
type crashResult struct {
	Seconds      float64            `json:"seconds"`
	Crashes      int                `json:"crashes"`
	Opening      int                `json:"crashes_while_opening"`
	Acknowledged uint64             `json:"commits_acknowledged"`
	Async        uint64             `json:"commits_async"`
	AsyncLost    uint64             `json:"commits_async_lost"`
	Survived     uint64             `json:"in_doubt_survived"`
	Gone         uint64             `json:"in_doubt_gone"`
	Prepared     uint64             `json:"prepared"`
	Carried      uint64             `json:"prepared_over_restarts"`
	Checked      uint64             `json:"transactions_checked"`
	Edges        uint64             `json:"edges"`
	Checking     float64            `json:"checking_seconds"`
	LongestOpen  float64            `json:"longest_open_seconds"`
	Violations   []stress.Violation `json:"violations"`
	Samples      []point            `json:"samples"`
}

func newCrashResult(res crash.Result) crashResult {
	return crashResult{
		Seconds:      res.Elapsed.Seconds(),
		Crashes:      res.Crashes,
		Opening:      res.Opening,
		Acknowledged: res.Acknowledged,
		Async:        res.Async,
		AsyncLost:    res.AsyncLost,
		Survived:     res.Survived,
		Gone:         res.Gone,
		Prepared:     res.Prepared,
		Carried:      res.Carried,
		Checked:      res.Checked,
		Edges:        res.Edges,
		Checking:     res.Checking.Seconds(),
		LongestOpen:  res.LongestOpen.Seconds(),
		Violations:   res.Violations,
		Samples:      crashPoints(res.Samples),
	}
}

func crashPoints(samples []crash.Sample) []point {
	points := []point{}
	for _, at := range samples {
		points = append(points, point{at.Elapsed.Seconds(), at.Commits})
	}
	return points
}
