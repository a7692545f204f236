package commits

import (
	"context"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
)

func brief(t *testing.T) Options {
	folder, err := disk.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Contestants: peer.All(), Clients: []int{1, 64}, Duration: 10 * time.Millisecond, Rounds: 1,
		Objects: 300, LogBytes: 4 << 20, Folder: folder, Seed: 1,
	}
}

func TestAllAreMeasuredAndCompared(t *testing.T) {
	opts := brief(t)
	r, err := Run(t.Context(), opts, func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(r.All()), len(peer.All())*2*2; got != want {
		t.Errorf("%d figures, want %d", got, want)
	}
	for _, f := range r.All() {
		if f.PerSecond <= 0 || f.Mean <= 0 || f.P99 < f.Mean/10 || f.Transactions == 0 || f.Rounds != 1 {
			t.Errorf("%+v", f)
		}
	}
	if got := len(r.BurstGoals()); got != 10 {
		t.Errorf("%d goals of bursts", got)
	}
	if got := len(r.SustainedGoals()); got != 2 {
		t.Errorf("%d goals of sustained runs", got)
	}
	if gain, ran := r.Gain(Add, 1, peer.Tiercel, peer.Tiercel); !ran || gain != 1 {
		t.Errorf("a store has %v times the throughput of itself", gain)
	}
}

func TestContestantsTakeTurns(t *testing.T) {
	first := map[string]bool{}
	for round := range len(peer.All()) {
		first[Options{Contestants: peer.All(), Clients: []int{1}}.setups(round)[0].Store] = true
	}
	if len(first) != len(peer.All()) {
		t.Errorf("only %v began a round", first)
	}
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	opts := brief(t)
	opts.Duration = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Run(ctx, opts, func(Progress) { cancel() })
	if err != nil || !r.Interrupted || len(r.All()) != 0 || len(r.BurstGoals()) != 0 {
		t.Errorf("%v, %v, %v", err, r.Interrupted, r.All())
	}
}

// forgetful is a store that loses every second update.
type forgetful struct {
	peer.Store
	calls int
}

// Update does nothing every second time.
func (f *forgetful) Update(fn func(peer.Tx) error) error {
	if f.calls++; f.calls%2 == 0 {
		return nil
	}
	return f.Store.Update(fn)
}

func TestLostUpdatesAreNoticed(t *testing.T) {
	for _, op := range Ops() {
		contestant, _ := peer.Named(peer.Pebble)
		s, err := contestant.Open(peer.Config{Dir: t.TempDir(), Clients: 1})
		if err != nil {
			t.Fatal(err)
		}
		c := NewClient(0, &forgetful{Store: s}, object.NewMaker(ObjectSize, 1), 1, 1)
		failed := c.Fill()
		for range 4 {
			if failed == nil {
				failed = c.once(op)
			}
		}
		if failed == nil {
			failed = c.verify(op)
		}
		if failed == nil {
			t.Errorf("%v: nothing is noticed", op)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
