package wire_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tierceldb/tiercel/bench/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, roundTrip time.Duration) *wire.Wire {
	t.Helper()
	w, err := wire.New(roundTrip)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestARoundTripIsNeverShorter(t *testing.T) {
	const roundTrip = 200 * time.Microsecond
	w := open(t, roundTrip)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			c := w.Client()
			for range 20 {
				sent := time.Now()
				c.RoundTrip()
				if took := time.Since(sent); took < roundTrip {
					t.Errorf("a round trip took %v, less than %v", took, roundTrip)
				}
			}
			if trips, all := c.Waited(); trips != 20 || all < 20*roundTrip {
				t.Errorf("counted %d round trips of %v together", trips, all)
			}
		})
	}
	clients.Wait()
}

// Clients wait at the same time: 64 round trips side by side take far less than
// one after the other.
func TestClientsDoNotWaitForEachOther(t *testing.T) {
	const clients, roundTrip = 64, 20 * time.Millisecond
	w := open(t, roundTrip)
	begun := time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(w.Client().RoundTrip)
	}
	all.Wait()
	if took := time.Since(begun); took > clients*roundTrip/2 {
		t.Errorf("%d clients took %v side by side, a round trip is %v", clients, took, roundTrip)
	}
}

func TestARoundTripOfNothing(t *testing.T) {
	c := open(t, 0).Client()
	c.RoundTrip()
	if trips, all := c.Waited(); trips != 0 || all != 0 {
		t.Errorf("waited %d times, %v", trips, all)
	}
}

// At its best a wire is far below the millisecond that a timer of the runtime takes.
func TestShortRoundTripsAreShort(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // where only the runtime's timers are at hand
	}
	c := open(t, 20*time.Microsecond).Client()
	best := time.Hour
	for range 200 {
		sent := time.Now()
		c.RoundTrip()
		best = min(best, time.Since(sent))
	}
	if best > 700*time.Microsecond {
		t.Errorf("a round trip of 20µs takes at least %v", best)
	}
}
