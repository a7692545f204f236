package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// runFlags are the flags of run beyond those of the mix.
type runFlags struct {
	mixFlags
	adds       share
	dir        string
	durability txnmgr.Durability
	cacheBytes int64
	logBytes   int64
}

func (f *runFlags) register(flags *pflag.FlagSet) {
	f.mixFlags.register(flags)
	flags.Var(&f.adds, "adds", "share of the updates that store new objects in place of replacing some: 0.5 or 50%")
	flags.StringVar(&f.dir, "dir", "", "run on a durable store in this `folder` (default: in memory)")
	flags.Var(choice[txnmgr.Durability]{&f.durability, []txnmgr.Durability{txnmgr.Sync, txnmgr.Async}}, "durability",
		"with --dir, what a commit waits for: the disk, or no more than its place in commit order")
	flags.Int64Var(&f.cacheBytes, "cache-bytes", 0, "with --dir, memory for objects that are on the disk (default: 256 MiB)")
	flags.Int64Var(&f.logBytes, "log-bytes", 0, "with --dir, how much may be committed that is only in the log (default: 256 MiB)")
	for _, other := range otherNames() {
		flag := flags.VarPF(flags.Lookup(other.flag).Value, other.name, "", "another name of --"+other.flag)
		flag.Hidden = true
	}
}

// otherName is another name of a flag.
type otherName struct{ name, flag string }

func otherNames() []otherName {
	return []otherName{{"clients", "goroutines"}, {"objects", "ops-per-txn"}, {"size", "value-size"}}
}

// namedOnce refuses a setting that is given under both of its names.
func namedOnce(flags *pflag.FlagSet) error {
	for _, other := range otherNames() {
		if flags.Changed(other.name) && flags.Changed(other.flag) {
			return usageError{fmt.Errorf("--%s is another name of --%s: give one of them", other.name, other.flag)}
		}
	}
	return nil
}

func (f *runFlags) check(cmd *cobra.Command) error {
	if err := firstOf(namedOnce(cmd.Flags()), f.mixFlags.check()); err != nil {
		return err
	}
	if f.dir != "" {
		return firstOf(budget("cache-bytes", f.cacheBytes, 4<<10), budget("log-bytes", f.logBytes, 64<<10))
	}
	for _, name := range []string{"durability", "cache-bytes", "log-bytes"} {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s is of a durable store: add --dir", name)}
		}
	}
	return nil
}

// budget checks a number of bytes, of which 0 is the default.
func budget(flag string, n, lo int64) error {
	if n == 0 {
		return nil
	}
	return within(flag, n, lo, maxBytes)
}

func (f *runFlags) options() txnmgr.Options {
	return txnmgr.Options{
		Isolation: f.isolation, Dir: f.dir, Durability: f.durability, CacheBytes: f.cacheBytes, LogBytes: f.logBytes,
	}
}

func (f *runFlags) describe(c common) string {
	text := f.mixFlags.describe(c)
	if f.adds > 0 {
		text = strings.Replace(text, " reads,", fmt.Sprintf(" reads, %s of the updates add,", f.adds.String()), 1)
	}
	if f.dir != "" {
		text += fmt.Sprintf(",\n  in %s, commits %v", f.dir, f.durability)
	}
	return text
}

func (b *bench) newRun() *cobra.Command {
	var c common
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Measure a mix of reads and updates",
		Long: `Run measures a mix of read-only and update transactions: throughput, conflicts and
retries, allocations and processor time a transaction, and the pauses of the
garbage collector.

A read gets objects; an update gets objects and replaces them, or stores new ones,
if --adds says so. All figures are those of the whole process, including the choice
of keys. At the end what is left in memory is checked, as in stress.

The store is in memory, or with --dir on the disk. Then there are latencies too,
those of commits by themselves, and the figures of the store. What is in the folder
already stays, but for the objects of the mix, which are stored first.

--clients, --objects and --size are other names of --goroutines, --ops-per-txn and
--value-size.`,
		Example: `  go run ./bench run
  go run ./bench run --read 50% --keys 1000 --goroutines 2
  go run ./bench run --read 1 --keys 1000000 --dist zipf --duration 10s
  go run ./bench run --read 0 --isolation snapshot --json run.json --plot run.png
  go run ./bench run --dir /tmp/store --read 0 --clients 64 --objects 3 --size 999
  go run ./bench run --dir /tmp/store --read 0 --adds 1 --durability async`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, firstOf(lasting("duration", c.duration), f.check(cmd)))
			if err != nil {
				return err
			}
			defer s.abandon()
			return b.run(cmd.Context(), s, f)
		},
	}
	c.register(cmd.Flags(), 5*time.Second, "how long to run", "transactions per second over time")
	f.register(cmd.Flags())
	return cmd
}

func (b *bench) run(ctx context.Context, s *session, f runFlags) error {
	fmt.Fprintf(b.out, "run: %s\n", f.describe(*s.common))
	mix := f.chosen(s.seed)
	mix.Adds = float64(f.adds)
	if f.dir != "" {
		mix.TimeEvery = 1 // a commit takes far longer than to look at the clock
	}
	m, err := b.load(ctx, mix, f.options())
	if err != nil {
		return err
	}
	before := m.Stats()
	res, err := b.measure(ctx, m, mix, *s.common, "run")
	if err != nil {
		return err
	}
	violations, err := f.settle(m, mix)
	if err != nil {
		return err
	}
	b.showMix(res)
	out := struct {
		header
		mixResult
		*durableResult
	}{s.header(judge(violations), res.Interrupted), newMixResult(res, violations), nil}
	if f.dir != "" {
		out.durableResult = newDurableResult(res, before)
		b.showDurable(res, before)
	}
	if err := s.finish(out, overTime("run", mixPoints(res.Samples))); err != nil {
		return err
	}
	return b.conclude(s, res.Interrupted, violations, mixSummary(res))
}

// settle checks what the run left behind and closes the manager.
func (f *runFlags) settle(m *txnmgr.Manager, mix workload.Mix) ([]stress.Violation, error) {
	if f.dir == "" && f.adds == 0 {
		return settle(m, mix)
	}
	violations := stress.SettleStored(m, mix.Goroutines)
	if err := m.Close(); err != nil {
		return violations, runError{err}
	}
	return violations, nil
}

// showDurable prints latencies, and what the store says of itself.
func (b *bench) showDurable(res workload.Result, before txnmgr.Stats) {
	fmt.Fprintln(b.out, "\nlatency")
	t := report.Table{Heading: []string{"", "timed", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"}}
	addLatency(&t, "reads", res.Latency.Reads)
	addLatency(&t, "updates", res.Latency.Updates)
	addLatency(&t, "commits alone", res.Latency.Commits)
	t.Write(b.out)
	fmt.Fprintln(b.out, "\nstore")
	after := res.Stats
	syncs, commits := after.LogSyncs-before.LogSyncs, after.Committed-before.Committed
	t = report.Table{}
	t.Add("syncs of the log", report.Count(syncs), report.PerOp(float64(commits), syncs)+" commits each")
	t.Add("log on the disk", megabytes(after.LogBytes))
	t.Add("not in the object store yet", megabytes(after.Unapplied), report.Count(after.Visible-after.Applied)+" commits")
	t.Add("commits that had to wait for it", report.Count(after.Throttled-before.Throttled))
	t.Add("objects cached", megabytes(after.CacheBytes))
	t.Add("read from the object store", report.Count(after.Loads-before.Loads))
	t.Add("left memory", report.Count(after.Evictions-before.Evictions))
	t.Write(b.out)
}

// durableResult is what the JSON of a run on a durable store has beyond that of
// others.
type durableResult struct {
	Reads     latencyResult `json:"read_latency"`
	Updates   latencyResult `json:"update_latency"`
	Commits   latencyResult `json:"commit_latency"`
	LogSyncs  uint64        `json:"log_syncs"`
	LogBytes  int64         `json:"log_bytes"`
	Unapplied int64         `json:"unapplied_bytes"`
	Throttled uint64        `json:"commits_throttled"`
	Loads     uint64        `json:"loads"`
	Evictions uint64        `json:"evictions"`
	Stats     txnmgr.Stats  `json:"stats"`
}

func newDurableResult(res workload.Result, before txnmgr.Stats) *durableResult {
	after := res.Stats
	return &durableResult{
		Reads:     newLatencyResult(res.Latency.Reads),
		Updates:   newLatencyResult(res.Latency.Updates),
		Commits:   newLatencyResult(res.Latency.Commits),
		LogSyncs:  after.LogSyncs - before.LogSyncs,
		LogBytes:  after.LogBytes,
		Unapplied: after.Unapplied,
		Throttled: after.Throttled - before.Throttled,
		Loads:     after.Loads - before.Loads,
		Evictions: after.Evictions - before.Evictions,
		Stats:     after,
	}
}
