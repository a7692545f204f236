package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// tourDuration leaves room in half a minute for storing objects and checks.
const tourDuration = 20 * time.Second

// The tour's sizes.
const (
	tourGoroutines = 64
	tourKeys       = 100_000
	tourValueSize  = 100
	tourMix        = 0.9 // share of reads in the mix
)

func (b *bench) newTour() *cobra.Command {
	var c common
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Stress Tiercel and measure it",
		Long: `Bench stresses Tiercel and measures it. Without a command it makes a tour: a
stress run that checks what is promised, then the throughput of reads and of a
mix of reads and updates with a growing number of goroutines, all on the
in-memory store and in under half a minute. The last line is the verdict; the
exit status is 1 if a promise was broken, 2 for a mistake on the command line; that
of go run is 1 for both, and after Ctrl-C, so a script had better build bench first.
Ctrl-C ends any run early; its result and verdict are still shown, if there is one.`,
		Example: `  go run ./bench
  go run ./bench --duration 5s --json tour.json --plot tour.svg
  go run ./bench --seed 7
  go run ./bench stress --help`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, lasting("duration", c.duration))
			if err != nil {
				return err
			}
			defer s.abandon()
			return b.tour(cmd.Context(), s)
		},
	}
	c.register(cmd.Flags(), tourDuration, "how long to run in all", "transactions per second by goroutines")
	return cmd
}

func (b *bench) tour(ctx context.Context, s *session) error {
	opts := stress.Options{
		Goroutines: tourGoroutines, Duration: s.duration / 2, Seed: s.seed, Accounts: 100, Hot: 8, Churn: 64,
	}
	fmt.Fprintf(b.out, "1. stress: %s\n", describeStress(opts))
	stressed, err := b.runStress(ctx, opts)
	if err != nil {
		return err
	}
	b.showStress(stressed)
	steps, left, err := b.tourThroughput(ctx, s)
	if err != nil {
		return err
	}
	violations := append(stressed.Violations, left...)
	interrupted := ctx.Err() != nil
	out := tourResult{header: s.header(judge(violations), interrupted), Stress: newStressResult(stressed), Violations: violations}
	for _, step := range steps {
		out.Throughput = append(out.Throughput, newStepResult(step))
	}
	if err := s.finish(out, tourChart(steps)); err != nil {
		return err
	}
	return b.conclude(s, interrupted, violations, tourSummary(stressed, steps))
}

func tourSummary(stressed stress.Result, steps []tourStep) string {
	summary := stressSummary(stressed)
	for _, step := range steps {
		if step.mix.Read == 1 && step.mix.Goroutines == tourGoroutines {
			summary += fmt.Sprintf("; %s reads from %d goroutines", report.Rate(step.res.Throughput()), tourGoroutines)
		}
	}
	return summary
}

// tourStep is one line of the throughput profile.
type tourStep struct {
	name string
	mix  workload.Mix
	res  workload.Result
}

// tourSteps lists what is measured: reads and a mix, each with more and more
// goroutines.
func tourSteps(seed uint64) []tourStep {
	var steps []tourStep
	for _, kind := range []struct {
		name string
		read float64
	}{{"reads", 1}, {"90% reads, 10% updates", tourMix}} {
		for _, n := range []int{1, 2, 4, 16, tourGoroutines} {
			steps = append(steps, tourStep{name: kind.name, mix: workload.Mix{
				Read: kind.read, Keys: tourKeys, ValueSize: tourValueSize, OpsPerTxn: 1, Goroutines: n, Seed: seed,
			}})
		}
	}
	return steps
}

// tourThroughput measures the steps that there is time for, one after the
// other on one store, and checks what they left.
func (b *bench) tourThroughput(ctx context.Context, s *session) ([]tourStep, []stress.Violation, error) {
	if ctx.Err() != nil {
		return nil, nil, nil
	}
	fmt.Fprintf(b.out, "\n2. throughput: %s objects of %d bytes, keys chosen uniformly, serializable\n",
		report.Count(tourKeys), tourValueSize)
	steps := tourSteps(s.seed)
	m, err := b.load(ctx, steps[0].mix, txnmgr.Options{Isolation: txnmgr.Serializable})
	if err != nil {
		return nil, nil, err
	}
	c := common{duration: s.duration / time.Duration(2*len(steps))}
	done := 0
	for i := range steps {
		title := fmt.Sprintf("throughput %d of %d", i+1, len(steps))
		if steps[i].res, err = b.measure(ctx, m, steps[i].mix, c, title); err != nil {
			return nil, nil, err
		}
		if done++; ctx.Err() != nil {
			break
		}
	}
	b.showSteps(steps[:done])
	left, err := settle(m, steps[len(steps)-1].mix)
	return steps[:done], left, err
}

func (b *bench) showSteps(steps []tourStep) {
	t := report.Table{Heading: []string{"transactions", "goroutines", "per second", "CPU ns each", "allocations each", "conflicts"}}
	for _, step := range steps {
		n, u := step.res.Transactions(), step.res.Usage
		t.Add(step.name, strconv.Itoa(step.mix.Goroutines), report.Count(int64(step.res.Throughput())),
			report.PerOp(float64(u.CPU.Nanoseconds()), n), report.PerOp(float64(u.Allocs), n), report.Count(step.res.Conflicts))
	}
	t.Write(b.out)
}

// tourResult is the JSON of a tour.
type tourResult struct {
	header
	Stress     stressResult       `json:"stress"`
	Throughput []stepResult       `json:"throughput"`
	Violations []stress.Violation `json:"violations"`
}

// stepResult is one line of the throughput profile in JSON.
type stepResult struct {
	Name       string  `json:"name"`
	Goroutines int     `json:"goroutines"`
	Read       float64 `json:"read_share"`
	mixResult
}

func newStepResult(step tourStep) stepResult {
	return stepResult{step.name, step.mix.Goroutines, step.mix.Read, newMixResult(step.res, []stress.Violation{})}
}

func tourChart(steps []tourStep) report.Chart {
	chart := report.Chart{
		Title: "throughput on the in-memory store", XLabel: "goroutines", YLabel: "transactions per second", XScale: report.Logarithmic,
	}
	for _, step := range steps {
		last := len(chart.Lines) - 1
		if last < 0 || chart.Lines[last].Name != step.name {
			chart.Lines = append(chart.Lines, report.Line{Name: step.name})
			last++
		}
		at := report.Point{X: float64(step.mix.Goroutines), Y: step.res.Throughput()}
		chart.Lines[last].Points = append(chart.Lines[last].Points, at)
	}
	return chart
}
