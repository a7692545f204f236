package crew_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/crew"
)

// untilStopped returns a body that waits for the stop flag without spinning,
// so that the fake clock of synctest moves on.
func untilStopped(_ int, stop *crew.Stop) {
	for !stop.Requested() {
		<-time.After(time.Millisecond)
	}
}

func TestRunLastsForItsDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ticks, bodies atomic.Int64
		out := crew.Run(t.Context(), crew.Plan{
			Goroutines: 7,
			Duration:   10 * time.Second,
			Every:      time.Second,
			Tick:       func(time.Duration) { ticks.Inc() },
		}, func(id int, stop *crew.Stop) {
			bodies.Inc()
			untilStopped(id, stop)
		})
		if out.Elapsed != 10*time.Second || out.Interrupted || out.Stuck {
			t.Errorf("outcome %+v, want 10s, not interrupted, not stuck", out)
		}
		if bodies.Load() != 7 {
			t.Errorf("%d goroutines ran, want 7", bodies.Load())
		}
		if n := ticks.Load(); n < 9 || n > 10 {
			t.Errorf("%d ticks in ten seconds, want one a second", n)
		}
	})
}

func TestRunEndsWhenTheGoroutinesReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := crew.Run(t.Context(), crew.Plan{Goroutines: 3}, func(int, *crew.Stop) {
			<-time.After(2 * time.Second)
		})
		if out.Elapsed != 2*time.Second || out.Interrupted {
			t.Errorf("outcome %+v, want 2s", out)
		}
	})
}

func TestOneGoroutineStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := crew.Run(t.Context(), crew.Plan{Goroutines: 3, Duration: time.Hour}, func(id int, stop *crew.Stop) {
			if id == 1 {
				<-time.After(time.Second)
				stop.Request()
			}
			untilStopped(id, stop)
		})
		if out.Elapsed > 2*time.Second {
			t.Errorf("the run went on for %v after one goroutine stopped it", out.Elapsed)
		}
	})
}

func TestCancelInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		out := crew.Run(ctx, crew.Plan{Goroutines: 2, Duration: time.Minute}, untilStopped)
		if !out.Interrupted || out.Elapsed != 3*time.Second {
			t.Errorf("outcome %+v, want interrupted after 3s", out)
		}
	})
}

func TestStuckGoroutineIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		out := crew.Run(t.Context(), crew.Plan{Goroutines: 2, Duration: time.Second, Grace: time.Second},
			func(id int, stop *crew.Stop) {
				if id == 0 {
					<-release
				}
			})
		close(release)
		if !out.Stuck {
			t.Errorf("outcome %+v, want stuck", out)
		}
	})
}
