package txnmgr_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestDamagedObjects damages files of the object store that have no checksum of their own
// for all that may be wrong with them: Open and Verify say which it is.
func TestDamagedObjects(t *testing.T) {
	whole := aStore(t)
	rename := func(data []byte) []byte {
		return []byte(strings.Replace(string(data), "comparer=leveldb", "comparer=leweldb", 1))
	}
	short := func(data []byte) []byte { return data[:len(data)/2] }
	for name, c := range map[string]struct {
		pattern string
		change  func([]byte) []byte
	}{
		"flipped bit in a name": {"OPTIONS-*", rename},
		"options cut off":       {"OPTIONS-*", func(data []byte) []byte { return data[:strings.Index(string(data), "size=")+2] }},
		"table cut off":         {"*.sst", short},
		"table empty":           {"*.sst", func([]byte) []byte { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, whole)
			path := matching(t, dir, c.pattern)
			change(t, path, c.change)
			report := verify(t, dir)
			_, err := txnmgr.Open(t.Context(), smallStore(dir))
			for what, err := range map[string]error{"Open": err, "Verify": report.Err()} {
				if !errors.Is(err, txnmgr.ErrCorrupt) || !strings.Contains(fmt.Sprint(err), filepath.Base(path)) {
					t.Errorf("%s: %v, want that %s is damaged", what, err, path)
				}
			}
		})
	}
}

// matching returns the last file of the object store with such a name.
func matching(t *testing.T, dir, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "objects", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files %s in %s: %v", pattern, dir, err)
	}
	return paths[len(paths)-1]
}
