package txnmgr_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tierceldb/tiercel/internal/script"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestOracle runs random programs of interleaved transactions on a Manager and
// on the reference store, and compares every answer: values, scans, errors, and
// which commits are refused. A program that fails is shrunk and printed as an
// isolation script, with the seed that makes it (-rapid.seed).
func TestOracle(t *testing.T) {
	checkPrograms(t, func(t *testing.T, rt *rapid.T) {
		section := drawProgram(rt)
		compare(rt, "reference", runOn(rt, t, section, openReference),
			"manager", runManaged(rt, t, section, txnmgr.Options{}))
	})
}

// TestPurgeAnywhere runs the same programs with purges between their steps, and
// under other options. None of it may change an answer.
func TestPurgeAnywhere(t *testing.T) {
	checkPrograms(t, func(t *testing.T, rt *rapid.T) {
		section := drawProgram(rt)
		want := runManaged(rt, t, section, txnmgr.Options{})
		got := runManaged(rt, t, purged(rt, section), drawOptions(rt))
		compare(rt, "plain", withoutPurges(want), "purged", withoutPurges(got))
	})
}

// checkPrograms draws ten times as many programs as rapid does on its own (100,
// or -rapid.checks): with fewer, rare mistakes in the read set go unseen.
func checkPrograms(t *testing.T, check func(*testing.T, *rapid.T)) {
	for part := range rounds(10) {
		t.Run(fmt.Sprintf("part=%d", part), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { check(t, rt) })
		})
	}
}

// failer is a test, of this package or of rapid.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// drawOptions draws options that must not matter to a program, whose
// transactions all state their level and none of which takes any time.
func drawOptions(t *rapid.T) txnmgr.Options {
	return txnmgr.Options{
		Isolation:    rapid.SampledFrom([]txnmgr.Isolation{txnmgr.Serializable, txnmgr.Snapshot}).Draw(t, "isolation"),
		MaxAge:       rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "max age"),
		RecordStacks: rapid.Bool().Draw(t, "record stacks"),
		Retries:      rapid.IntRange(0, 3).Draw(t, "retries"),
		Locks:        rapid.SampledFrom(granularities()).Draw(t, "locks"),
	}
}

// purged puts purges between the steps of a section.
func purged(t *rapid.T, s script.Section) script.Section {
	var lines []string
	often := rapid.IntRange(1, 6).Draw(t, "steps between purges")
	for _, line := range s.Lines {
		if rapid.IntRange(1, often).Draw(t, "purge here") == 1 {
			lines = append(lines, "purge")
		}
		lines = append(lines, line)
	}
	s.Lines = lines
	return s
}

func withoutPurges(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return line == "purge" })
}

// runManaged runs a section on a new manager that checks its timestamps.
func runManaged(rt failer, t *testing.T, s script.Section, opts txnmgr.Options) []string {
	var store *orderedStore
	lines := runOn(rt, t, s, func(t *testing.T) script.Store {
		store = &orderedStore{managedStore: managedStore{open(t, opts)}}
		return store
	})
	if len(store.wrong) > 0 {
		rt.Fatalf("%s\n\nin\n%s", strings.Join(store.wrong, "\n"), strings.Join(lines, "\n"))
	}
	return lines
}

// runOn runs a section on a store and returns its lines with their outcomes.
func runOn(rt failer, t *testing.T, s script.Section, open func(*testing.T) script.Store) []string {
	var err error
	synctest.Test(t, func(t *testing.T) { s, err = s.Run(open(t), synctest.Wait) })
	if err != nil {
		rt.Fatal(err)
	}
	return s.Lines
}

// compare fails at the first line in which two runs differ.
func compare(t failer, nameA string, a []string, nameB string, b []string) {
	if a, b = answers(a), answers(b); slices.Equal(a, b) {
		return
	}
	var out strings.Builder
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			fmt.Fprintf(&out, "%s  <-- %s\n%s  <-- %s\n", a[i], nameA, b[i], nameB)
			break
		}
		fmt.Fprintln(&out, a[i])
	}
	t.Fatalf("the answers differ:\n%s", out.String())
}

// orderedStore checks the timestamps of a manager that takes one step at a time:
// commit timestamps rise, and who begins after a commit reads at or above it (I4).
type orderedStore struct {
	managedStore
	last  uint64 // the newest commit timestamp
	wrong []string
}

func (s *orderedStore) Begin(how script.How) (script.Txn, error) {
	tx, err := s.managedStore.Begin(how)
	switch tx := tx.(type) {
	case *scriptReader:
		s.began(tx.Snapshot())
	case *scriptWriter:
		snapshot := tx.Snapshot()
		s.began(snapshot)
		tx.OnCommit(func(ts uint64) { s.committed(snapshot, ts) })
	}
	return tx, err
}

func (s *orderedStore) began(snapshot uint64) {
	if snapshot < s.last {
		s.wrong = append(s.wrong, fmt.Sprintf("I4: snapshot %d after commit %d", snapshot, s.last))
	}
}

// committed is told the snapshot for a timestamp if nothing was written.
func (s *orderedStore) committed(snapshot, ts uint64) {
	if ts == snapshot {
		return
	}
	if ts <= s.last {
		s.wrong = append(s.wrong, fmt.Sprintf("commit %d after commit %d", ts, s.last))
	}
	s.last = ts
}
