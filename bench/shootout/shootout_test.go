package shootout

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// short is a run of a fraction of a second.
func short() Options {
	return Options{
		RoundTrips: []time.Duration{0, 100 * time.Microsecond}, Clients: []int{1, 5}, Duration: 200 * time.Millisecond, Seed: 1,
	}
}

func run(t *testing.T, ctx context.Context, opts Options) Result {
	t.Helper()
	res, err := Run(ctx, txnmgr.Open, opts, func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestAllSetupsRun(t *testing.T) {
	for _, shared := range []int{0, 10} {
		opts := short()
		opts.Shared = shared
		res := run(t, t.Context(), opts)
		for _, v := range res.Violations {
			t.Errorf("%s: %q", v.Name, v.Details)
		}
		if all := res.All(); len(all) != 2*2*2*2 || res.Interrupted {
			t.Errorf("%d figures of 2 round trips, 2 operations, 2 numbers of clients and 2 granularities; interrupted %v",
				len(all), res.Interrupted)
		}
		for _, f := range res.All() {
			checkFigures(t, f)
		}
	}
}

// checkFigures checks what must hold whatever the machine.
func checkFigures(t *testing.T, f Figures) {
	t.Helper()
	if !(f.Min > 0 && f.Min <= f.Median && f.Median <= f.Max && f.Mean <= f.Max) {
		t.Errorf("%+v: the times are %+v", f.Setup, f.Spread)
	}
	if f.Transactions+f.Conflicts < 2*f.Clients*f.Rounds || f.PerSecond <= 0 {
		t.Errorf("%+v: %d transactions of %d clients in %d rounds, %.0f a second", f.Setup, f.Transactions, f.Clients, f.Rounds, f.PerSecond)
	}
	if f.Achieved < f.RoundTrip || f.Min < float64(f.RoundTrip)/1e3 {
		t.Errorf("%+v: a round trip took %v, a transaction %.1f µs", f.Setup, f.Achieved, f.Min)
	}
}

// While the one lock is held for a round trip, nobody else can finish, however fast
// the machine is. (How much more locks by object allow depends on the machine, and is
// for the experiment to say.)
func TestOneLockAllowsOneTransactionARoundTrip(t *testing.T) {
	opts := Options{RoundTrips: []time.Duration{2 * time.Millisecond}, Clients: []int{8}, Duration: time.Second}
	res := run(t, t.Context(), opts)
	for _, op := range Ops() {
		f, ran := res.Figures(Setup{2 * time.Millisecond, 8, txnmgr.CoarseLock}, op)
		if !ran || f.PerSecond > 500 {
			t.Errorf("%v: %.0f transactions a second (%v) behind one lock that each holds for 2 ms", op, f.PerSecond, ran)
		}
		if gain, ran := res.Gain(2*time.Millisecond, 8, op); !ran || gain <= 0 {
			t.Errorf("%v: object-level locks give 8 clients %.1f times the throughput (%v)", op, gain, ran)
		}
	}
}

func TestTamperedDataIsFound(t *testing.T) {
	var key [workload.KeySize]byte
	put := func(number uint64, value []byte) func(*txnmgr.Manager) {
		return func(m *txnmgr.Manager) {
			err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
				workload.PutKey(&key, number)
				return tx.Put(key[:], value)
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	value := func(object uint64, updates uint64) []byte {
		v := newValue()
		workload.PutKey(&key, object)
		fill(v, &key, updates)
		return v
	}
	wrong := newValue()
	workload.PutKey(&key, number(0, 0))
	fill(wrong, &key, 0)
	wrong[500]++
	for name, c := range map[string]struct {
		tamper func(*txnmgr.Manager)
		found  stress.Check
	}{
		"an update too many":  {put(number(0, 0), value(number(0, 0), 1)), stress.OwnRange},
		"a stranger's object": {put(number(77, 0), value(number(77, 0), 0)), stress.OwnRange},
		"too short a value":   {put(number(0, 0), []byte("short")), stress.UnexpectedError},
		"another's value":     {put(number(0, 0), value(number(0, 1), 0)), stress.UnexpectedError},
		"other filler":        {put(number(0, 0), wrong), stress.UnexpectedError},
		"a transaction open":  {func(m *txnmgr.Manager) { m.BeginRead(context.Background()) }, stress.NothingActive},
	} {
		opts := short()
		opts.tamper = c.tamper
		res := run(t, t.Context(), opts)
		if !slices.ContainsFunc(res.Violations, func(v stress.Violation) bool { return v.Name == c.found.Name() }) {
			t.Errorf("%s: found %+v, want %v", name, res.Violations, c.found)
		}
	}
}

func TestErrorsOfTheManagerEndTheRun(t *testing.T) {
	cause := errors.New("no manager today")
	fails := func(context.Context, txnmgr.Options) (*txnmgr.Manager, error) { return nil, cause }
	opts := short()
	opts.RoundTrips = opts.RoundTrips[1:] // one that takes time
	if _, err := Run(t.Context(), fails, opts, func(Progress) {}); !errors.Is(err, cause) {
		t.Errorf("Run = %v, want %v", err, cause)
	}
	closed := func(ctx context.Context, opts txnmgr.Options) (*txnmgr.Manager, error) {
		m, err := txnmgr.Open(ctx, opts)
		return m, errors.Join(err, m.Close())
	}
	if _, err := Run(t.Context(), closed, short(), func(Progress) {}); !errors.Is(err, txnmgr.ErrClosed) {
		t.Errorf("Run = %v, want %v", err, txnmgr.ErrClosed)
	}
}

func TestInterruptKeepsWholeRounds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	opts := short()
	opts.Duration = time.Hour
	ran := 0
	res, err := Run(ctx, txnmgr.Open, opts, func(Progress) {
		if ran++; ran == 4 {
			cancel()
		}
	})
	if err != nil || !res.Interrupted || len(res.Violations) > 0 {
		t.Fatalf("error %v, interrupted %v, violations %+v", err, res.Interrupted, res.Violations)
	}
	if all := res.All(); len(all) != 2*3 {
		t.Errorf("%d figures of 3 slices that ran to their end", len(all))
	}
}

func TestRatiosAreThoseOfNeighbours(t *testing.T) {
	coarse, object := Setup{0, 1, txnmgr.CoarseLock}, Setup{0, 1, txnmgr.ObjectLocks}
	round := func(mean, perSecond float64) (r Round) {
		r[Add] = Sample{Spread: report.Spread{Mean: mean}, PerSecond: perSecond, Transactions: 5}
		return r
	}
	res := Result{samples: map[Setup][]Round{
		coarse: {round(10, 100), round(20, 50), round(1000, 1), round(7, 1)},
		object: {round(11, 200), round(21, 200), round(1000, 5)},
	}}
	if got, ran := res.ratio(Add, meanTime, object, coarse); !ran || math.Abs(got-1.05) > 1e-9 {
		t.Errorf("the ratio of times is %v (%v), want the median of 1.1, 1.05 and 1", got, ran)
	}
	if got, _ := res.Gain(0, 1, Add); got != 4 {
		t.Errorf("the gain is %v, want the median of 2, 4 and 5", got)
	}
	if f, ran := res.Figures(coarse, Add); !ran || f.Mean != 15 || f.Transactions != 20 || f.Rounds != 4 {
		t.Errorf("the figures are %+v (%v)", f, ran)
	}
	if goals := res.Goals(); len(goals) != 2 || !goals[0].Reached || math.Abs(goals[0].Measured-1.05) > 1e-9 {
		t.Errorf("the goals are %+v, want those of 0 ms only", goals)
	}
	if _, ran := res.Gain(time.Second, 1, Add); ran {
		t.Error("there is a gain of what never ran")
	}
}

func TestOriginals(t *testing.T) {
	for line := range strings.Lines(originals) {
		if _, err := parseOriginal(line); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	fast, slow := Originals(400*time.Microsecond), Originals(20*time.Millisecond)
	if len(fast) != 2*2*7 || len(slow) != 2*2*6 || len(Originals(0)) != 0 {
		t.Errorf("%d and %d lines", len(fast), len(slow))
	}
	want := Original{Setup{400 * time.Microsecond, 64, txnmgr.ObjectLocks}, Update, report.Spread{Min: 162063, Mean: 163335, Median: 162215, Max: 169989}}
	if got := fast[len(fast)-1]; got != want {
		t.Errorf("the last line is %+v, want %+v", got, want)
	}
	for _, bad := range []string{"", "1,2", "soon,global,1,add,1,2,3,4"} {
		if _, err := parseOriginal(bad); err == nil {
			t.Errorf("parsed %q", bad)
		}
	}
}

func TestSharedObjectsAreChosenInOrderAndOnce(t *testing.T) {
	c := &client{rng: rand.New(rand.NewPCG(3, 0)), shared: 4}
	times := map[int]int{}
	for range 4000 {
		chosen := c.choose()
		if !slices.IsSorted(chosen[:]) || chosen[0] == chosen[1] || chosen[1] == chosen[2] || chosen[0] < 0 || chosen[2] >= 4 {
			t.Fatalf("chose %v among 4", chosen)
		}
		for _, object := range chosen {
			times[object]++
		}
	}
	for object := range 4 {
		if n := times[object]; n < 2800 || n > 3200 {
			t.Errorf("object %d was chosen %d times, want about 3000", object, n)
		}
	}
}
