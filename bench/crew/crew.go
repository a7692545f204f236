// Package crew runs a number of goroutines side by side for a while and stops
// them together. Every experiment of the bench command needs this and nothing
// else of it: start, look at the clock now and then, stop, wait.
//
// The goroutines look at nothing but one flag that is written once, so that
// being stopped costs the measured loop one load of an unshared cache line.
package crew

import (
	"context"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// Stop is the flag that ends a run. The zero value is ready for use.
type Stop struct {
	_         pad.Line
	requested atomic.Bool
	_         pad.Line
}

// Requested reports whether the goroutines should return.
func (s *Stop) Requested() bool { return s.requested.Load() }

// Request asks all goroutines of the run to return soon.
func (s *Stop) Request() { s.requested.Store(true) }

// Plan says how many goroutines run, for how long, and who watches them.
type Plan struct {
	Goroutines int           // at least 1
	Duration   time.Duration // 0: until the goroutines return by themselves
	Grace      time.Duration // how long they may take to return once asked; 0: for ever

	// Tick is called Every so often while they run; 0: never.
	Every time.Duration
	Tick  func(elapsed time.Duration)
}

// Outcome says how a run ended.
type Outcome struct {
	Elapsed     time.Duration // until the goroutines were asked to stop
	Interrupted bool          // ctx ended before the duration had passed
	Stuck       bool          // some goroutine did not return within Plan.Grace
}

// Run starts body(0) … body(Goroutines-1) and returns when all have returned.
// They are asked to when the duration has passed, when ctx ends, or when one
// of them calls stop.Request. Elapsed is the time until that moment, not until
// the last of them noticed.
func Run(ctx context.Context, plan Plan, body func(id int, stop *Stop)) Outcome {
	stop := new(Stop)
	done := start(plan.Goroutines, stop, body)
	begun := time.Now()
	out := watch(ctx, plan, begun, done)
	out.Elapsed = time.Since(begun)
	stop.Request()
	out.Stuck = !wait(done, plan.Grace)
	return out
}

func start(goroutines int, stop *Stop, body func(int, *Stop)) <-chan struct{} {
	var all sync.WaitGroup
	for id := range goroutines {
		all.Go(func() { body(id, stop) })
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	return done
}

// watch returns when the run is to end.
func watch(ctx context.Context, plan Plan, begun time.Time, done <-chan struct{}) Outcome {
	end, endTimer := alarm(plan.Duration)
	defer endTimer.Stop()
	ticks, ticker := ticking(plan.Every)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return Outcome{Interrupted: ctx.Err() != nil}
		case <-ctx.Done():
			return Outcome{Interrupted: true}
		case <-end:
			return Outcome{}
		case <-ticks:
			plan.Tick(time.Since(begun))
		}
	}
}

// alarm fires after d; for d = 0 never.
func alarm(d time.Duration) (<-chan time.Time, *time.Timer) {
	if d <= 0 {
		return nil, time.NewTimer(0)
	}
	t := time.NewTimer(d)
	return t.C, t
}

// ticking fires every d; for d = 0 never.
func ticking(d time.Duration) (<-chan time.Time, *time.Ticker) {
	if d <= 0 {
		return nil, time.NewTicker(time.Hour)
	}
	t := time.NewTicker(d)
	return t.C, t
}

// wait reports whether done was closed within the grace period.
func wait(done <-chan struct{}, grace time.Duration) bool {
	late, timer := alarm(grace)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-late:
		return false
	}
}
