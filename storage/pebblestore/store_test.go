package pebblestore_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/enginetest"
	"github.com/tierceldb/tiercel/storage/pebblestore"
)

var (
	seed = flag.Uint64("seed", 0, "seed of the random tests; 0 takes another one each time")
	long = flag.Int("long", 1, "how many times as much the random tests do")
)

// times is how often a random test does what it does n times: Pebble checks itself in
// the short runs, which takes many times as long.
func times(n int) int {
	if testing.Short() {
		return max(1, n/5)
	}
	return n * *long
}

// TestMain makes sure that no store leaves a goroutine behind, whatever happened to
// it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEngine(t *testing.T) {
	t.Run("fs=memory", func(t *testing.T) {
		enginetest.Run(t, func(*testing.T) enginetest.Opener { return opener("db", vfs.NewMem()) })
	})
	t.Run("fs=crash", func(t *testing.T) {
		enginetest.Run(t, func(*testing.T) enginetest.Opener { return crashOpener(vfs.NewCrashableMem()) })
	})
}

// TestEngineOnDisk is apart because a disk is slow.
func TestEngineOnDisk(t *testing.T) {
	if err := flag.Set("rapid.checks", "10"); err != nil {
		t.Fatal(err)
	}
	enginetest.Run(t, func(t *testing.T) enginetest.Opener { return opener(t.TempDir(), nil) })
}

// opener opens the same directory again.
func opener(dir string, fs vfs.FS) enginetest.Opener {
	return func() (storage.Engine, error) {
		return pebblestore.Open(dir, pebblestore.Options{FS: fs, MemTableBytes: 64 << 10})
	}
}

// crashOpener opens what a crash would have left.
func crashOpener(fs *vfs.MemFS) enginetest.Opener {
	return func() (storage.Engine, error) {
		fs = fs.CrashClone(vfs.CrashCloneCfg{})
		return opener("db", fs)()
	}
}

// random returns a source of random numbers, and prints how to get it again.
func random(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64() | 1
	}
	t.Logf("to repeat: -seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// within ends the test if a call takes so long that it never returns.
func within(t *testing.T, what string, call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s hangs", what)
	}
}

// state is the content after some Apply, by key.
type state map[string]string

// history is every state of a store, by applied timestamp.
type history []state

// next draws changes and adds the state after them. Values say of which key and
// which state they are.
func (h *history) next(rng *rand.Rand) ([]storage.Change, storage.Mark) {
	applied := uint64(len(*h))
	now := make(state, len((*h)[applied-1]))
	for key, value := range (*h)[applied-1] {
		now[key] = value
	}
	var changes []storage.Change
	for _, k := range rng.Perm(60)[:rng.IntN(12)] {
		c := storage.Change{Key: fmt.Appendf(nil, "key %d", k), TS: applied, Delete: rng.IntN(4) == 0}
		if delete(now, string(c.Key)); !c.Delete {
			c.Value = make([]byte, 20+rng.IntN(1+rng.IntN(5000)))
			fill(c.Value, c.Key, applied)
			now[string(c.Key)] = string(c.Value)
		}
		changes = append(changes, c)
	}
	*h = append(*h, now)
	return changes, storage.Mark{Store: storage.StoreID{1, 2, 3}, Applied: applied}
}

// fill makes a value that cannot be compressed.
func fill(value, key []byte, applied uint64) {
	n := copy(value, fmt.Appendf(nil, "%s %d", key, applied))
	rng := rand.New(rand.NewPCG(applied, uint64(n)))
	for i := n; i < len(value); i++ {
		value[i] = byte(rng.Uint32())
	}
}

// apply applies n times, or until the store says why it does not.
func (h *history) apply(s *pebblestore.Store, rng *rand.Rand, n int) error {
	for range n {
		if err := s.Apply(h.next(rng)); err != nil {
			return err
		}
	}
	return nil
}

// compare says how the content of a store differs from the state it should be in.
func (h history) compare(s *pebblestore.Store) error { return h.compareAt(s, s.Mark().Applied) }

func (h history) compareAt(s *pebblestore.Store, applied uint64) error {
	if applied >= uint64(len(h)) {
		return fmt.Errorf("%d applied, after %d states", applied, len(h))
	}
	want := h[applied]
	it, err := s.Scan(nil, nil, storage.Ascending)
	if err != nil {
		return err
	}
	n := 0
	for ; it.Next(); n++ {
		if value, ok := want[string(it.Key())]; !ok || value != string(it.Value()) {
			err = errors.Join(err, fmt.Errorf("at %d: %q is %.30q, want %.30q", applied, it.Key(), it.Value(), value))
		}
	}
	if n != len(want) {
		err = errors.Join(err, fmt.Errorf("at %d: %d keys, want %d", applied, n, len(want)))
	}
	for key, value := range want {
		err = errors.Join(err, expect(s, key, value))
	}
	return errors.Join(err, it.Err(), it.Close())
}

// expect looks one key up.
func expect(s *pebblestore.Store, key, value string) error {
	found := false
	err := s.Load([]byte(key), func(got []byte, _ uint64) { found = string(got) == value })
	if err == nil && !found {
		err = fmt.Errorf("load %q: not %.30q", key, value)
	}
	return err
}

func open(t *testing.T, fs vfs.FS) *pebblestore.Store {
	t.Helper()
	s, err := pebblestore.Open("db", pebblestore.Options{FS: fs, MemTableBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *pebblestore.Store) {
	t.Helper()
	within(t, "Close", func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
