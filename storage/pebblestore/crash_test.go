package pebblestore_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// crash is what a crash left of a file system.
type crash struct {
	fs        *vfs.MemFS
	persisted uint64 // at least, when it happened
}

// crasher crashes at random operations on a file system, without the store that
// uses it taking notice.
type crasher struct {
	fs        *vfs.MemFS
	_         pad.Align64
	persisted atomic.Uint64

	mu      sync.Mutex // protects following fields
	rng     *rand.Rand
	crashes []crash
	limit   int // of crashes at any operation
	names   int // of crashes that are still to come at a sync of the directory
}

// MaybeError is asked before each operation.
func (c *crasher) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.crashes) < c.limit && c.rng.IntN(12) == 0 {
			c.crash(c.rng.IntN(5) * 25)
		}
		// Names are made in pairs of which one is worth nothing without the other.
		if op.Kind == errorfs.OpFileSync && op.Path == "db" && c.names > 0 {
			c.names--
			c.crash(50)
		}
	}
	return nil
}

func (c *crasher) String() string { return "crasher" }

// crash keeps so much of what was not synced. The lock is held.
func (c *crasher) crash(percent int) {
	persisted := c.persisted.Load()
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng}
	c.crashes = append(c.crashes, crash{c.fs.CrashClone(cfg), persisted})
}

// split returns random numbers for another goroutine.
func (c *crasher) split() *rand.Rand {
	c.mu.Lock()
	defer c.mu.Unlock()
	return rand.New(rand.NewPCG(c.rng.Uint64(), 0))
}

// TestCrash lives several lives, each on what a crash in the one before left, and
// opens what every other crash left: it must be the state after some Apply, and
// after every Apply that was persisted before.
func TestCrash(t *testing.T) {
	rng := random(t)
	points := 0
	for range times(12) {
		h := history{{}}
		last := crash{fs: vfs.NewCrashableMem()}
		for range 4 {
			c := &crasher{fs: last.fs, rng: rng, limit: 10, names: 10}
			c.persisted.Store(last.persisted)
			live(t, c, &h)
			for _, crash := range c.crashes {
				revive(t, crash, h)
			}
			points += len(c.crashes)
			if len(c.crashes) == 0 {
				break
			}
			last = c.crashes[rng.IntN(len(c.crashes))]
		}
	}
	t.Logf("%d crash points", points)
}

// live opens a store, checks it, applies and syncs. What had been applied and is
// lost is forgotten.
func live(t *testing.T, c *crasher, h *history) {
	t.Helper()
	s := open(t, errorfs.Wrap(c.fs, c))
	if err := h.compare(s); err != nil {
		t.Fatal(err)
	}
	*h = (*h)[:s.Mark().Applied+1]
	rng := c.split()
	for range 60 {
		if err := h.apply(s, rng, rng.IntN(10)); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(15) == 0 {
			if err := s.Sync(); err != nil {
				t.Fatal(err)
			}
			if s.Persisted() != s.Mark().Applied {
				t.Fatalf("persisted %d after a Sync at %d", s.Persisted(), s.Mark().Applied)
			}
		}
		c.persisted.Store(s.Persisted())
	}
	closeStore(t, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crash(0)
}

// revive opens what a crash left. The file system itself is used again, so it
// works on a copy.
func revive(t *testing.T, c crash, h history) {
	t.Helper()
	s := open(t, c.fs.CrashClone(vfs.CrashCloneCfg{}))
	if got := s.Mark().Applied; got < c.persisted || s.Persisted() != got {
		t.Fatalf("mark %d and persisted %d after a crash, %d before", got, s.Persisted(), c.persisted)
	}
	if err := h.compare(s); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if s.Mark().Applied == 0 {
		return // the crash may have been before there was a store
	}
	report, err := pebblestore.Verify(c.fs, "db")
	if want := s.Mark(); err != nil || report.Mark != want || report.Keys != uint64(len(h[want.Applied])) {
		t.Fatalf("verify: %v: %+v, want %v", err, report, want)
	}
}
