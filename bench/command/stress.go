package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// maxStressGoroutines keeps the ranges of all goroutines in memory.
const maxStressGoroutines = 10_000

func (b *bench) newStress() *cobra.Command {
	var c common
	var opts stress.Options
	var histories checkFlags
	var killing crashFlags
	cmd := &cobra.Command{
		Use:   "stress",
		Short: "Run transactions of all kinds side by side and check what is promised",
		Long: `Stress runs transactions of all kinds on many goroutines: readers, transfers
with a constant total, scans both ways, inserts and deletes, hot counters,
savepoints, constraints that only serializable transactions keep, transactions
that are forgotten, time out or are cancelled, and one reader that is held open
throughout. What any of them sees, and what is left in memory at the end, is
checked. A violation is named by its invariant, and the exit status is 1.

With --check a random mix of transactions on few keys runs instead. What each of
them read and wrote is recorded, and the serialization graph of all that, with
ranges and real time, must have no cycle that the isolation forbids. If there is
one, the smallest is shown, and named.

With --crash a process of its own runs such a mix on a durable store in a folder,
and is killed at a random moment, so many times. Each time what the next one finds
must be a prefix of commit order that has every acknowledged commit, and nothing
by halves; what was prepared is still prepared; and the history of each process is
checked. Some commits do not wait for the disk, some are prepared, and every other
process waits for the disk always: then no reader may have seen what is lost.

The seed fixes what each goroutine does. How they interleave is up to the
scheduler, so a violation may need several runs to show again.`,
		Example: `  go run ./bench stress
  go run ./bench stress --duration 60s --goroutines 64 --json out.json
  go run ./bench stress --isolation snapshot --accounts 10 --hot 1
  go run ./bench stress --seed 7 --plot throughput.svg
  go run ./bench stress --check serializable --duration 5m --json out.json
  go run ./bench stress --dir /tmp/crashed --crash 20
  go run ./bench stress readonly`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, firstOf(lasting("duration", c.duration), checkStress(opts), histories.problem(),
				killing.problem(cmd, &opts.Goroutines, histories.mode)))
			if err != nil {
				return err
			}
			defer s.abandon()
			if killing.crashes > 0 {
				return b.crash(cmd.Context(), s, killing, opts.Goroutines, histories.keys)
			}
			if histories.mode != noCheck {
				return b.check(cmd.Context(), s, histories, opts.Goroutines)
			}
			opts.Duration, opts.Seed = c.duration, c.seed
			return b.stress(cmd.Context(), s, opts)
		},
	}
	c.register(cmd.Flags(), 10*time.Second, "how long to run; with --crash, how long to go on killing (default: so many times)", "transactions per second over time")
	addStressFlags(cmd, &opts)
	histories.register(cmd.Flags())
	killing.register(cmd.Flags())
	cmd.AddCommand(b.newReadOnly(), b.newChild())
	return cmd
}

func addStressFlags(cmd *cobra.Command, opts *stress.Options) {
	flags := cmd.Flags()
	flags.IntVar(&opts.Goroutines, "goroutines", 64, "how many run transactions at the same time")
	flags.IntVar(&opts.Accounts, "accounts", 100, "accounts that money is transferred between")
	flags.IntVar(&opts.Hot, "hot", 8, "counters that all goroutines increment")
	flags.IntVar(&opts.Churn, "keys", 64, "keys that each goroutine inserts and deletes")
	addIsolation(flags, &opts.Isolation)
}

func checkStress(opts stress.Options) error {
	return firstOf(
		within("goroutines", opts.Goroutines, 1, maxStressGoroutines),
		within("accounts", opts.Accounts, 2, 1_000_000),
		within("hot", opts.Hot, 1, 1_000_000),
		within("keys", opts.Churn, 1, 1_000_000),
	)
}

func (b *bench) stress(ctx context.Context, s *session, opts stress.Options) error {
	fmt.Fprintf(b.out, "stress: %s\n", describeStress(opts))
	res, err := b.runStress(ctx, opts)
	if err != nil {
		return err
	}
	b.showStress(res)
	out := struct {
		header
		stressResult
	}{s.header(judge(res.Violations), res.Interrupted), newStressResult(res)}
	if err := s.finish(out, overTime("stress", stressPoints(res.Samples))); err != nil {
		return err
	}
	return b.conclude(s, res.Interrupted, res.Violations, stressSummary(res))
}

func describeStress(opts stress.Options) string {
	return fmt.Sprintf("%s goroutines for %v, %v, %s accounts, %s hot keys, %s keys each, seed %d",
		report.Count(opts.Goroutines), opts.Duration, opts.Isolation,
		report.Count(opts.Accounts), report.Count(opts.Hot), report.Count(opts.Churn), opts.Seed)
}

func stressSummary(res stress.Result) string {
	return fmt.Sprintf("%s transactions stressed, %d violations", report.Count(res.Transactions), total(res.Violations))
}

// runStress runs the test with a progress line.
func (b *bench) runStress(ctx context.Context, opts stress.Options) (stress.Result, error) {
	m, err := b.open(ctx, txnmgr.Options{Isolation: opts.Isolation})
	if err != nil {
		return stress.Result{}, runError{err}
	}
	res, err := stress.Run(ctx, m, opts, func(at stress.Sample) {
		b.progress.Show("stress %.1fs of %v: %s transactions, %s conflicts, %d violations", at.Elapsed.Seconds(),
			opts.Duration, report.Count(at.Transactions), report.Count(at.Stats.Conflicts), at.Violations)
	})
	b.progress.Clear()
	if err != nil {
		return res, runError{err}
	}
	return res, nil
}

func (b *bench) showStress(res stress.Result) {
	kinds := report.Table{Heading: []string{"kind", "transactions", "gave up"}}
	for _, k := range res.Kinds {
		kinds.Add(k.Kind, report.Count(k.Ended), report.Count(k.GaveUp))
	}
	kinds.Write(b.out)
	fmt.Fprintln(b.out)
	facts := report.Table{}
	facts.Add("transactions", report.Count(res.Transactions), report.Rate(res.Throughput()))
	facts.Add("conflicts", report.Count(res.Stats.Conflicts))
	facts.Add("retries", report.Count(res.Stats.Retries))
	facts.Add("open at once, at most", report.Count(res.Peak))
	facts.Add("transaction objects, at most", report.Count(res.MaxObjects))
	facts.Add("exclusive list locks", report.Count(res.Stats.ExclusiveListLocks))
	facts.Add("objects, versions after the purge", report.Count(res.Stats.Objects), report.Count(res.Stats.Versions))
	facts.Write(b.out)
	if res.Stacks != "" {
		fmt.Fprintf(b.errs, "%s\n", res.Stacks)
	}
}

// stressResult is the JSON of a stress run.
type stressResult struct {
	Seconds            float64            `json:"seconds"`
	Transactions       uint64             `json:"transactions"`
	Throughput         float64            `json:"throughput_per_second"`
	Kinds              []stress.KindCount `json:"transactions_by_kind"`
	Conflicts          uint64             `json:"conflicts"`
	Retries            uint64             `json:"retries"`
	TransactionObjects int                `json:"transaction_objects"`
	OpenAtOnce         int                `json:"open_at_once_at_most"`
	ExclusiveListLocks uint64             `json:"exclusive_list_locks"`
	Stats              txnmgr.Stats       `json:"stats_after_purge"`
	Violations         []stress.Violation `json:"violations"`
	Samples            []point            `json:"samples"`
}

func newStressResult(res stress.Result) stressResult {
	return stressResult{
		Seconds:            res.Elapsed.Seconds(),
		Transactions:       res.Transactions,
		Throughput:         res.Throughput(),
		Kinds:              res.Kinds,
		Conflicts:          res.Stats.Conflicts,
		Retries:            res.Stats.Retries,
		TransactionObjects: res.MaxObjects,
		OpenAtOnce:         res.Peak,
		ExclusiveListLocks: res.Stats.ExclusiveListLocks,
		Stats:              res.Stats,
		Violations:         res.Violations,
		Samples:            stressPoints(res.Samples),
	}
}

func stressPoints(samples []stress.Sample) []point {
	points := []point{}
	for _, at := range samples {
		points = append(points, point{at.Elapsed.Seconds(), at.Transactions})
	}
	return points
}
