package stress

import (
	"context"
	"errors"
	"runtime"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/txnmgr"
)

// grace is how long the goroutines may take to finish what they are doing when
// the time is up. It is far beyond any transaction that is not stuck.
const grace = 30 * time.Second

// tickEvery is the interval of the ticks and of the checks between them.
const tickEvery = 250 * time.Millisecond

// highest is a timestamp that only rises.
type highest struct {
	_  pad.Line
	ts atomic.Uint64
	_  pad.Line
}

func (h *highest) raise(ts uint64) {
	for old := h.ts.Load(); old < ts; old = h.ts.Load() {
		if h.ts.CompareAndSwap(old, ts) {
			return
		}
	}
}

// trial is one run. Everything but the highest commit, the log and the
// goroutines' own states is fixed before the first goroutine starts.
type trial struct {
	*layout
	m       *txnmgr.Manager
	opts    Options
	log     *Log
	workers []*worker
	old     txnmgr.ReadTxn // the reader held open
	newest  *highest       // commit timestamp that every later begin must reach

	last    txnmgr.Stats // at the previous tick
	objects int          // most transaction objects seen
	samples []Sample
}

// Sample is the state of a run at one tick.
type Sample struct {
	// Counted since the start.
	Elapsed      time.Duration
	Transactions uint64
	Violations   uint64

	Stats txnmgr.Stats // now
}

// Run runs a stress test on an empty manager and closes it. It calls tick now
// and then. An error means that the test could not begin; violations are in
// the result.
func Run(ctx context.Context, m *txnmgr.Manager, opts Options, tick func(Sample)) (Result, error) {
	t := newTrial(m, opts)
	if err := t.prepare(); err != nil {
		return Result{}, errors.Join(err, m.Close())
	}
	plan := crew.Plan{
		Goroutines: opts.Goroutines, Duration: opts.Duration, Grace: grace,
		Every: tickEvery, Tick: func(elapsed time.Duration) { tick(t.tick(elapsed)) },
	}
	t.at(beforeWork)
	out := crew.Run(ctx, plan, func(id int, stop *crew.Stop) { t.workers[id].work(stop) })
	return t.finish(out), nil
}

func newTrial(m *txnmgr.Manager, opts Options) *trial {
	t := &trial{layout: newLayout(opts), m: m, opts: opts, log: new(Log), newest: new(highest)}
	for id := range opts.Goroutines {
		t.workers = append(t.workers, newWorker(t, id))
	}
	return t
}

// prepare stores the first state and opens the reader that is held. It takes
// no time, and the reader must outlive an interrupt to be checked at the end.
func (t *trial) prepare() error {
	err := t.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		for _, e := range t.initial {
			if err := tx.Put(e.key, e.value); err != nil {
				return err
			}
		}
		return nil
	}, txnmgr.WithLabel("first state"))
	if err != nil {
		return err
	}
	t.at(beforeReader)
	return t.openOld()
}

// tick looks at the manager while the goroutines run.
func (t *trial) tick(elapsed time.Duration) Sample {
	s := Sample{Elapsed: elapsed, Violations: t.log.Total(), Stats: t.m.Stats()}
	t.checkProgress(s.Stats)
	for _, w := range t.workers {
		s.Transactions += w.published.Load()
	}
	t.samples = append(t.samples, s)
	return s
}

// checkProgress compares the statistics with those of the tick before.
func (t *trial) checkProgress(now txnmgr.Stats) {
	if now.Visible < t.last.Visible {
		t.log.Add(WatermarkGrows, "the visible watermark fell from %d to %d", t.last.Visible, now.Visible)
	}
	if now.Horizon < t.last.Horizon {
		t.log.Add(HorizonHolds, "the horizon fell from %d to %d", t.last.Horizon, now.Horizon)
	}
	if old := t.old.Snapshot(); now.Horizon > old {
		t.log.Add(HorizonHolds, "the horizon is %d while a reader is open at %d", now.Horizon, old)
	}
	t.last = now
	t.objects = max(t.objects, now.TransactionObjects)
}

// finish checks what is left and gathers the result.
func (t *trial) finish(out crew.Outcome) Result {
	res := Result{Options: t.opts, Elapsed: out.Elapsed, Interrupted: out.Interrupted}
	if out.Stuck {
		res.Stacks = allStacks()
		t.log.Add(Stuck, "some goroutine is still at work %v after it was asked to stop", grace)
	} else {
		t.checkEnd()
	}
	res.Stats = t.m.Stats()
	t.checkClose()
	t.gather(&res)
	return res
}

// allStacks returns the stacks of all goroutines, to see where one is stuck.
func allStacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
