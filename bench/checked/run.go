package checked

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
	"github.com/tierceldb/tiercel/txnmgr"
)

// grace is how long the goroutines may take to finish what they are doing when
// the time is up. It is far beyond any transaction that is not stuck.
const grace = 30 * time.Second

// trial is one run.
type trial struct {
	m       *txnmgr.Manager
	opts    Options
	rec     *history.Recorder
	workers []*mix.Worker
	looker  *mix.Worker // reads everything at the end of a window
	held    *held
	log     stress.Log
	begun   time.Time
	stuck   bool
}

// Run runs on an empty manager and closes it. It calls tick when a window has been
// checked. The run ends early when something is found. An error is one of Close.
func Run(ctx context.Context, m *txnmgr.Manager, opts Options, tick func(Sample)) (Result, error) {
	t := newTrial(m, opts)
	res := Result{Options: opts, Violations: []stress.Violation{}}
	windows := make(chan *history.History)
	failed := new(atomic.Bool)
	var mu sync.Mutex // protects res while there are checkers
	var checkers sync.WaitGroup
	for range checking {
		checkers.Go(func() {
			for h := range windows {
				found := t.check(h)
				mu.Lock()
				t.add(&res, found)
				failed.Store(len(res.Violations) > 0)
				tick(res.Samples[len(res.Samples)-1])
				mu.Unlock()
			}
		})
	}
	interrupted := t.windows(ctx, func(h *history.History) bool {
		windows <- h
		return !failed.Load()
	})
	close(windows)
	checkers.Wait()
	res.Interrupted, res.Elapsed = interrupted, time.Since(t.begun)
	return res, t.finish(&res)
}

// checking is how many windows are checked at the same time, while another runs:
// a checker is one goroutine among all that run transactions, and with a single one
// these would be waiting for it most of the time.
const checking = 2

func newTrial(m *txnmgr.Manager, opts Options) *trial {
	t := &trial{m: m, opts: opts, begun: time.Now()}
	t.rec = history.NewRecorder(opts.Goroutines+1, func() int64 { return int64(time.Since(t.begun)) })
	for id := range opts.Goroutines {
		rng := rand.New(rand.NewPCG(opts.Seed, uint64(id)))
		t.workers = append(t.workers, mix.NewWorker(store{m}, mix.Moderate(opts.Keys, opts.Level), rng, t.rec.Session(id)))
	}
	all := mix.Options{Keys: opts.Keys, Range: 2 * opts.Keys, Steps: 20, Scans: 50, ReadOnly: 100, Levels: []history.Level{opts.Level}}
	t.looker = mix.NewWorker(store{m}, all, rand.New(rand.NewPCG(opts.Seed, 0)), t.rec.Session(opts.Goroutines))
	t.held = newHeld(m, opts, &t.log)
	return t
}

// windows runs windows until the time is up, and hands each to done, which says
// whether to go on. It reports whether it was interrupted.
func (t *trial) windows(ctx context.Context, done func(*history.History) bool) (interrupted bool) {
	for {
		left := t.opts.Duration - time.Since(t.begun)
		if left <= 0 {
			return false
		}
		t.held.between(t.rec.Left())
		out := t.window(ctx, left)
		if out.Stuck {
			t.stuck = true
			t.log.Add(stress.Stuck, "some goroutine is still at work %v after it was asked to stop", grace)
			return out.Interrupted
		}
		t.looker.Run(1, never)
		if !done(t.rec.Cut()) || out.Interrupted || t.log.Total() > 0 {
			return out.Interrupted
		}
	}
}

func never() bool { return false }

// window runs one window, for no longer than left.
func (t *trial) window(ctx context.Context, left time.Duration) crew.Outcome {
	working := new(atomic.Int64)
	working.Store(int64(t.opts.Goroutines))
	plan := crew.Plan{Goroutines: t.opts.Goroutines + 1, Duration: left, Grace: grace}
	return crew.Run(ctx, plan, func(id int, stop *crew.Stop) {
		if id == t.opts.Goroutines {
			t.held.read(func() bool { return working.Load() == 0 })
			return
		}
		t.workers[id].Run(t.opts.perWorker(), stop.Requested)
		t.workers[id].Finish()
		working.Dec()
	})
}

// found is what the check of a window has found.
type found struct {
	history *history.History
	report  history.Report
	skews   int
	took    time.Duration
}

// check checks one window.
func (t *trial) check(h *history.History) found {
	if t.opts.tamper != nil {
		t.opts.tamper(h)
	}
	begun := time.Now()
	f := found{history: h, report: h.Check(t.opts.Level)}
	if t.opts.Level == history.Snapshot && len(h.Before) == 0 { // the first window
		f.skews = skews(h)
	}
	f.took = time.Since(begun)
	return f
}

func (t *trial) add(res *Result, f found) {
	res.add(&f.report, f.history)
	res.Skews += f.skews
	res.Checking += f.took
	res.Samples = append(res.Samples, Sample{Elapsed: time.Since(t.begun), Checked: res.Checked, Cycles: res.Cycles})
}

// skews counts what would be wrong if all transactions had asked for Serializable.
func skews(h *history.History) int {
	strict := *h
	strict.Txns = make([]history.Txn, len(h.Txns))
	for i, x := range h.Txns {
		x.Level = history.Serializable
		strict.Txns[i] = x
	}
	report := strict.Check(history.Serializable)
	return report.Cycles
}

// finish looks at what is left, and closes the manager.
func (t *trial) finish(res *Result) error {
	if !t.stuck {
		t.held.close()
		for _, w := range append(t.workers, t.looker) {
			for _, fault := range w.Faults() {
				t.log.Add(stress.UnexpectedError, "%s", fault)
			}
		}
		res.Violations = append(res.Violations, t.log.Violations()...)
		peak := t.opts.Goroutines*mix.MostOpen + 2 // the looker and the reader held open
		res.Violations = append(res.Violations, stress.Settle(t.m, int64(len(t.rec.Left())), peak)...)
	} else {
		res.Violations = append(res.Violations, t.log.Violations()...)
	}
	res.Stats = t.m.Stats()
	return t.m.Close()
}
