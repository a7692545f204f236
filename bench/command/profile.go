package command

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/profiles"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// profileFlags are the flags of profile beyond those of the mix.
type profileFlags struct {
	mixFlags
	out    string
	sample int
	top    int
}

func (b *bench) newProfile() *cobra.Command {
	var c common
	var f profileFlags
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Measure a mix with latencies, and show where time and memory go",
		Long: `Profile measures the same mix as run, times some of its transactions, and records
the runtime's CPU, heap, mutex and block profiles. It prints latency percentiles
and the functions that stand out, and leaves the profiles in a folder for
go tool pprof.

Reading the clock takes about as long as a read-only transaction, so only one
transaction in --sample is timed, at random distances. What the clock adds to
each of those is measured and printed. Each goroutine begins its next
transaction when the last one has ended: a stall is seen by the transactions
that were open, not by those that would have come in the meantime. Recording
costs some throughput; run measures without.`,
		Example: `  go run ./bench profile
  go run ./bench profile --read 50% --keys 1000 --out profiles
  go run ./bench profile --goroutines 2 --sample 16 --top 20
  go run ./bench profile --dist zipf --json profile.json --plot latency.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, firstOf(lasting("duration", c.duration), f.check()))
			if err != nil {
				return err
			}
			defer s.abandon()
			return b.profile(cmd.Context(), s, f)
		},
	}
	c.register(cmd.Flags(), 5*time.Second, "how long to run", "the latency percentiles")
	f.register(cmd)
	return cmd
}

func (f *profileFlags) register(cmd *cobra.Command) {
	f.mixFlags.register(cmd.Flags())
	cmd.Flags().StringVar(&f.out, "out", "", "leave the profiles in this `folder` (default: a new one, whose name is printed)")
	cmd.Flags().IntVar(&f.sample, "sample", 64, "time one transaction in so many")
	cmd.Flags().IntVar(&f.top, "top", 10, "functions shown of each profile")
}

// check includes the folder, which it creates.
func (f *profileFlags) check() error {
	err := firstOf(f.mixFlags.check(), within("sample", f.sample, 1, maxSample), within("top", f.top, 1, maxTop))
	if err != nil {
		return err
	}
	if f.out, err = profileFolder(f.out); err != nil {
		return usageError{fmt.Errorf("--out: %w; name a folder that you may write to", err)}
	}
	return nil
}

// profileFolder makes the folder and proves that a file can be written in it.
func profileFolder(name string) (string, error) {
	if name == "" {
		return os.MkdirTemp("", "tiercel-profile-")
	}
	if err := os.MkdirAll(name, 0o755); err != nil {
		return "", err
	}
	probe, err := os.CreateTemp(name, "probe")
	if err != nil {
		return "", err
	}
	probe.Close()
	return name, os.Remove(probe.Name())
}

func (b *bench) profile(ctx context.Context, s *session, f profileFlags) error {
	fmt.Fprintf(b.out, "profile: %s\n", f.describe(*s.common))
	mix := f.chosen(s.seed)
	mix.TimeEvery = f.sample
	clock := workload.ClockCost()
	m, err := b.load(ctx, mix, txnmgr.Options{Isolation: f.isolation})
	if err != nil {
		return err
	}
	res, found, err := b.record(ctx, m, mix, s, f)
	if err != nil {
		return err
	}
	violations, err := settle(m, mix)
	if err != nil {
		return err
	}
	b.showMix(res)
	b.showLatency(res.Latency, clock)
	b.showProfiles(found)
	fmt.Fprintf(b.out, "\nprofiles are in %s\n", f.out)
	out := struct {
		header
		mixResult
		profileResult
	}{s.header(judge(violations), res.Interrupted), newMixResult(res, violations), newProfileResult(res.Latency, clock, found)}
	if err := s.finish(out, latencyChart(res.Latency)); err != nil {
		return err
	}
	return b.conclude(s, res.Interrupted, violations, mixSummary(res))
}

// record runs the mix with the profilers on.
func (b *bench) record(ctx context.Context, m *txnmgr.Manager, mix workload.Mix, s *session, f profileFlags) (workload.Result, []profiles.Report, error) {
	recorder, err := profiles.Start(f.out)
	if err != nil {
		return workload.Result{}, nil, runError{err}
	}
	res, runErr := b.measure(ctx, m, mix, *s.common, "profile")
	found, err := recorder.Stop(f.top)
	if err != nil {
		err = runError{err}
	}
	return res, found, firstOf(runErr, err)
}

func (b *bench) showLatency(l *workload.Latency, clock time.Duration) {
	fmt.Fprintf(b.out, "\nlatency (one transaction in %s timed, at random distances; the clock's own %v is included)\n",
		report.Count(l.Every), clock)
	t := report.Table{Heading: []string{"", "timed", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"}}
	addLatency(&t, "reads", l.Reads)
	addLatency(&t, "updates", l.Updates)
	t.Write(b.out)
}

// percentiles are those that are shown.
func percentiles() []float64 { return []float64{50, 90, 99, 99.9, 99.99} }

func addLatency(t *report.Table, name string, h *hdrhistogram.Histogram) {
	if h.TotalCount() == 0 {
		return
	}
	row := []string{name, report.Count(h.TotalCount()), report.Short(time.Duration(h.Mean()))}
	for _, p := range percentiles() {
		row = append(row, report.Short(time.Duration(h.ValueAtQuantile(p))))
	}
	t.Add(append(row, report.Short(time.Duration(h.Max())))...)
}

func (b *bench) showProfiles(found []profiles.Report) {
	for _, r := range found {
		fmt.Fprintf(b.out, "\n%s, %s in all\n", r.Title, amount(r.Total, r.Unit))
		if len(r.Top) == 0 {
			continue
		}
		t := report.Table{Heading: []string{"function", "itself", "", "with callees", ""}}
		for _, e := range r.Top {
			t.Add(e.Function, amount(e.Flat, r.Unit), percent(e.Flat, r.Total), amount(e.Cum, r.Unit), percent(e.Cum, r.Total))
		}
		t.Write(b.out)
	}
}

// amount writes a value of a profile in its unit.
func amount(n int64, unit string) string {
	if unit == "nanoseconds" {
		return report.Short(time.Duration(n))
	}
	return report.Count(n) + " " + unit
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(max(whole, 1)))
}
