package shootout

import (
	"context"
	"errors"
	"time"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/wire"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Opener opens the manager under test.
type Opener func(context.Context, txnmgr.Options) (*txnmgr.Manager, error)

// Progress says what runs next.
type Progress struct {
	Setup
	Elapsed time.Duration // since the start
	Round   int           // of the round trip, from 1
}

// trial is one run.
type trial struct {
	opts  Options
	open  Opener
	tick  func(Progress)
	begun time.Time
	stuck bool // some client still runs, and uses its manager and its wire
	res   Result
}

// Run runs all setups, those that are compared next to each other, and as many
// rounds of each round trip as its share of the time allows, one at least. It ends
// early when a check fails, or ctx ends. The error is one of the manager's or the
// system's.
func Run(ctx context.Context, open Opener, opts Options, tick func(Progress)) (Result, error) {
	t := &trial{opts: opts, open: open, tick: tick, begun: time.Now()}
	t.res = Result{Options: opts, Violations: []stress.Violation{}, samples: map[Setup][]Round{}}
	for _, roundTrip := range opts.RoundTrips {
		if err := t.roundTrip(ctx, roundTrip); err != nil {
			return t.res, err
		}
	}
	t.res.Elapsed = time.Since(t.begun)
	return t.res, nil
}

// over tells whether the run is to end now.
func (t *trial) over() bool { return t.res.Interrupted || len(t.res.Violations) > 0 }

// roundTrip runs all setups with one round trip.
func (t *trial) roundTrip(ctx context.Context, roundTrip time.Duration) error {
	w, err := wire.New(roundTrip)
	if err != nil {
		return err
	}
	err = t.rounds(ctx, w, roundTrip)
	if t.stuck {
		return err
	}
	return errors.Join(err, w.Close())
}

// rounds runs all setups with one round trip as often as its share of the time
// allows.
func (t *trial) rounds(ctx context.Context, w *wire.Wire, roundTrip time.Duration) error {
	begun, last := time.Now(), time.Duration(0)
	for round := 1; !t.over(); round++ {
		begunRound := time.Now()
		if round > 1 && t.opts.share()-time.Since(begun) < last/2 {
			break
		}
		if err := t.round(ctx, w, roundTrip, round); err != nil {
			return err
		}
		last = time.Since(begunRound)
	}
	return nil
}

// round runs all setups with one round trip once. Which of the two that are
// compared comes first changes from round to round.
func (t *trial) round(ctx context.Context, w *wire.Wire, roundTrip time.Duration, round int) error {
	for _, clients := range t.opts.Clients {
		for i := range compared() {
			setup := Setup{roundTrip, clients, compared()[(i+round)%len(compared())]}
			if err := t.slice(ctx, w, setup, round); err != nil || t.over() {
				return err
			}
		}
	}
	return nil
}

// slice runs one setup once.
func (t *trial) slice(ctx context.Context, w *wire.Wire, setup Setup, round int) error {
	t.tick(Progress{setup, time.Since(t.begun), round})
	m, err := t.open(ctx, txnmgr.Options{Locks: setup.Locks})
	if err != nil {
		if ctx.Err() != nil {
			t.res.Interrupted = true
			return nil
		}
		return err
	}
	s := &slice{m: m, opts: t.opts, setup: setup, wire: w}
	if err := s.run(ctx); err != nil {
		return err
	}
	t.stuck, t.res.Violations = s.stuck, s.log.Violations()
	if t.res.Interrupted = s.interrupted; !t.over() {
		t.res.samples[setup] = append(t.res.samples[setup], s.samples)
	}
	return nil
}
