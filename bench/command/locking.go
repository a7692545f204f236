package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/locking"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Upper limits of the flags of locking.
const (
	maxWorkers = 1_000
	maxRecords = 100_000
)

func (b *bench) newLocking() *cobra.Command {
	var c common
	opts := locking.Options{Workers: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, Records: []int{500, 1000, 2000}}
	cmd := &cobra.Command{
		Use:   "locking",
		Short: "Compare no lock, one lock, and a lock per record by the test of a textbook",
		Long: `Locking repeats the test of the database library in chapter 20 of Advanced
Programming in the UNIX Environment. Each worker writes a number of records, reads
them back, and then loops five times as often: it fetches a random one of its
records, every 37th time deletes one, every 11th time inserts another and reads it
back, and every 17th time replaces one, in turn by data of the same and of a
greater length. Then it deletes all it wrote, with ten random fetches at each
deletion. Every record read is compared with what was written.

Each call of the library is a transaction: those that write lock their record,
look whether it is there, write, and commit; fetches lock nothing. The same runs
without locks (one worker only), with one lock for the database (coarse), and with
a lock per record (fine). Shown are the operations of a worker, and the user, system and clock
time of a whole test; processor time is that of the process, the garbage collector
too. All variants run in short slices next to each other, in as many rounds as
there is time for, and the medians count. (In the textbook, on Solaris with locks
of the file system, a lock per record took up to 3% less clock time than one lock
with more than seven processes, and with one they were alike.) A goal that is
missed does not make the run fail.`,
		Example: `  go run ./bench locking
  go run ./bench locking --json out.json --plot locking.svg
  go run ./bench locking --workers 1,12 --records 500 --duration 5s
  go run ./bench locking --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, firstOf(lasting("duration", c.duration),
				allWithin("workers", opts.Workers, 1, maxWorkers), allWithin("records", opts.Records, 1, maxRecords)))
			if err != nil {
				return err
			}
			defer s.abandon()
			opts.Duration, opts.Seed = c.duration, c.seed
			return b.locking(cmd.Context(), s, opts)
		},
	}
	c.register(cmd.Flags(), 30*time.Second, "how long to run in all (at least one round, though)", "the clock time of a test by workers")
	flags := cmd.Flags()
	flags.Var(numbers(&opts.Workers), "workers", "how many run the test at the same time, one after the other")
	flags.Var(numbers(&opts.Records), "records", "how many each worker writes at first, one after the other")
	return cmd
}

func (b *bench) locking(ctx context.Context, s *session, opts locking.Options) error {
	fmt.Fprintf(b.out, "locking: %s records, %s workers, about %v, seed %d\n",
		joined(opts.Records), joined(opts.Workers), opts.Duration, opts.Seed)
	res, err := locking.Run(ctx, b.open, opts, func(at locking.Progress) {
		b.progress.Show("locking %.1fs of about %v: round %d, %s records, %d workers, %s", at.Elapsed.Seconds(),
			opts.Duration, at.Round, report.Count(at.Records), at.Workers, locksName(at.Locks))
	})
	b.progress.Clear()
	if err != nil {
		return runError{err}
	}
	b.showLocking(res)
	out := struct {
		header
		lockingResult
	}{s.header(judge(res.Violations), res.Interrupted), newLockingResult(res)}
	if err := s.finish(out, lockingChart(res)); err != nil {
		return err
	}
	return b.conclude(s, res.Interrupted, res.Violations, lockingSummary(res))
}

func lockingSummary(res locking.Result) string {
	tests := 0
	for _, f := range res.All() {
		tests += f.Tests
	}
	return fmt.Sprintf("%s tests in %s, every record checked, %s",
		report.Count(tests), report.Short(res.Elapsed), goalsReached(res.Goals()))
}

// lockingResult is the JSON of the test.
type lockingResult struct {
	Seconds    float64            `json:"seconds"`
	Figures    []lockingFigures   `json:"figures"`
	Ratios     []lockingRatio     `json:"ratios"`
	Goals      []report.Goal      `json:"goals"`
	Violations []stress.Violation `json:"violations"`
}

// lockingFigures are those of a setup: medians of what a test took.
type lockingFigures struct {
	Records    int                `json:"records"`
	Workers    int                `json:"workers"`
	Locks      string             `json:"locks"`
	Clock      time.Duration      `json:"clock_ns"`
	User       time.Duration      `json:"user_ns"`   // 0 where the platform does not tell
	System     time.Duration      `json:"system_ns"` // likewise
	Waits      float64            `json:"lock_waits"`
	Operations map[string]float64 `json:"operations_of_a_worker"`
	Tests      int                `json:"tests"`
	Runs       int                `json:"runs"`
}

// lockingRatio is a ratio of clock times.
type lockingRatio struct {
	Records int     `json:"records"`
	Workers int     `json:"workers"`
	Ratio   float64 `json:"object_level_per_coarse"`
}

func newLockingResult(res locking.Result) lockingResult {
	out := lockingResult{
		Seconds: res.Elapsed.Seconds(), Figures: []lockingFigures{}, Ratios: []lockingRatio{},
		Goals: res.Goals(), Violations: res.Violations,
	}
	for _, f := range res.All() {
		operations := map[string]float64{}
		for _, op := range locking.Ops() {
			operations[op.String()] = f.Counts[op]
		}
		out.Figures = append(out.Figures, lockingFigures{
			f.Records, f.Workers, locksName(f.Locks), f.Clock, f.User, f.System, f.Waits, operations, f.Tests, f.Runs,
		})
		if ratio, ran := res.Ratio(f.Records, f.Workers, txnmgr.ObjectLocks, txnmgr.CoarseLock); ran && f.Locks == txnmgr.ObjectLocks {
			out.Ratios = append(out.Ratios, lockingRatio{f.Records, f.Workers, ratio})
		}
	}
	return out
}
