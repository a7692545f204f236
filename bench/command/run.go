package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (b *bench) newRun() *cobra.Command {
	var c common
	var f mixFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Measure a mix of reads and updates",
		Long: `Run measures a mix of read-only and update transactions on the in-memory store:
throughput, conflicts and retries, allocations and processor time a transaction,
and the pauses of the garbage collector.

A read gets objects; an update gets objects and replaces them. All figures are
those of the whole process, including the choice of keys. At the end what is
left in memory is checked, as in stress.`,
		Example: `  go run ./bench run
  go run ./bench run --read 50% --keys 1000 --goroutines 2
  go run ./bench run --read 1 --keys 1000000 --dist zipf --duration 10s
  go run ./bench run --read 0 --isolation snapshot --json run.json --plot run.png`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, firstOf(lasting("duration", c.duration), f.check()))
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

func (b *bench) run(ctx context.Context, s *session, f mixFlags) error {
	fmt.Fprintf(b.out, "run: %s\n", f.describe(*s.common))
	mix := f.chosen(s.seed)
	m, err := b.load(ctx, mix, f.isolation)
	if err != nil {
		return err
	}
	res, err := b.measure(ctx, m, mix, *s.common, "run")
	if err != nil {
		return err
	}
	violations, err := settle(m, mix)
	if err != nil {
		return err
	}
	b.showMix(res)
	out := struct {
		header
		mixResult
	}{s.header(judge(violations), res.Interrupted), newMixResult(res, violations)}
	if err := s.finish(out, overTime("run", mixPoints(res.Samples))); err != nil {
		return err
	}
	return b.conclude(s, res.Interrupted, violations, mixSummary(res))
}
