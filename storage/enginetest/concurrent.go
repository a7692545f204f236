package enginetest

import (
	"fmt"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/storage"
)

// rounds is how often testConcurrent applies, width how many keys it sets to the
// same value each time.
const (
	rounds = 200
	width  = 50
)

// testConcurrent has goroutines read what one applies: whatever they see of one
// Apply they see all of, and nothing older than what they knew to be applied.
func testConcurrent(t *testing.T, e *engine) {
	var done atomic.Bool
	var readers sync.WaitGroup
	for _, read := range []func(*testing.T, *engine){readKeys, readRange, readRange, readMark, syncAgain} {
		readers.Go(func() {
			for !done.Load() && !t.Failed() {
				read(t, e)
			}
		})
	}
	for n := uint64(1); n <= rounds && !t.Failed(); n++ {
		changes := make([]storage.Change, width)
		for i := range changes {
			changes[i] = set(fmt.Sprintf("%02d", i), valueAt(n), n)
		}
		if err := e.Apply(changes, storage.Mark{Store: id(), Applied: n}); err != nil {
			t.Errorf("apply: %v", err)
		}
	}
	done.Store(true)
	readers.Wait()
}

// valueAt is the value of all keys after an Apply: every other one has large values.
func valueAt(n uint64) string { return fmt.Sprintf("%0*d", 100+n%2*1500, n) }

// readKeys loads keys one by one: none is older than the mark before.
func readKeys(t *testing.T, e *engine) {
	for i := range width {
		least := e.Mark().Applied
		found := least == 0
		err := e.Load(fmt.Appendf(nil, "%02d", i), func(value []byte, ts uint64) {
			found = true
			if ts < least || string(value) != valueAt(ts) {
				t.Errorf("loaded %.20q at %d after %d was applied", value, ts, least)
			}
		})
		if err != nil || !found {
			t.Errorf("load: %v, found: %t, after %d was applied", err, found, least)
		}
	}
}

// readRange scans all keys: they are from one Apply.
func readRange(t *testing.T, e *engine) {
	least := e.Mark().Applied
	it, err := e.Scan(nil, nil, storage.Order(least%2))
	if err != nil {
		t.Errorf("scan: %v", err)
		return
	}
	n, ts := 0, uint64(0)
	for it.Next() {
		if n++; n == 1 {
			ts = it.TS()
		}
		if it.TS() != ts || string(it.Value()) != valueAt(ts) {
			t.Errorf("a scan found %.20q at %d, and at %d before", it.Value(), it.TS(), ts)
		}
	}
	if ts < least || n != width && ts > 0 {
		t.Errorf("a scan found %d keys at %d after %d was applied", n, ts, least)
	}
	if err := it.Err(); err != nil {
		t.Errorf("scan: %v", err)
	}
	if err := it.Close(); err != nil {
		t.Errorf("close an iterator: %v", err)
	}
}

// readMark compares the two timestamps.
func readMark(t *testing.T, e *engine) {
	persisted := e.Persisted()
	if applied := e.Mark().Applied; persisted > applied {
		t.Errorf("persisted %d, applied %d", persisted, applied)
	}
}

// syncAgain makes sure of what was applied before.
func syncAgain(t *testing.T, e *engine) {
	applied := e.Mark().Applied
	if err := e.Sync(); err != nil {
		t.Errorf("sync: %v", err)
	}
	if persisted := e.Persisted(); persisted < applied {
		t.Errorf("persisted %d after a Sync that began at %d", persisted, applied)
	}
}
