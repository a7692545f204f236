package txnmgr_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/internal/script"
	"github.com/tierceldb/tiercel/txnmgr"
)

var update = flag.Bool("update", false, "rewrite the isolation scripts with the outcomes they have now")

// hermitage lists the fourteen cases of Martin Kleppmann's Hermitage suite
// (https://github.com/ept/hermitage), by the names of their scripts: fifteen,
// since the case of G-single with a write predicate has two schedules.
func hermitage() []string {
	return []string{
		"g0", "g1a", "g1b", "g1c", "otv", "pmp-read", "pmp-write", "p4",
		"g-single", "g-single-dependencies", "g-single-write-1", "g-single-write-2",
		"g2-item", "g2", "g2-two-edges",
	}
}

// TestIsolation runs every script in testdata/isolation. Its sections are named
// after the isolation level of their update transactions.
func TestIsolation(t *testing.T) {
	paths, err := filepath.Glob("testdata/isolation/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range hermitage() {
		if !slices.Contains(paths, filepath.Join("testdata", "isolation", name+".txt")) {
			t.Errorf("no script for Hermitage's %s", name)
		}
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { runScript(t, path) })
	}
}

// runScript runs the sections of one file and compares, or rewrites, the file.
func runScript(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := script.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	levels := map[string]bool{}
	for i, section := range file.Sections {
		level, _, _ := strings.Cut(section.Name, " ")
		levels[level] = true
		t.Run(section.Name, func(t *testing.T) { file.Sections[i] = runSection(t, path, section) })
	}
	if !levels["snapshot"] || !levels["serializable"] {
		t.Errorf("%s: want sections for snapshot and for serializable", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runSection runs one section on a new manager, in a bubble in which only what
// really waits is seen to wait.
func runSection(t *testing.T, path string, want script.Section) (got script.Section) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, txnmgr.Options{})
		var err error
		got, err = want.Run(managedStore{m}, synctest.Wait)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	})
	if !*update && !slices.Equal(answers(got.Lines), answers(want.Lines)) {
		t.Errorf("%s, section %s came out as\n\n%s\n\n(-update writes this into the file)",
			path, want.Name, strings.Join(got.Lines, "\n"))
	}
	return got
}
