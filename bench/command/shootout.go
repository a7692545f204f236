package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/shootout"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Upper limits of the flags of shootout.
const (
	maxClients   = 10_000
	maxRoundTrip = 10 * time.Second
)

func (b *bench) newShootout() *cobra.Command {
	var c common
	opts := shootout.Options{
		RoundTrips: []time.Duration{0, 20 * time.Microsecond, 400 * time.Microsecond, 20 * time.Millisecond},
		Clients:    []int{1, 2, 4, 8, 16, 32, 64},
	}
	cmd := &cobra.Command{
		Use:   "shootout",
		Short: "Compare locks by object with one lock while clients wait for the network",
		Long: `Shootout repeats an experiment of 2016 with locks by object in the storage server
of the ZODB. Clients add objects of 999 bytes, three a transaction, and then
update them; between the vote and the finish of each transaction, when what it
writes is locked, the client waits for a round trip on the network. With one
lock for the whole store (coarse) all others wait too; with locks by object only
those that want the same objects.

Shown are the smallest, mean, median and largest time of a transaction over the
means of the clients, the throughput, and the ratio of the throughputs, and below
them the original figures of that network. Both kinds of locks run in short
slices next to each other, in as many rounds as there is time for, and the
medians count. The round trip achieved is shown too.

Each client has its own objects, unless --shared says among how many all choose.
At the end of each slice every object is compared with what the clients were told
is committed. A goal that is missed does not make the run fail.`,
		Example: `  go run ./bench shootout
  go run ./bench shootout --rtt 400us --json out.json --plot shootout.png
  go run ./bench shootout --rtt 0 --clients 1 --duration 5s
  go run ./bench shootout --rtt 0,400us --clients 1,64 --shared 1000 --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.prepare(cmd, firstOf(lasting("duration", c.duration), checkShootout(opts)))
			if err != nil {
				return err
			}
			defer s.abandon()
			opts.Duration, opts.Seed = c.duration, c.seed
			return b.shootout(cmd.Context(), s, opts)
		},
	}
	c.register(cmd.Flags(), 25*time.Second, "how long to run in all (at least one round, though)", "updates per second by clients")
	flags := cmd.Flags()
	flags.Var(durations(&opts.RoundTrips), "rtt", "round trips between vote and finish, one after the other")
	flags.Var(numbers(&opts.Clients), "clients", "how many run transactions at the same time, one after the other")
	flags.IntVar(&opts.Shared, "shared", 0, "updates choose among so many objects (default 0: each client updates its own)")
	return cmd
}

func checkShootout(opts shootout.Options) error {
	for _, roundTrip := range opts.RoundTrips {
		if roundTrip < 0 || roundTrip > maxRoundTrip {
			return usageError{fmt.Errorf("--rtt %v: give durations from 0 to %v, such as 0 or 400us", roundTrip, maxRoundTrip)}
		}
	}
	if err := allWithin("clients", opts.Clients, 1, maxClients); err != nil || opts.Shared == 0 {
		return err
	}
	return within("shared", opts.Shared, shootout.ObjectsPerTxn, 1_000_000)
}

func (b *bench) shootout(ctx context.Context, s *session, opts shootout.Options) error {
	fmt.Fprintf(b.out, "shootout: %s\n", describeShootout(opts))
	res, err := shootout.Run(ctx, b.open, opts, func(at shootout.Progress) {
		b.progress.Show("shootout %.1fs of about %v: round trip %v, round %d, %d clients, %s",
			at.Elapsed.Seconds(), opts.Duration, at.RoundTrip, at.Round, at.Clients, locksName(at.Locks))
	})
	b.progress.Clear()
	if err != nil {
		return runError{err}
	}
	b.showShootout(res)
	out := struct {
		header
		shootoutResult
	}{s.header(judge(res.Violations), res.Interrupted), newShootoutResult(res)}
	if err := s.finish(out, shootoutChart(res)); err != nil {
		return err
	}
	return b.conclude(s, res.Interrupted, res.Violations, shootoutSummary(res))
}

func describeShootout(opts shootout.Options) string {
	owned := "each client its own"
	if opts.Shared > 0 {
		owned = fmt.Sprintf("updates among %s objects of all", report.Count(opts.Shared))
	}
	return fmt.Sprintf("%d objects of %d bytes a transaction, %s,\n  round trips %s, clients %s, about %v, seed %d",
		shootout.ObjectsPerTxn, shootout.ObjectSize, owned, joined(opts.RoundTrips), joined(opts.Clients), opts.Duration, opts.Seed)
}

// locksName is what the locks are called in tables, plots and JSON.
func locksName(locks txnmgr.Granularity) string {
	switch locks {
	case txnmgr.CoarseLock:
		return "coarse"
	case txnmgr.NoLocks:
		return "none"
	}
	return "object-level"
}

func shootoutSummary(res shootout.Result) string {
	transactions, conflicts := 0, 0
	for _, f := range res.All() {
		transactions += f.Transactions
		conflicts += f.Conflicts
	}
	return fmt.Sprintf("%s transactions in %s, every object checked, %s conflicts, %s",
		report.Count(transactions), report.Short(res.Elapsed), report.Count(conflicts), goalsReached(res.Goals()))
}

// goalsReached counts goals for a summary.
func goalsReached(goals []report.Goal) string {
	reached := 0
	for _, g := range goals {
		if g.Reached {
			reached++
		}
	}
	return fmt.Sprintf("%d of %d goals reached", reached, len(goals))
}

// shootoutResult is the JSON of a shootout.
type shootoutResult struct {
	Seconds    float64            `json:"seconds"`
	Figures    []shootoutFigures  `json:"figures"`
	Gains      []shootoutGain     `json:"gains"`
	Goals      []report.Goal      `json:"goals"`
	Originals  []shootoutFigures  `json:"originals_2016"`
	Violations []stress.Violation `json:"violations"`
}

// shootoutFigures are those of one setup; of the originals, only the times.
type shootoutFigures struct {
	RoundTrip    float64       `json:"round_trip_us"`
	Achieved     float64       `json:"round_trip_achieved_us,omitempty"`
	Clients      int           `json:"clients"`
	Locks        string        `json:"locks"`
	Op           string        `json:"op"`
	Time         report.Spread `json:"transaction_us"`
	PerSecond    float64       `json:"transactions_per_second,omitempty"`
	Transactions int           `json:"transactions,omitempty"`
	Conflicts    int           `json:"conflicts,omitempty"`
	Rounds       int           `json:"rounds,omitempty"`
}

// shootoutGain is a ratio of throughputs.
type shootoutGain struct {
	RoundTrip float64 `json:"round_trip_us"`
	Clients   int     `json:"clients"`
	Op        string  `json:"op"`
	Gain      float64 `json:"object_level_per_coarse"`
}

func newShootoutResult(res shootout.Result) shootoutResult {
	out := shootoutResult{
		Seconds: res.Elapsed.Seconds(), Figures: []shootoutFigures{}, Gains: []shootoutGain{},
		Goals: res.Goals(), Originals: []shootoutFigures{}, Violations: res.Violations,
	}
	for _, f := range res.All() {
		out.Figures = append(out.Figures, shootoutFigures{
			microseconds(f.RoundTrip), microseconds(f.Achieved), f.Clients, locksName(f.Locks), f.Op.String(),
			f.Spread, f.PerSecond, f.Transactions, f.Conflicts, f.Rounds,
		})
		if gain, ran := res.Gain(f.RoundTrip, f.Clients, f.Op); ran && f.Locks == txnmgr.ObjectLocks {
			out.Gains = append(out.Gains, shootoutGain{microseconds(f.RoundTrip), f.Clients, f.Op.String(), gain})
		}
	}
	for _, roundTrip := range res.Options.RoundTrips {
		for _, o := range shootout.Originals(roundTrip) {
			out.Originals = append(out.Originals, shootoutFigures{
				RoundTrip: microseconds(roundTrip), Clients: o.Clients, Locks: locksName(o.Locks), Op: o.Op.String(), Time: o.Spread,
			})
		}
	}
	return out
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
