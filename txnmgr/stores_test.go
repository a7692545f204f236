package txnmgr_test

import (
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// The tests of this package say what transactions promise, and that must not depend
// on what is under the object table:
//
//	go test ./txnmgr -store memory|engine|dir
//
// (TestOverStores does that with some of them.) Over an engine almost nothing fits into the cache, and the log is as small as can
// be: so objects leave memory and come back all the time.
var store = flag.String("store", "memory", "what managers are opened over: memory, engine (one in memory, without a log) or dir (a log and Pebble in a directory)")

// over returns the options for the kind of store that is asked for.
func over(t testing.TB, opts txnmgr.Options) txnmgr.Options {
	switch *store {
	case "memory":
		return opts
	case "engine":
		opts.Engine = memstore.Open(memstore.Options{})
	case "dir":
		opts.Dir = t.TempDir()
	default:
		t.Fatalf("-store %s: there are memory, engine and dir", *store)
	}
	opts.CacheBytes, opts.LogBytes = 4<<10, 64<<10
	return opts
}

// TestOverStores runs the tests with random transactions once more over each store, in
// processes of their own.
func TestOverStores(t *testing.T) {
	if !inMemory() || testing.Short() {
		return
	}
	for _, kind := range []string{"engine", "dir"} {
		t.Run(kind, func(t *testing.T) {
			again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^(TestHistories|TestOracle|TestPurgeAnywhere)$", "-test.short", "-store", kind)
			if out, err := again.CombinedOutput(); err != nil {
				t.Errorf("go test ./txnmgr -short -store %s: %v\n%s", kind, err, out)
			}
		})
	}
}

// inMemory reports whether the store that is asked for is in memory alone.
func inMemory() bool { return *store == "memory" }

// hasLog reports whether the store that is asked for has a commit log.
func hasLog() bool { return *store == "dir" }

// needsMemory reports whether a test must be left out since the store is not in
// memory alone, and says why.
func needsMemory(t testing.TB, why string) bool {
	if inMemory() {
		return false
	}
	t.Logf("not with -store %s: %s", *store, why)
	return true
}

// answers returns the lines of a script that do not depend on the store: how many
// objects are in memory does.
func answers(lines []string) []string {
	if inMemory() {
		return lines
	}
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.HasPrefix(line, "count") })
}

// rounds is how often a test does something that it does n times in memory. A directory
// makes it wait for the disk each time, and for several files when it is opened.
func rounds(n int) int {
	if hasLog() {
		return max(1, n/40)
	}
	return n
}

// granularities are what commits over the store can lock, but for nothing.
func granularities() []txnmgr.Granularity {
	if inMemory() {
		return []txnmgr.Granularity{txnmgr.ObjectLocks, txnmgr.CoarseLock}
	}
	return []txnmgr.Granularity{txnmgr.ObjectLocks}
}
