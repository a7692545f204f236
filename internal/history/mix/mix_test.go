package mix

import (
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/history"
)

var seed = flag.Uint64("seed", 0, "seed of the transactions; 0: a new one, which is printed when a test fails")

const testKeys = 8

// play runs workers side by side on a store, and returns the history and what was
// wrong without it.
func play(store Store, opts Options, seed uint64, workers, txns int) (*history.History, []string) {
	begun := time.Now()
	rec := history.NewRecorder(workers, func() int64 { return int64(time.Since(begun)) })
	all := make([]*Worker, workers)
	var running sync.WaitGroup
	for n := range workers {
		all[n] = NewWorker(store, opts, rand.New(rand.NewPCG(seed, uint64(n))), rec.Session(n))
		running.Go(func() {
			all[n].Run(txns, func() bool { return false })
			all[n].Finish()
		})
	}
	running.Wait()
	var faults []string
	for _, w := range all {
		faults = append(faults, w.Faults()...)
	}
	return rec.Cut(), faults
}

// newSeed returns the seed, which is printed if the test fails.
func newSeed(t *testing.T) uint64 {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("go test -run '%s' -seed %d", t.Name(), s)
		}
	})
	return s
}

func testOptions(levels ...history.Level) Options {
	opts := Moderate(testKeys, levels...)
	opts.Forgets, opts.Cancels, opts.Pauses = 10, 10, 30
	opts.Locks, opts.Prepares = 20, 20
	return opts
}

func TestGoodStorePasses(t *testing.T) {
	s := newSeed(t)
	for name, levels := range map[string][]history.Level{
		"serializable": {history.Serializable}, "snapshot": {history.Snapshot}, "mixed": {history.Serializable, history.Snapshot},
	} {
		t.Run(name, func(t *testing.T) {
			h, faults := play(newNaive(noBug), testOptions(levels...), s, 6, 300)
			if len(faults) > 0 {
				t.Errorf("faults %q", faults)
			}
			for _, level := range []history.Level{history.Serializable, history.Snapshot} {
				if r := h.Check(level); !r.OK() || r.Transactions < 6*300 {
					t.Errorf("%v: %v", level, &r)
				}
			}
			checkVariety(t, h)
		})
	}
}

// checkVariety sees to it that there is something of everything.
func checkVariety(t *testing.T, h *history.History) {
	count := map[string]int{}
	for i := range h.Txns {
		x := &h.Txns[i]
		count[x.Kind.String()]++
		count[x.Outcome.String()]++
		for _, w := range x.Writes {
			if count["writes"]++; w.Tombstone {
				count["tombstones"]++
			}
		}
		for _, r := range x.Reads {
			if count["reads"]++; r.Version == 0 {
				count["nothing"]++
			}
		}
		count["empty"] += len(x.Empty)
	}
	for _, what := range []string{"update", "read-only", "committed", "rolled back", "writes", "tombstones", "reads", "nothing", "empty"} {
		if count[what] < 100 {
			t.Errorf("%d %s in %d transactions", count[what], what, len(h.Txns))
		}
	}
}

// TestBrokenStoresAreFound puts one bug into the store at a time.
func TestBrokenStoresAreFound(t *testing.T) {
	s := newSeed(t)
	for b := noBug + 1; b < numBugs; b++ {
		t.Run(b.String(), func(t *testing.T) {
			for try := range uint64(40) {
				level := history.Level(try % 2)
				h, faults := play(newNaive(b), testOptions(level), s+try, 6, 200)
				r := h.Check(level)
				switch {
				case !r.OK():
					t.Log(r.Anomalies[0].Name())
					return
				case len(faults) > 0:
					t.Log(faults[0])
					return
				}
			}
			t.Error("not found")
		})
	}
}
