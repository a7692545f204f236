package locking

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// short is a run of a fraction of a second.
func short() Options {
	return Options{Workers: []int{1, 3}, Records: []int{50, 100}, Duration: 100 * time.Millisecond, Seed: 1}
}

func run(t *testing.T, opts Options) Result {
	t.Helper()
	res, err := Run(t.Context(), txnmgr.Open, opts, func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestAllSetupsRun(t *testing.T) {
	res := run(t, short())
	for _, v := range res.Violations {
		t.Errorf("%s: %q", v.Name, v.Details)
	}
	if all := res.All(); len(all) != 2*(3+2) || res.Interrupted {
		t.Errorf("%d figures of 2 numbers of records, with 3 granularities for one worker and 2 for three; interrupted %v",
			len(all), res.Interrupted)
	}
	for _, f := range res.All() {
		if f.Clock <= 0 || f.Tests < f.Runs || f.Runs < 1 {
			t.Errorf("%+v: %v, %d tests in %d runs", f.Setup, f.Clock, f.Tests, f.Runs)
		}
		if f.Workers == 1 && f.Waits != 0 {
			t.Errorf("%+v: a single worker waited %v times", f.Setup, f.Waits)
		}
		checkCounts(t, f)
	}
	if goals := res.Goals(); len(goals) != 2 || goals[0].Limit != 1.05 {
		t.Errorf("the goals are %+v, want those of one worker only", goals)
	}
}

// checkCounts compares the operations of a worker with the description of the test.
func checkCounts(t *testing.T, f Figures) {
	t.Helper()
	n := float64(f.Records)
	loop := func(every int) float64 { return math.Floor(n * loops / float64(every)) }
	stored := n + loop(insertEvery)
	for name, c := range map[string]struct{ got, want float64 }{
		"insertions":   {f.Counts[Insert], stored},
		"replacements": {f.Counts[ReplaceSame] + f.Counts[ReplaceLonger] + f.Counts[ReplaceAbsent], loop(replaceEvery)},
		"deletions":    {f.Deletions(), stored + loop(deleteEvery)},
		"deleted":      {f.Counts[DeleteFound], stored},
		"fetches":      {f.Fetches(), n + loops*n + loop(insertEvery) + fetchesBeside*stored},
	} {
		if math.Abs(c.got-c.want) > 1e-6 {
			t.Errorf("%+v: %v %s, want %v", f.Setup, c.got, name, c.want)
		}
	}
}

func TestTamperedDataIsFound(t *testing.T) {
	r := newRecord(0, 3, 40)
	update := func(change func(tx *txnmgr.Txn) error) func(*txnmgr.Manager) {
		return func(m *txnmgr.Manager) {
			if err := m.Update(context.Background(), change); err != nil {
				t.Error(err)
			}
		}
	}
	for name, c := range map[string]struct {
		tamper func(*txnmgr.Manager)
		found  stress.Check
	}{
		"another value":      {update(func(tx *txnmgr.Txn) error { return tx.Put(r.key[:], []byte("?")) }), stress.OwnRange},
		"a lost record":      {update(func(tx *txnmgr.Txn) error { return tx.Delete(r.key[:]) }), stress.OwnRange},
		"a stranger":         {update(func(tx *txnmgr.Txn) error { return tx.Put([]byte("stranger"), nil) }), stress.DeletedGone},
		"a transaction open": {func(m *txnmgr.Manager) { m.BeginRead(context.Background()) }, stress.NothingActive},
		"a closed manager":   {func(m *txnmgr.Manager) { m.Close() }, stress.UnexpectedError},
	} {
		opts := short()
		opts.tamper = c.tamper
		res := run(t, opts)
		if !slices.ContainsFunc(res.Violations, func(v stress.Violation) bool { return v.Name == c.found.Name() }) {
			t.Errorf("%s: found %+v, want %v", name, res.Violations, c.found)
		}
	}
}

func TestErrorsOfTheManagerEndTheRun(t *testing.T) {
	cause := errors.New("no manager today")
	fails := func(context.Context, txnmgr.Options) (*txnmgr.Manager, error) { return nil, cause }
	if _, err := Run(t.Context(), fails, short(), func(Progress) {}); !errors.Is(err, cause) {
		t.Errorf("Run = %v, want %v", err, cause)
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	opts := Options{Workers: []int{2}, Records: []int{5000}, Duration: time.Hour}
	opts.tamper = func(*txnmgr.Manager) { cancel() }
	res, err := Run(ctx, txnmgr.Open, opts, func(Progress) {})
	if err != nil || !res.Interrupted || len(res.Violations) > 0 || len(res.All()) > 0 {
		t.Errorf("error %v, interrupted %v, violations %+v, %d figures", err, res.Interrupted, res.Violations, len(res.All()))
	}
}

func TestTheDatabase(t *testing.T) {
	for _, locks := range compared(1) {
		m, err := txnmgr.Open(t.Context(), txnmgr.Options{Locks: locks})
		if err != nil {
			t.Fatal(err)
		}
		d, key, a, b := database{m}, []byte("k"), []byte("a"), []byte("bb")
		for i, step := range []struct {
			call func() (bool, error)
			want bool
			left []byte
		}{
			{func() (bool, error) { return d.replace(key, a) }, false, nil},
			{func() (bool, error) { return d.remove(key) }, false, nil},
			{func() (bool, error) { return d.insert(key, a) }, true, a},
			{func() (bool, error) { return d.insert(key, b) }, false, a},
			{func() (bool, error) { return d.replace(key, b) }, true, b},
			{func() (bool, error) { return d.remove(key) }, true, nil},
			{func() (bool, error) { return d.remove(key) }, false, nil},
		} {
			if got, err := step.call(); got != step.want || err != nil {
				t.Errorf("%v, step %d: %v, %v, want %v", locks, i, got, err, step.want)
			}
			if left, err := d.fetch(key); !bytes.Equal(left, step.left) || err != nil {
				t.Errorf("%v, step %d left %q, %v, want %q", locks, i, left, err, step.left)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if _, err := d.insert(key, a); !errors.Is(err, txnmgr.ErrClosed) {
			t.Errorf("insert after Close: %v", err)
		}
		if _, err := d.fetch(key); !errors.Is(err, txnmgr.ErrClosed) {
			t.Errorf("fetch after Close: %v", err)
		}
	}
}

func TestRecordsAreAlikeOnlyIfTheyAreTheSame(t *testing.T) {
	buffer := newBuffer(1)
	seen := map[string]bool{}
	for worker := range 3 {
		for n := range 3 {
			r := newRecord(worker, n, fewest)
			for range 2 {
				r.version++
				for _, length := range []int{fewest, fewest + longer} {
					r.length = length
					data := string(r.data(buffer))
					if len(data) != length || seen[data] {
						t.Errorf("record %d of worker %d, version %d, has %d bytes; seen before: %v", n, worker, r.version, len(data), seen[data])
					}
					seen[data] = true
				}
			}
		}
	}
}

func TestMediansAndRatios(t *testing.T) {
	coarse, fine := Setup{500, 12, txnmgr.CoarseLock}, Setup{500, 12, txnmgr.ObjectLocks}
	sample := func(clock, user time.Duration) Sample { return Sample{Tests: 2, Clock: clock, User: user} }
	res := Result{
		Options: Options{Workers: []int{12}, Records: []int{500}},
		samples: map[Setup][]Sample{
			coarse: {sample(100, 1), sample(200, 5), sample(1000, 3), sample(1, 1)},
			fine:   {sample(70, 1), sample(100, 1), sample(550, 1)},
		},
	}
	if f, ran := res.Figures(coarse); !ran || f.Clock != 150 || f.User != 2 || f.Tests != 8 || f.Runs != 4 {
		t.Errorf("the figures are %+v (%v)", f, ran)
	}
	if goals := res.Goals(); len(goals) != 1 || !goals[0].Reached || math.Abs(goals[0].Measured-0.55) > 1e-9 {
		t.Errorf("the goals are %+v, want the median of 0.7, 0.5 and 0.55 to be reached", goals)
	}
	if _, ran := res.Ratio(500, 1, txnmgr.ObjectLocks, txnmgr.CoarseLock); ran {
		t.Error("there is a ratio of what never ran")
	}
}

func TestNamesOfOperations(t *testing.T) {
	names := map[string]bool{}
	for _, op := range Ops() {
		names[op.String()] = true
	}
	if len(names) != int(numOps) {
		t.Errorf("%d operations have %d names: %v", numOps, len(names), names)
	}
}
