package workload

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// smallMix is a mix that runs in a fraction of a second.
func smallMix() Mix {
	return Mix{Read: 0.5, Keys: 500, ValueSize: 20, OpsPerTxn: 2, Goroutines: 4, Dist: Zipf, Seed: rand.Uint64(), TimeEvery: 10}
}

// loaded returns a manager that holds the objects of the mix.
func loaded(t *testing.T, mix Mix, isolation txnmgr.Isolation) *txnmgr.Manager {
	t.Helper()
	t.Logf("seed %d", mix.Seed)
	m, err := txnmgr.Open(t.Context(), txnmgr.Options{Isolation: isolation})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	stored := 0
	if err := Load(t.Context(), m, mix, func(n int) { stored = n }); err != nil {
		t.Fatal(err)
	}
	if stored != mix.Keys || m.Stats().Objects != int64(mix.Keys) {
		t.Fatalf("%d reported, %d stored, want %d", stored, m.Stats().Objects, mix.Keys)
	}
	return m
}

func noTick(Sample) {}

func TestLoadStoresWholeAndPartialBatches(t *testing.T) {
	for _, keys := range []int{1, loadBatch, 2*loadBatch + 7} {
		mix := smallMix()
		mix.Keys = keys
		loaded(t, mix, txnmgr.Serializable)
	}
}

func TestRunCountsWhatTheManagerCounts(t *testing.T) {
	for _, isolation := range []txnmgr.Isolation{txnmgr.Serializable, txnmgr.Snapshot} {
		t.Run(isolation.String(), func(t *testing.T) {
			mix := smallMix()
			m := loaded(t, mix, isolation)
			before := m.Stats()
			res, err := Run(t.Context(), m, mix, 200*time.Millisecond, noTick)
			if err != nil {
				t.Fatal(err)
			}
			after := m.Stats()
			if got := after.Committed - before.Committed; got != res.Updates {
				t.Errorf("%d updates counted, the manager committed %d", res.Updates, got)
			}
			if got := after.CommittedReadOnly - before.CommittedReadOnly; got != res.Reads {
				t.Errorf("%d reads counted, the manager ended %d", res.Reads, got)
			}
			if share := float64(res.Reads) / float64(res.Transactions()); math.Abs(share-mix.Read) > 0.1 {
				t.Errorf("%.2f of %d transactions only read, want %.2f", share, res.Transactions(), mix.Read)
			}
		})
	}
}

func TestReadShareAtItsEnds(t *testing.T) {
	for _, read := range []float64{0, 1} {
		mix := smallMix()
		mix.Read = read
		res, err := Run(t.Context(), loaded(t, mix, txnmgr.Serializable), mix, 50*time.Millisecond, noTick)
		if err != nil {
			t.Fatal(err)
		}
		if reads, updates := res.Reads > 0, res.Updates > 0; reads != (read == 1) || updates != (read == 0) {
			t.Errorf("share %v: %d reads, %d updates", read, res.Reads, res.Updates)
		}
	}
}

func TestOneTransactionInSoManyIsTimed(t *testing.T) {
	mix := smallMix()
	res, err := Run(t.Context(), loaded(t, mix, txnmgr.Serializable), mix, 200*time.Millisecond, noTick)
	if err != nil {
		t.Fatal(err)
	}
	timed := float64(res.Latency.Reads.TotalCount() + res.Latency.Updates.TotalCount())
	if want := float64(res.Transactions()) / float64(mix.TimeEvery); timed < want/1.5 || timed > want*1.5 {
		t.Errorf("%.0f of %d transactions timed, want about %.0f", timed, res.Transactions(), want)
	}
	if l := res.Latency; l.Reads.Min() <= 0 || l.Updates.Max() > maxLatency {
		t.Errorf("latencies from %d to %d ns", l.Reads.Min(), l.Updates.Max())
	}
}

func TestWithoutTimingThereIsNoLatency(t *testing.T) {
	mix := smallMix()
	mix.TimeEvery = 0
	res, err := Run(t.Context(), loaded(t, mix, txnmgr.Serializable), mix, 20*time.Millisecond, noTick)
	if err != nil || res.Latency != nil {
		t.Errorf("latency %v, error %v", res.Latency, err)
	}
}

func TestAnErrorStopsTheRun(t *testing.T) {
	mix := smallMix()
	m := loaded(t, mix, txnmgr.Serializable)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, err := Run(t.Context(), m, mix, time.Hour, noTick); err == nil {
		t.Error("a run on a closed manager ended without an error")
	}
	if time.Since(begun) > time.Minute {
		t.Error("the error did not stop the run")
	}
}

// A measured loop that allocates would show as an allocation of the library.
func TestMeasuredLoopDoesNotAllocate(t *testing.T) {
	mix := smallMix()
	m := loaded(t, mix, txnmgr.Serializable)
	w := newMixers(m, mix)[0]
	if n := testing.AllocsPerRun(1000, func() {
		if err := w.timed(context.Background(), reading); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("a timed read allocates %v times", n)
	}
	r := ReadOnly{Transactions: 1, Goroutines: 1, Keys: mix.Keys}.readers(m)[0]
	if n := testing.AllocsPerRun(1000, func() {
		if err := r.transaction(context.Background()); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("a read-only transaction allocates %v times", n)
	}
}

func TestSamplerNeedsNoRhythm(t *testing.T) {
	s := newSampler(10, 1, 0)
	gaps := map[int]bool{}
	last, due := 0, 0
	for i := range 100_000 {
		if s.due() {
			gaps[i-last] = true
			last = i
			due++
		}
	}
	if len(gaps) < 15 || due < 9_000 || due > 11_000 {
		t.Errorf("%d of 100,000 due, at %d different distances", due, len(gaps))
	}
	if never := newSampler(0, 1, 0); never.due() {
		t.Error("a sampler for no transaction wants one")
	}
	every := newSampler(1, 1, 0)
	for range 100 {
		if !every.due() {
			t.Fatal("a sampler for every transaction leaves one out")
		}
	}
}

func TestLatencyKeepsItsWorstValues(t *testing.T) {
	l := NewLatency(1)
	record(l.Reads, time.Hour)
	record(l.Reads, 0)
	if n := l.Reads.TotalCount(); n != 2 {
		t.Errorf("%d of 2 values kept", n)
	}
	sum := NewLatency(1)
	sum.Merge(l)
	if got := time.Duration(sum.Reads.Max()); got < 59*time.Second {
		t.Errorf("the greatest value became %v", got)
	}
}

func TestMeterSeesWork(t *testing.T) {
	meter := StartMeter()
	var kept [][]byte
	for range 1000 {
		kept = append(kept, make([]byte, 1000))
	}
	u := meter.Stop()
	if len(kept) != 1000 || u.Allocs < 1000 || u.Bytes < 1_000_000 || u.CPU < 0 {
		t.Errorf("usage %+v", u)
	}
}

func TestClockCost(t *testing.T) {
	if d := ClockCost(); d < 0 || d > time.Millisecond {
		t.Errorf("reading the clock costs %v", d)
	}
}

func TestReadOnlyRunsAllItsTransactions(t *testing.T) {
	ro := ReadOnly{Transactions: 10_007, Goroutines: 16, Keys: 100, Seed: rand.Uint64()}
	t.Logf("seed %d", ro.Seed)
	m, err := txnmgr.Open(t.Context(), txnmgr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	res, err := ro.Run(t.Context(), m, noTick)
	if err != nil {
		t.Fatal(err)
	}
	if res.Transactions != ro.Transactions || res.Interrupted {
		t.Errorf("%d transactions, interrupted %v", res.Transactions, res.Interrupted)
	}
	if got := res.End.CommittedReadOnly - res.Warm.CommittedReadOnly; got != ro.Transactions {
		t.Errorf("the manager ended %d transactions, want %d", got, ro.Transactions)
	}
	if res.Warm.TransactionObjects < ro.Goroutines {
		t.Errorf("%d transaction objects after the warm-up of %d goroutines", res.Warm.TransactionObjects, ro.Goroutines)
	}
}

func TestReadOnlyStopsAtItsDuration(t *testing.T) {
	ro := ReadOnly{Transactions: 1 << 50, Goroutines: 2, Keys: 10, Duration: 20 * time.Millisecond}
	m, err := txnmgr.Open(t.Context(), txnmgr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	res, err := ro.Run(t.Context(), m, noTick)
	if err != nil || res.Transactions == 0 || !res.Interrupted {
		t.Errorf("%d transactions, interrupted %v, error %v", res.Transactions, res.Interrupted, err)
	}
}
