package pebblestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// faults lets operations on a file system fail.
type faults struct {
	match func(op errorfs.Op) bool

	mu          sync.Mutex // protects following fields
	seen        int        // operations that match
	first, last int        // that fail, counted from 1
	err         error
}

// MaybeError is asked before each operation.
func (f *faults) MaybeError(op errorfs.Op) error {
	if !f.match(op) {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen++; f.seen < f.first || f.seen > f.last {
		return nil
	}
	return fmt.Errorf("%s (operation kind %d): %w", op.Path, op.Kind, f.err)
}

func (f *faults) String() string { return "faults" }

// fail lets so many operations fail after so many more.
func (f *faults) fail(after, count int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first = f.seen + after + 1
	f.last = f.first + count - 1
	f.err = err
}

// count returns how many operations matched.
func (f *faults) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// reached says whether an operation failed.
func (f *faults) reached() bool { return f.first > 0 && f.count() >= f.first }

const always = 1 << 30

// Operations.
func tables(op errorfs.Op) bool {
	return writes(op) && filepath.Ext(op.Path) == ".sst"
}

func others(op errorfs.Op) bool {
	return writes(op) && filepath.Ext(op.Path) != ".sst" && op.Kind != errorfs.OpRemove
}

func removals(op errorfs.Op) bool { return op.Kind == errorfs.OpRemove }
func anything(errorfs.Op) bool    { return true }

func reads(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileReadAt && filepath.Ext(op.Path) == ".sst"
}

// writes leaves out what cannot fail, or what Pebble does not look at.
func writes(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose
}

// faulty is a store on a file system that can be told to fail.
type faulty struct {
	*pebblestore.Store
	*faults
	fs *vfs.MemFS
	h  history
}

func openFaulty(t *testing.T, match func(errorfs.Op) bool) *faulty {
	t.Helper()
	f := &faulty{faults: &faults{match: match}, fs: vfs.NewCrashableMem(), h: history{{}}}
	f.Store = open(t, errorfs.Wrap(f.fs, f.faults))
	return f
}

// work applies and syncs until there is an error.
func (f *faulty) work(rng *rand.Rand) error {
	for range 12 {
		if err := f.h.apply(f.Store, rng, 5); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// survives closes the store, and checks what is left, with and without a crash.
func (f *faulty) survives(t *testing.T) {
	t.Helper()
	within(t, "Close", func() {
		if err := f.Close(); err != nil && !errors.Is(err, pebblestore.ErrFailed) {
			t.Errorf("close: %v", err)
		}
	})
	f.fail(0, 0, nil)
	for _, fs := range []*vfs.MemFS{f.fs.CrashClone(vfs.CrashCloneCfg{}), f.fs} {
		s := open(t, fs)
		if got := s.Persisted(); got < f.Persisted() {
			t.Errorf("%d survived of %d persisted", got, f.Persisted())
		}
		if err := f.h.compare(s); err != nil {
			t.Error(err)
		}
		closeStore(t, s)
	}
}

// TestFailure lets one operation after another fail on the files that say which
// tables count: nothing is written any more, everything can be read, and Close
// returns.
func TestFailure(t *testing.T) {
	rng := random(t)
	f := openFaulty(t, others)
	before := f.count()
	if err := f.work(rng); err != nil {
		t.Fatal(err)
	}
	total := f.count() - before
	f.survives(t)
	for n := range total {
		for _, count := range []int{1, always} {
			f := openFaulty(t, others)
			f.fail(n, count, syscall.EIO)
			var err error
			within(t, "a store with an error", func() { err = f.work(rng) })
			if f.reached() {
				f.hasFailed(t, err)
			}
			f.survives(t)
		}
	}
	t.Logf("%d operations", total)
}

// hasFailed checks what a store does that has failed.
func (f *faulty) hasFailed(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		err = f.Sync() // what failed was after the last one
	}
	_, mark := (&f.h).next(rand.New(rand.NewPCG(1, 1)))
	for what, err := range map[string]error{
		"work": err, "Apply": f.Apply(nil, mark), "Sync": f.Sync(), "Stats": f.Stats().Failed,
	} {
		if err != nil && !(errors.Is(err, pebblestore.ErrFailed) && errors.Is(err, syscall.EIO)) || err == nil && what != "work" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := f.h.compare(f.Store); err != nil && f.h.compareAt(f.Store, mark.Applied-1) != nil {
		t.Errorf("reading after a failure: %v", err) // with and without the Apply that failed
	}
}

// TestTableErrors lets operations on tables fail for a while: everything that was
// asked of the store happens in the end.
func TestTableErrors(t *testing.T) {
	rng := random(t)
	for n := range times(20) {
		f := openFaulty(t, tables)
		f.fail(n*4, 1+n%3, syscall.ENOSPC)
		failed := 0
		for range 60 {
			if err := f.h.apply(f.Store, rng, 5); err != nil {
				t.Fatal(err)
			}
			within(t, "Sync", func() {
				for err := f.Sync(); err != nil; err = f.Sync() {
					failed++
					if !errors.Is(err, syscall.ENOSPC) || errors.Is(err, pebblestore.ErrFailed) {
						t.Fatal(err)
					}
				}
			})
		}
		if err := f.Stats().Retrying; err != nil || failed == 0 && !f.reached() {
			t.Errorf("%d failures, %v, after %d operations", failed, err, f.count())
		}
		f.survives(t)
	}
}

// TestFullDisk applies until there is no room in memory either. Apply goes on when
// there is room on the disk again, and ends when the store is closed.
func TestFullDisk(t *testing.T) {
	rng := random(t)
	for _, end := range []string{"room", "close"} {
		t.Run("end="+end, func(t *testing.T) {
			f := openFaulty(t, tables)
			f.fail(0, always, syscall.ENOSPC)
			applied := make(chan error)
			go func() { applied <- f.h.apply(f.Store, rng, 500) }()
			stats := f.Stats()
			for ; stats.Stalls == 0 || stats.Retrying == nil; stats = f.Stats() {
				runtime.Gosched()
			}
			if !errors.Is(stats.Retrying, syscall.ENOSPC) || stats.Failed != nil {
				t.Errorf("%+v", stats)
			}
			if err := f.Sync(); !errors.Is(err, syscall.ENOSPC) || errors.Is(err, pebblestore.ErrFailed) {
				t.Errorf("sync: %v", err)
			}
			// Changes of half a memtable leave half of some memtables empty.
			if limit := int64(6 * 64 << 10); stats.MemTableBytes > limit {
				t.Errorf("%d bytes in memory, limit %d", stats.MemTableBytes, limit)
			}
			if end == "room" {
				f.fail(0, 0, nil)
				within(t, "Apply", func() {
					if err := <-applied; err != nil {
						t.Error(err)
					}
				})
				f.survives(t)
				return
			}
			within(t, "Close", func() {
				if err := errors.Join(f.Close(), <-applied); !errors.Is(err, pebblestore.ErrClosed) {
					t.Errorf("apply: %v", err)
				}
			})
			f.survives(t)
		})
	}
}

// TestRemovals lets Pebble keep what it wants to remove.
func TestRemovals(t *testing.T) {
	f := openFaulty(t, removals)
	f.fail(0, always, syscall.EPERM)
	if err := f.work(random(t)); err != nil {
		t.Error(err)
	}
	f.survives(t)
}

// TestReadErrors lets reading tables fail.
func TestReadErrors(t *testing.T) {
	f := openFaulty(t, reads)
	if err := f.work(random(t)); err != nil {
		t.Fatal(err)
	}
	f.survives(t)
	f.Store = open(t, errorfs.Wrap(f.fs, f.faults))
	f.fail(0, always, syscall.EIO)
	if err := f.h.compare(f.Store); !errors.Is(err, syscall.EIO) {
		t.Errorf("reading: %v", err)
	}
	f.fail(0, 0, nil)
	if err := f.h.compare(f.Store); err != nil {
		t.Errorf("reading afterwards: %v", err)
	}
	f.survives(t)
}

// TestOpenErrors lets every operation of opening fail, of a new store and of one
// that is there.
func TestOpenErrors(t *testing.T) {
	rng := random(t)
	f := openFaulty(t, anything)
	total := f.count()
	if err := f.work(rng); err != nil {
		t.Fatal(err)
	}
	f.survives(t)
	for n := range total * 3 / 2 {
		for _, count := range []int{1, always} {
			tryOpen(t, vfs.NewCrashableMem(), n, count, history{{}})
			tryOpen(t, f.fs.CrashClone(vfs.CrashCloneCfg{}), n, count, f.h)
		}
	}
}

func tryOpen(t *testing.T, fs *vfs.MemFS, n, count int, h history) {
	t.Helper()
	f := &faults{match: anything}
	f.fail(n, count, syscall.EIO)
	within(t, "Open", func() {
		s, err := pebblestore.Open("db", pebblestore.Options{FS: errorfs.Wrap(fs, f), MemTableBytes: 64 << 10})
		if err == nil {
			err = s.Close()
		}
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Errorf("operation %d: %v", n, err)
		}
	})
	s := open(t, fs.CrashClone(vfs.CrashCloneCfg{}))
	if err := h.compare(s); err != nil {
		t.Errorf("after operation %d of opening failed: %v", n, err)
	}
	closeStore(t, s)
}
