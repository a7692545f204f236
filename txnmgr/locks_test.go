package txnmgr_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/internal/script"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestLockScripts runs the scripts in testdata/locks and testdata/prepare. A section
// whose name begins with any runs once at each level, and must come out the same.
func TestLockScripts(t *testing.T) {
	for _, dir := range []string{"locks", "prepare"} {
		paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txt"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no scripts in %s: %v", dir, err)
		}
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), ".txt")
			t.Run(dir+"/"+name, func(t *testing.T) { runLockScript(t, path) })
		}
	}
}

func runLockScript(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := script.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for i, section := range file.Sections {
		for _, level := range []txnmgr.Isolation{txnmgr.Serializable, txnmgr.Snapshot} {
			if word, _, _ := strings.Cut(section.Name, ":"); word != "any" && word != level.String() {
				continue
			}
			t.Run(section.Name+"/"+level.String(), func(t *testing.T) {
				file.Sections[i] = runLockSection(t, path, section, level)
			})
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runLockSection runs a section on a manager of which level is the default.
func runLockSection(t *testing.T, path string, want script.Section, level txnmgr.Isolation) (got script.Section) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, txnmgr.Options{Isolation: level})
		var err error
		if got, err = want.Run(managedStore{m}, synctest.Wait); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		idle(t, m)
	})
	if !*update && !slices.Equal(answers(got.Lines), answers(want.Lines)) {
		t.Errorf("%s, section %s came out as\n\n%s\n\n(-update writes this into the file)",
			path, want.Name, strings.Join(got.Lines, "\n"))
	}
	return got
}
