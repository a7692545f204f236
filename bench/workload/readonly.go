package workload

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/txnmgr"
)

// ReadOnly describes a long run of nothing but read-only transactions, each
// begin, one get, end. It repeats in small the ten-hour stress test of the
// Falcon storage engine in 2008, which showed whether transaction objects are
// used again.
type ReadOnly struct {
	Transactions uint64
	Goroutines   int           // at least 1
	Keys         int           // at least 1
	Duration     time.Duration // upper limit; 0: none
	Seed         uint64        // same seed, same keys
}

// ReadOnlyResult is what a read-only run did.
type ReadOnlyResult struct {
	Transactions uint64        // that ended well
	Elapsed      time.Duration // without the warm-up
	Interrupted  bool          // before all were run
	Warm, End    txnmgr.Stats  // after the warm-up and after all
	Usage        Usage         // without the warm-up
	Samples      []Sample      // several a second
}

// Throughput returns transactions per second.
func (r ReadOnlyResult) Throughput() float64 {
	return float64(r.Transactions) / max(r.Elapsed.Seconds(), 1e-9)
}

// Run stores the keys, warms up, and runs the transactions. Warm-up means that
// every goroutine has one transaction open at the same time: from then on the
// active list is long enough, and must not be locked exclusively again.
func (ro ReadOnly) Run(ctx context.Context, m *txnmgr.Manager, tick func(Sample)) (ReadOnlyResult, error) {
	mix := Mix{Keys: ro.Keys, ValueSize: 100}
	if err := Load(ctx, m, mix, func(int) {}); err != nil {
		return ReadOnlyResult{}, err
	}
	if err := openAll(ctx, m, ro.Goroutines); err != nil {
		return ReadOnlyResult{}, err
	}
	return ro.measure(ctx, m, tick)
}

func (ro ReadOnly) measure(ctx context.Context, m *txnmgr.Manager, tick func(Sample)) (ReadOnlyResult, error) {
	readers := ro.readers(m)
	res := ReadOnlyResult{Warm: m.Stats()}
	sample := func(elapsed time.Duration) {
		s := Sample{Elapsed: elapsed}
		for _, r := range readers {
			s.Transactions += r.published.Load()
		}
		res.Samples = append(res.Samples, s)
		tick(s)
	}
	plan := crew.Plan{Goroutines: ro.Goroutines, Duration: ro.Duration, Every: sampleEvery, Tick: sample}
	meter := StartMeter()
	out := crew.Run(ctx, plan, func(id int, stop *crew.Stop) { readers[id].work(stop) })
	res.Usage, res.End, res.Elapsed = meter.Stop(), m.Stats(), out.Elapsed
	var errs []error
	for _, r := range readers {
		res.Transactions += r.published.Load()
		errs = append(errs, r.err)
	}
	res.Interrupted = res.Transactions < ro.Transactions
	return res, errors.Join(errs...)
}

// openAll has every goroutine hold a read-only transaction at the same moment.
func openAll(ctx context.Context, m *txnmgr.Manager, goroutines int) error {
	var begun, ended sync.WaitGroup
	begun.Add(goroutines)
	errs := make([]error, goroutines)
	for id := range goroutines {
		ended.Go(func() {
			tx, err := m.BeginRead(ctx)
			begun.Done()
			begun.Wait()
			errs[id] = errors.Join(err, tx.Close())
		})
	}
	ended.Wait()
	return errors.Join(errs...)
}

// reader is one goroutine of a read-only run.
type reader struct {
	_      pad.Line
	m      *txnmgr.Manager
	quota  uint64
	choose Chooser
	key    [KeySize]byte
	err    error

	_         pad.Line
	published atomic.Uint64
	_         pad.Line
}

func (ro ReadOnly) readers(m *txnmgr.Manager) []*reader {
	choices := NewChoices(Uniform, ro.Keys, ro.Seed)
	n := uint64(ro.Goroutines)
	readers := make([]*reader, n)
	for id := range readers {
		r := &reader{m: m, quota: ro.Transactions / n, choose: choices.Chooser(id)}
		if uint64(id) < ro.Transactions%n {
			r.quota++
		}
		readers[id] = r
	}
	return readers
}

func (r *reader) work(stop *crew.Stop) {
	ctx := context.Background()
	n := uint64(0)
	for n < r.quota && !stop.Requested() {
		if r.err = r.transaction(ctx); r.err != nil {
			stop.Request()
			break
		}
		n++
		if n%publishEvery == 0 {
			r.published.Store(n)
		}
	}
	r.published.Store(n)
}

func (r *reader) transaction(ctx context.Context) error {
	tx, err := r.m.BeginRead(ctx)
	if err != nil {
		return err
	}
	PutKey(&r.key, r.choose.Next())
	if _, err := tx.Get(r.key[:]); err != nil {
		return errors.Join(err, tx.Close())
	}
	return tx.Close()
}
