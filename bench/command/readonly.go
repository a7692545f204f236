package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

func (b *bench) newReadOnly() *cobra.Command {
	var c common
	var ro workload.ReadOnly
	var transactions int64
	cmd := &cobra.Command{
		Use:   "readonly",
		Short: "Run very many read-only transactions and count transaction objects",
		Long: `Readonly repeats in small the ten-hour read-only stress test of the Falcon storage
engine in 2008, which showed whether transaction objects are used again. Each
transaction begins, gets one object and ends. After a warm-up, in which every
goroutine has one transaction open at the same time, no transaction object may
be made any more and no lock taken on the list of them.`,
		Example: `  go run ./bench stress readonly
  go run ./bench stress readonly --transactions 1000000000 --goroutines 64
  go run ./bench stress readonly --duration 5s --json readonly.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, checkReadOnly(c, ro, transactions))
			if err != nil {
				return err
			}
			defer s.abandon()
			ro.Transactions, ro.Duration, ro.Seed = uint64(transactions), c.duration, c.seed
			return b.readOnly(cmd.Context(), s, ro)
		},
	}
	c.register(cmd.Flags(), 0, "longest time to run (default: until all transactions have run)", "transactions per second over time")
	cmd.Flags().Int64Var(&transactions, "transactions", 100_000_000, "how many to run")
	cmd.Flags().IntVar(&ro.Goroutines, "goroutines", 64, "how many run transactions at the same time")
	cmd.Flags().IntVar(&ro.Keys, "keys", 1000, "objects stored")
	return cmd
}

func checkReadOnly(c common, ro workload.ReadOnly, transactions int64) error {
	err := firstOf(
		within("transactions", transactions, 1, 1<<60),
		within("goroutines", ro.Goroutines, 1, maxGoroutines),
		within("keys", ro.Keys, 1, maxKeys),
	)
	if err == nil && c.duration != 0 {
		err = lasting("duration", c.duration)
	}
	return err
}

func (b *bench) readOnly(ctx context.Context, s *session, ro workload.ReadOnly) error {
	fmt.Fprintf(b.out, "stress readonly: %s transactions, %s goroutines, %s objects, seed %d\n",
		report.Count(ro.Transactions), report.Count(ro.Goroutines), report.Count(ro.Keys), ro.Seed)
	m, err := b.open(ctx, txnmgr.Options{})
	if err != nil {
		return runError{err}
	}
	res, err := ro.Run(ctx, m, func(at workload.Sample) {
		b.progress.Show("stress readonly: %s of %s transactions, %s", report.Count(at.Transactions),
			report.Count(ro.Transactions), report.Rate(float64(at.Transactions)/at.Elapsed.Seconds()))
	})
	b.progress.Clear()
	if err != nil {
		return runError{err}
	}
	violations := append(judgeReadOnly(res, ro.Goroutines), stress.Settle(m, int64(ro.Keys), ro.Goroutines)...)
	if err := m.Close(); err != nil {
		return runError{err}
	}
	b.showReadOnly(res)
	out := struct {
		header
		readOnlyResult
	}{s.header(judge(violations), res.Interrupted), newReadOnlyResult(res, violations)}
	if err := s.finish(out, overTime("read-only transactions", mixPoints(res.Samples))); err != nil {
		return err
	}
	summary := fmt.Sprintf("%s read-only transactions, %s", report.Count(res.Transactions), report.Rate(res.Throughput()))
	return b.conclude(s, res.Interrupted, violations, summary)
}

// usualLocks is how often the list of transaction objects may be locked
// exclusively until it is long enough for an ordinary number of goroutines.
const usualLocks = 10

// judgeReadOnly compares what the run cost with what its number of goroutines
// allows: one transaction object each and the spare ones of the last growth,
// one lock for each growth, and none after the warm-up.
func judgeReadOnly(res workload.ReadOnlyResult, goroutines int) []stress.Violation {
	violations := []stress.Violation{}
	must := func(holds bool, invariant, name, format string, args ...any) {
		if !holds {
			detail := fmt.Sprintf(format, args...)
			violations = append(violations, stress.Violation{Invariant: invariant, Name: name, Count: 1, Details: []string{detail}})
		}
	}
	objects, most := res.End.TransactionObjects, stress.MaxObjects(goroutines)
	must(objects <= most, stress.ObjectsBounded.Invariant(), "transaction objects used again",
		"%d transaction objects for %d goroutines, want at most %d", objects, goroutines, most)
	locks, limit := res.End.ExclusiveListLocks, max(usualLocks, growths(goroutines))
	must(locks <= limit, "", "few exclusive list locks", "%d exclusive locks, want at most %d", locks, limit)
	must(locks == res.Warm.ExclusiveListLocks, "", "no exclusive list lock after the warm-up",
		"%d exclusive locks after the warm-up, %d at the end", res.Warm.ExclusiveListLocks, locks)
	return violations
}

// growths counts how often the list grows until it has n objects.
func growths(n int) (times uint64) {
	for size := 0; size < n; times++ {
		size = stress.MaxObjects(size)
	}
	return times
}

func (b *bench) showReadOnly(res workload.ReadOnlyResult) {
	t := report.Table{Heading: []string{"", "after warm-up", "at the end"}}
	t.Add("read-only transactions", report.Count(res.Warm.CommittedReadOnly), report.Count(res.End.CommittedReadOnly))
	t.Add("transaction objects", report.Count(res.Warm.TransactionObjects), report.Count(res.End.TransactionObjects))
	t.Add("exclusive list locks", report.Count(res.Warm.ExclusiveListLocks), report.Count(res.End.ExclusiveListLocks))
	t.Write(b.out)
	fmt.Fprintf(b.out, "\n  %s transactions in %s, %s, %s allocations a transaction\n", report.Count(res.Transactions),
		report.Short(res.Elapsed), report.Rate(res.Throughput()), report.PerOp(float64(res.Usage.Allocs), res.Transactions))
}

// readOnlyResult is the JSON of a read-only run.
type readOnlyResult struct {
	Seconds            float64            `json:"seconds"`
	Transactions       uint64             `json:"transactions"`
	Throughput         float64            `json:"throughput_per_second"`
	TransactionObjects int                `json:"transaction_objects"`
	WarmLocks          uint64             `json:"exclusive_list_locks_after_warm_up"`
	ExclusiveListLocks uint64             `json:"exclusive_list_locks"`
	Usage              workload.Usage     `json:"usage"`
	Violations         []stress.Violation `json:"violations"`
	Samples            []point            `json:"samples"`
}

func newReadOnlyResult(res workload.ReadOnlyResult, violations []stress.Violation) readOnlyResult {
	return readOnlyResult{
		Seconds:            res.Elapsed.Seconds(),
		Transactions:       res.Transactions,
		Throughput:         res.Throughput(),
		TransactionObjects: res.End.TransactionObjects,
		WarmLocks:          res.Warm.ExclusiveListLocks,
		ExclusiveListLocks: res.End.ExclusiveListLocks,
		Usage:              res.Usage,
		Violations:         violations,
		Samples:            mixPoints(res.Samples),
	}
}
