package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Mix describes a workload: which share of the transactions only reads, over
// how many keys, how the keys are chosen, and how much each transaction does.
type Mix struct {
	Read       float64 // share of the transactions that only read, 0 to 1
	Keys       int
	ValueSize  int          // bytes
	OpsPerTxn  int          // gets of a read, get-and-put pairs of an update, puts of an addition
	Adds       float64      // share of the updates that store new objects, 0 to 1
	Goroutines int          // at least 1
	Dist       Distribution // of the keys
	Seed       uint64       // same seed, same choices
	TimeEvery  int          // one transaction in so many is timed; 0: none
}

// Sample is one point of a run, for progress lines and plots.
type Sample struct {
	Elapsed      time.Duration // since the start
	Transactions uint64        // ended well since the start
}

// Result is what a run of a mix did.
type Result struct {
	Reads, Updates uint64        // transactions that ended well
	Adds           uint64        // of the updates, those that stored new objects
	GaveUp         uint64        // updates that met a conflict in their last attempt too
	Elapsed        time.Duration // while transactions were begun
	Interrupted    bool          // before the duration had passed
	Usage          Usage
	Conflicts      uint64       // attempts that ended in a conflict
	Retries        uint64       // further attempts
	Stats          txnmgr.Stats // at the end, before anything is purged
	Latency        *Latency     // nil without Mix.TimeEvery
	Samples        []Sample     // several a second
}

// Transactions returns how many transactions ended well.
func (r Result) Transactions() uint64 { return r.Reads + r.Updates }

// Throughput returns transactions per second.
func (r Result) Throughput() float64 {
	return float64(r.Transactions()) / max(r.Elapsed.Seconds(), 1e-9)
}

// loadBatch is how many objects one transaction of Load stores.
const loadBatch = 1000

// Load stores all objects of the mix. It tells tick how many are stored.
func Load(ctx context.Context, m *txnmgr.Manager, mix Mix, tick func(stored int)) error {
	value := newValue(mix.ValueSize)
	for first := 0; first < mix.Keys; first += loadBatch {
		last := min(first+loadBatch, mix.Keys)
		err := m.Update(ctx, func(tx *txnmgr.Txn) error {
			return putRange(tx, first, last, value)
		})
		if err != nil {
			return fmt.Errorf("storing objects %d to %d: %w", first, last-1, err)
		}
		tick(last)
	}
	return nil
}

func putRange(tx *txnmgr.Txn, first, last int, value []byte) error {
	var key [KeySize]byte
	for i := first; i < last; i++ {
		PutKey(&key, uint64(i))
		if err := tx.Put(key[:], value); err != nil {
			return err
		}
	}
	return nil
}

func newValue(size int) []byte {
	value := make([]byte, size)
	for i := range value {
		value[i] = byte('a' + i%26)
	}
	return value
}

// sampleEvery is the interval of the samples, short enough for a smooth line.
const sampleEvery = 250 * time.Millisecond

// Run runs the mix on a loaded manager. It calls tick with each sample. An
// error other than a conflict stops the run and is returned with its result.
func Run(ctx context.Context, m *txnmgr.Manager, mix Mix, d time.Duration, tick func(Sample)) (Result, error) {
	workers := newMixers(m, mix)
	var res Result
	sample := func(elapsed time.Duration) {
		s := Sample{Elapsed: elapsed}
		for _, w := range workers {
			s.Transactions += w.published.Load()
		}
		res.Samples = append(res.Samples, s)
		tick(s)
	}
	plan := crew.Plan{Goroutines: mix.Goroutines, Duration: d, Every: sampleEvery, Tick: sample}
	before, meter := m.Stats(), StartMeter()
	out := crew.Run(ctx, plan, func(id int, stop *crew.Stop) { workers[id].work(stop) })
	res.Usage = meter.Stop()
	after := m.Stats()
	res.Elapsed, res.Interrupted = out.Elapsed, out.Interrupted
	res.Conflicts = after.Conflicts - before.Conflicts
	res.Retries = after.Retries - before.Retries
	res.Stats = after
	return res, res.collect(mix, workers)
}

// collect adds up what the goroutines counted.
func (r *Result) collect(mix Mix, workers []*mixer) error {
	if mix.TimeEvery > 0 {
		r.Latency = NewLatency(mix.TimeEvery)
	}
	var errs []error
	for _, w := range workers {
		r.Reads += w.reads
		r.Updates += w.updates
		r.Adds += w.adds
		r.GaveUp += w.gaveUp
		if r.Latency != nil {
			r.Latency.Merge(w.timing.latency)
		}
		errs = append(errs, w.err)
	}
	return errors.Join(errs...)
}
