package stress

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// short is a run that is long enough for every kind of transaction.
func short() Options {
	return Options{
		Goroutines: 8, Duration: 300 * time.Millisecond, Seed: rand.Uint64(),
		Accounts: 20, Hot: 2, Churn: 16,
	}
}

func runStress(t *testing.T, ctx context.Context, opts Options) Result {
	t.Helper()
	t.Logf("seed %d", opts.Seed)
	m, err := txnmgr.Open(context.Background(), txnmgr.Options{Isolation: opts.Isolation})
	if err != nil {
		t.Fatal(err)
	}
	res, err := Run(ctx, m, opts, func(Sample) {})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func mustHold(t *testing.T, res Result) {
	t.Helper()
	for _, v := range res.Violations {
		t.Errorf("%s %s: %d times, such as %q", v.Invariant, v.Name, v.Count, v.Details)
	}
}

func TestEverythingHolds(t *testing.T) {
	for _, isolation := range []txnmgr.Isolation{txnmgr.Serializable, txnmgr.Snapshot} {
		t.Run(isolation.String(), func(t *testing.T) {
			opts := short()
			opts.Isolation = isolation
			res := runStress(t, t.Context(), opts)
			mustHold(t, res)
			if res.Interrupted || res.Transactions == 0 || res.Stats.Committed == 0 {
				t.Errorf("interrupted %v, %d transactions, %+v", res.Interrupted, res.Transactions, res.Stats)
			}
		})
	}
}

func TestEveryKindRunsOnOneGoroutine(t *testing.T) {
	opts := short()
	opts.Goroutines, opts.Duration = 1, 500*time.Millisecond
	res := runStress(t, t.Context(), opts)
	mustHold(t, res)
	for _, k := range res.Kinds {
		if k.Ended == 0 {
			t.Errorf("no transaction of kind %q in %d", k.Kind, res.Transactions)
		}
		if k.GaveUp != 0 {
			t.Errorf("%d of kind %q met a conflict with nobody else there", k.GaveUp, k.Kind)
		}
	}
}

func TestSmallestSizes(t *testing.T) {
	res := runStress(t, t.Context(), Options{
		Goroutines: 3, Duration: 100 * time.Millisecond, Seed: rand.Uint64(), Accounts: 2, Hot: 1, Churn: 1,
	})
	mustHold(t, res)
}

func TestInterruptedRunIsCheckedToo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	opts := short()
	opts.Duration = time.Hour
	res := runStress(t, ctx, opts)
	mustHold(t, res)
	if !res.Interrupted {
		t.Error("the run does not say that it was interrupted")
	}
}

func TestRunOnAClosedManagerSaysSo(t *testing.T) {
	m, err := txnmgr.Open(t.Context(), txnmgr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if _, err := Run(t.Context(), m, short(), func(Sample) {}); err == nil {
		t.Error("Run on a closed manager returned nil")
	}
}

// put stores behind the back of the run.
func put(t *testing.T, tr *trial, key []byte, value int64) {
	t.Helper()
	err := tr.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		return tx.Put(key, encode(value))
	})
	if err != nil {
		t.Errorf("tampering: %v", err)
	}
}

// TestTamperingIsNoticed breaks one thing in each run and wants the check that
// watches over it to say so.
func TestTamperingIsNoticed(t *testing.T) {
	bystander := fmt.Appendf(nil, "%s999998", claimPrefix+"0/")
	for _, c := range []struct {
		check Check
		when  stage
		do    func(t *testing.T, tr *trial)
	}{
		{ConstantTotal, beforeWork, func(t *testing.T, tr *trial) { put(t, tr, tr.accounts[0], openingBalance+1) }},
		{AtomicCommit, beforeWork, func(t *testing.T, tr *trial) {
			for _, group := range tr.batch { // read before the first batch is written
				put(t, tr, group[3], 77)
			}
			tr.workers[0].batchReads(100)
		}},
		{LostUpdate, beforeWork, func(t *testing.T, tr *trial) { put(t, tr, tr.hot[0], -1) }},
		{LostUpdate, afterWork, func(t *testing.T, tr *trial) { tr.workers[0].increments[0]++ }},
		{OwnRange, afterWork, func(t *testing.T, tr *trial) { put(t, tr, tr.workers[0].own.keys[2], 1) }},
		{InsertExists, beforeWork, func(t *testing.T, tr *trial) {
			for _, key := range tr.workers[0].own.keys {
				put(t, tr, key, 1)
			}
		}},
		{OwnWrites, beforeWork, func(t *testing.T, tr *trial) {
			w := tr.workers[0]
			w.update(func(tx *txnmgr.Txn) error {
				w.own.draft[0] = 5 // a write that was never made
				return errIdleAfter(w.checkRange(tx, w.own.draft, OwnWrites))
			})
		}},
		{RolledBackUnseen, afterWork, func(t *testing.T, tr *trial) {
			_, gone := saveKeys(3)
			put(t, tr, gone, lost)
		}},
		{OldReader, beforeReader, func(t *testing.T, tr *trial) {
			put(t, tr, tr.accounts[0], openingBalance-1)
			put(t, tr, tr.accounts[1], openingBalance+1)
		}},
		{RealTime, beforeWork, func(t *testing.T, tr *trial) { tr.newest.raise(1 << 60) }},
		{CommitOrder, beforeWork, func(t *testing.T, tr *trial) { tr.workers[0].lastCommit = 1 << 60 }},
		{WriteSkew, beforeWork, func(t *testing.T, tr *trial) { put(t, tr, tr.skew[0][0], -8) }},
		{Phantom, afterWork, func(t *testing.T, tr *trial) {
			put(t, tr, bystander, 1)
			put(t, tr, append(bystander, '1'), 1)
		}},
		{EndedHandle, beforeWork, func(t *testing.T, tr *trial) { tr.workers[0].expect(nil, txnmgr.ErrTxnDone, "a call") }},
		{WatermarkGrows, beforeWork, func(t *testing.T, tr *trial) { tr.last.Visible = 1 << 60 }},
		{HorizonHolds, beforeWork, func(t *testing.T, tr *trial) { tr.last.Horizon = 1 << 60 }},
		{NothingActive, beforePurge, func(t *testing.T, tr *trial) {
			if _, err := tr.m.Begin(context.Background()); err != nil {
				t.Error(err)
			}
		}},
		{DeletedGone, beforePurge, func(t *testing.T, tr *trial) { put(t, tr, []byte("stray"), 1) }},
		{UnexpectedError, beforePurge, func(t *testing.T, tr *trial) { tr.report(errRefused) }},
	} {
		t.Run(c.check.Name(), func(t *testing.T) {
			opts := short()
			opts.Duration = 150 * time.Millisecond
			opts.tamper = func(tr *trial, s stage) {
				if s == c.when {
					c.do(t, tr)
				}
			}
			wantViolation(t, runStress(t, t.Context(), opts), c.check)
		})
	}
}

func errIdleAfter(err error) error {
	if err != nil {
		return err
	}
	return errIdle
}

func (w *worker) batchReads(n int) {
	for range n {
		w.batchRead()
	}
}

func wantViolation(t *testing.T, res Result, check Check) {
	t.Helper()
	for _, v := range res.Violations {
		if v.Name == check.Name() {
			if v.Count == 0 || len(v.Details) == 0 || len(v.Details) > keepDetails || v.Invariant != check.Invariant() {
				t.Errorf("violation %+v", v)
			}
			return
		}
	}
	t.Errorf("%v was broken and not noticed; found %+v", check, res.Violations)
}

func TestNamesAreComplete(t *testing.T) {
	for c := range numChecks {
		if c.Name() == "" || !strings.HasSuffix(c.String(), c.Name()) {
			t.Errorf("check %d has the name %q, shown as %q", c, c.Name(), c)
		}
	}
	weights := 0
	for k := range numKinds {
		if k.Name() == "" || k.weight() == 0 {
			t.Errorf("kind %d has the name %q and the weight %d", k, k.Name(), k.weight())
		}
		weights += k.weight()
	}
	if weights != 1000 {
		t.Errorf("the weights add up to %d, want 1000", weights)
	}
}
