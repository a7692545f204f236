package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// mixFlags are the flags that describe a mix.
type mixFlags struct {
	workload.Mix
	read      share
	isolation txnmgr.Isolation
}

func (f *mixFlags) register(flags *pflag.FlagSet) {
	f.read = 0.9
	flags.IntVar(&f.Goroutines, "goroutines", 64, "how many run transactions at the same time")
	flags.Var(&f.read, "read", "share of the transactions that only read: 0.9 or 90%")
	flags.IntVar(&f.Keys, "keys", 100_000, "objects stored")
	flags.IntVar(&f.ValueSize, "value-size", 100, "bytes of each value")
	flags.IntVar(&f.OpsPerTxn, "ops-per-txn", 1, "gets of a read, gets and puts of an update")
	addDistribution(flags, &f.Dist)
	addIsolation(flags, &f.isolation)
}

func (f *mixFlags) check() error {
	return firstOf(
		within("goroutines", f.Goroutines, 1, maxGoroutines),
		within("keys", f.Keys, 1, maxKeys),
		within("value-size", f.ValueSize, 0, txnmgr.MaxValueSize),
		within("ops-per-txn", f.OpsPerTxn, 1, maxOps),
	)
}

// chosen returns the mix that the flags describe.
func (f *mixFlags) chosen(seed uint64) workload.Mix {
	mix := f.Mix
	mix.Read, mix.Seed = float64(f.read), seed
	return mix
}

func (f *mixFlags) describe(c common) string {
	return fmt.Sprintf("%s goroutines for %v, %s reads, %d operations a transaction,\n"+
		"  %s objects of %s bytes, %v, %v, seed %d",
		report.Count(f.Goroutines), c.duration, f.read.String(), f.OpsPerTxn,
		report.Count(f.Keys), report.Count(f.ValueSize), f.Dist, f.isolation, c.seed)
}

// load opens a manager and stores the objects of a mix.
func (b *bench) load(ctx context.Context, mix workload.Mix, opts txnmgr.Options) (*txnmgr.Manager, error) {
	if opts.Dir != "" {
		opts.Replaying = func(done, all int64) {
			b.progress.Show("reading the log: %s of %s MB", report.Count(done>>20), report.Count(all>>20))
		}
	}
	m, err := b.open(ctx, opts)
	if err != nil {
		return nil, runError{err}
	}
	err = workload.Load(ctx, m, mix, func(stored int) {
		b.progress.Show("storing objects: %s of %s", report.Count(stored), report.Count(mix.Keys))
	})
	b.progress.Clear()
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, runError{errors.Join(errors.New("interrupted while storing objects; nothing was measured"), m.Close())}
	case err != nil:
		return nil, runError{errors.Join(err, m.Close())}
	}
	return m, nil
}

// measure runs a mix with a progress line that begins with title.
func (b *bench) measure(ctx context.Context, m *txnmgr.Manager, mix workload.Mix, c common, title string) (workload.Result, error) {
	res, err := workload.Run(ctx, m, mix, c.duration, func(at workload.Sample) {
		b.progress.Show("%s %.1fs of %v: %s transactions, %s", title, at.Elapsed.Seconds(), c.duration,
			report.Count(at.Transactions), report.Rate(float64(at.Transactions)/at.Elapsed.Seconds()))
	})
	b.progress.Clear()
	if err != nil {
		return res, runError{err}
	}
	return res, nil
}

// settle checks what a run of a mix left behind and closes the manager.
func settle(m *txnmgr.Manager, mix workload.Mix) ([]stress.Violation, error) {
	violations := stress.Settle(m, int64(mix.Keys), mix.Goroutines)
	if err := m.Close(); err != nil {
		return violations, runError{err}
	}
	return violations, nil
}

func mixSummary(res workload.Result) string {
	return fmt.Sprintf("%s transactions, %s", report.Count(res.Transactions()), report.Rate(res.Throughput()))
}

// showMix prints the figures of a run of a mix.
func (b *bench) showMix(res workload.Result) {
	n, u := res.Transactions(), res.Usage
	seconds := max(res.Elapsed.Seconds(), 1e-9)
	t := report.Table{}
	t.Add("transactions", report.Count(n), report.Rate(res.Throughput()))
	t.Add("reads", report.Count(res.Reads), report.Rate(float64(res.Reads)/seconds))
	t.Add("updates", report.Count(res.Updates), report.Rate(float64(res.Updates)/seconds))
	t.Add("conflicts", report.Count(res.Conflicts), report.PerOp(float64(res.Conflicts), res.Updates)+" an update")
	t.Add("retries", report.Count(res.Retries), report.PerOp(float64(res.Retries), res.Updates)+" an update")
	t.Add("updates given up", report.Count(res.GaveUp))
	t.Add("allocations", report.Count(u.Allocs), report.PerOp(float64(u.Allocs), n)+" a transaction")
	t.Add("bytes allocated", report.Count(u.Bytes), report.PerOp(float64(u.Bytes), n)+" a transaction")
	if u.CPU > 0 {
		t.Add("CPU time", report.Short(u.CPU), report.PerOp(float64(u.CPU.Nanoseconds()), n)+" ns a transaction")
	}
	t.Add("garbage collections", report.Count(u.GCs))
	t.Add("pauses for them", report.Short(u.GCPause), report.Short(u.GCPauseMax)+" at most")
	t.Write(b.out)
}

// mixResult is the JSON of a run of a mix.
type mixResult struct {
	Seconds            float64            `json:"seconds"`
	Transactions       uint64             `json:"transactions"`
	Throughput         float64            `json:"throughput_per_second"`
	Reads              uint64             `json:"reads"`
	Updates            uint64             `json:"updates"`
	GaveUp             uint64             `json:"updates_given_up"`
	Conflicts          uint64             `json:"conflicts"`
	Retries            uint64             `json:"retries"`
	AllocsPerTxn       float64            `json:"allocations_per_transaction"`
	BytesPerTxn        float64            `json:"bytes_per_transaction"`
	CPUPerTxn          float64            `json:"cpu_ns_per_transaction"` // 0 where the platform does not tell
	Usage              workload.Usage     `json:"usage"`
	TransactionObjects int                `json:"transaction_objects"`
	ExclusiveListLocks uint64             `json:"exclusive_list_locks"`
	Violations         []stress.Violation `json:"violations"`
	Samples            []point            `json:"samples"`
}

func newMixResult(res workload.Result, violations []stress.Violation) mixResult {
	n := float64(max(res.Transactions(), 1))
	return mixResult{
		Seconds:            res.Elapsed.Seconds(),
		Transactions:       res.Transactions(),
		Throughput:         res.Throughput(),
		Reads:              res.Reads,
		Updates:            res.Updates,
		GaveUp:             res.GaveUp,
		Conflicts:          res.Conflicts,
		Retries:            res.Retries,
		AllocsPerTxn:       float64(res.Usage.Allocs) / n,
		BytesPerTxn:        float64(res.Usage.Bytes) / n,
		CPUPerTxn:          float64(res.Usage.CPU.Nanoseconds()) / n,
		Usage:              res.Usage,
		TransactionObjects: res.Stats.TransactionObjects,
		ExclusiveListLocks: res.Stats.ExclusiveListLocks,
		Violations:         violations,
		Samples:            mixPoints(res.Samples),
	}
}
