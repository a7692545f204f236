package txnmgr_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestVerifySaysOnce what has one cause: without the part of the log that is missing
// nothing can be said about keys that came to the object store before its mark.
func TestVerifySaysOnce(t *testing.T) {
	whole := aStore(t)
	before := verify(t, whole)
	var changes []storage.Change
	for i := range 300 {
		ts := before.Objects.Applied + 1 + uint64(i)
		changes = append(changes, storage.Change{Key: fmt.Appendf(nil, "new%d", i), Value: []byte("v"), TS: ts})
	}
	changeObjects(t, whole, changes, before.Objects.Applied)
	first := filepath.Base(named(t, whole, "log", ".log")[0])
	for name, c := range map[string]struct {
		lose func(dir string) error
		says string
	}{
		"log":           {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "log")) }, "the commit log is missing"},
		"first segment": {func(dir string) error { return os.Remove(filepath.Join(dir, "log", first)) }, "(" + first + ") at offset 0: segment missing"},
		"objects":       {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "objects")) }, "there is nothing in the object store"},
	} {
		dir := copied(t, whole)
		if err := c.lose(dir); err != nil {
			t.Fatal(err)
		}
		report := verify(t, dir)
		if len(report.Problems) != 1 || !strings.Contains(report.Err().Error(), c.says) {
			t.Errorf("%s: %d problems, want one with %q: %.2000v", name, len(report.Problems)+report.Undescribed, c.says, report.Err())
		}
		if !errors.Is(report.Err(), txnmgr.ErrCorrupt) {
			t.Errorf("%s: %v", name, report.Err())
		}
	}
}

// TestVerifyOfObjectsInOneLine says what is wrong with the object store without saying
// it twice, and that it was not read to the end.
func TestVerifyOfObjectsInOneLine(t *testing.T) {
	whole := aStore(t)
	if report := verify(t, whole); report.Objects.Cut {
		t.Error("nothing is wrong, and the object store was not read to the end")
	}
	for name, spoil := range map[string]func(table string) error{
		"flipped bit": func(table string) error { flipBit(t, table, 500); return nil },
		"cut":         func(table string) error { return os.Truncate(table, 100) },
		"missing":     os.Remove,
	} {
		dir := copied(t, whole)
		if err := spoil(named(t, dir, "objects", ".sst")[0]); err != nil {
			t.Fatal(err)
		}
		report := verify(t, dir)
		if len(report.Problems) != 1 || !report.Objects.Cut {
			t.Errorf("%s: %d problems, %+v", name, len(report.Problems), report.Objects)
			continue
		}
		said := report.Problems[0].Error()
		if !strings.HasPrefix(said, "object store: ") || strings.Contains(said, "pebblestore") || strings.Contains(said, "\n") {
			t.Errorf("%s: %s", name, said)
		}
	}
}

func TestVerifyOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := txnmgr.Inspect(t.Context(), file)
	if !errors.Is(err, syscall.ENOTDIR) || !strings.HasSuffix(err.Error(), file+": not a directory") {
		t.Errorf("%v", err)
	}
}
