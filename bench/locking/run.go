package locking

import (
	"context"
	"time"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Opener opens the manager under test.
type Opener func(context.Context, txnmgr.Options) (*txnmgr.Manager, error)

// Progress says what runs next.
type Progress struct {
	Setup
	Elapsed time.Duration // since the start
	Round   int           // from 1
}

// trial is one run.
type trial struct {
	opts  Options
	open  Opener
	tick  func(Progress)
	begun time.Time
	res   Result
}

// Run runs all setups, those that are compared next to each other, in as many rounds
// as there is time for, one at least. It ends early when a check fails, or ctx ends.
// The error is one of the manager's.
func Run(ctx context.Context, open Opener, opts Options, tick func(Progress)) (Result, error) {
	t := &trial{opts: opts, open: open, tick: tick, begun: time.Now()}
	t.res = Result{Options: opts, Violations: []stress.Violation{}, samples: map[Setup][]Sample{}}
	last := time.Duration(0)
	for round := 1; !t.over() && (round == 1 || opts.Duration-time.Since(t.begun) >= last/2); round++ {
		begun := time.Now()
		if err := t.round(ctx, round); err != nil {
			return t.res, err
		}
		last = time.Since(begun)
	}
	t.res.Elapsed = time.Since(t.begun)
	return t.res, nil
}

// over tells whether the run is to end now.
func (t *trial) over() bool { return t.res.Interrupted || len(t.res.Violations) > 0 }

// round makes all comparisons for a while each, once at least.
func (t *trial) round(ctx context.Context, round int) error {
	for _, records := range t.opts.Records {
		for _, workers := range t.opts.Workers {
			begun := time.Now()
			for again := 0; again == 0 || time.Since(begun) < t.opts.comparison(workers); again++ {
				if err := t.compare(ctx, records, workers, round, again); err != nil || t.over() {
					return err
				}
			}
		}
	}
	return nil
}

// compare runs the setups that are compared once. Which comes first changes from
// time to time.
func (t *trial) compare(ctx context.Context, records, workers, round, again int) error {
	all := compared(workers)
	for i := range all {
		setup := Setup{records, workers, all[(i+round+again)%len(all)]}
		if err := t.slice(ctx, setup, round); err != nil || t.over() {
			return err
		}
	}
	return nil
}

// slice runs one setup for a short while.
func (t *trial) slice(ctx context.Context, setup Setup, round int) error {
	t.tick(Progress{setup, time.Since(t.begun), round})
	m, err := t.open(ctx, txnmgr.Options{Locks: setup.Locks})
	if err != nil {
		if ctx.Err() != nil {
			t.res.Interrupted = true
			return nil
		}
		return err
	}
	s := &slice{m: m, opts: t.opts, setup: setup}
	sample, err := s.run(ctx)
	if err != nil {
		return err
	}
	t.res.Violations = s.log.Violations()
	if t.res.Interrupted = s.interrupted; !t.over() {
		t.res.samples[setup] = append(t.res.samples[setup], sample)
	}
	return nil
}
