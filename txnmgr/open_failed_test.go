package txnmgr_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestFailedOpenMakesNothing: where a part of the store is missing, Open puts no empty one
// in its place, and once the part is back nothing is lost.
func TestFailedOpenMakesNothing(t *testing.T) {
	whole := aStore(t)
	for _, part := range []string{"log", "objects"} {
		t.Run(part, func(t *testing.T) {
			dir := copied(t, whole)
			path, aside := filepath.Join(dir, part), filepath.Join(t.TempDir(), part)
			wantErr(t, "Rename", os.Rename(path, aside))
			_, err := txnmgr.Open(t.Context(), smallStore(dir))
			wantErr(t, "Open", err, txnmgr.ErrCorrupt)
			_, err = os.Lstat(path)
			wantErr(t, "Lstat", err, os.ErrNotExist)
			if t.Failed() {
				return
			}
			wantErr(t, "Rename", os.Rename(aside, path))
			m := openStore(t, dir)
			wantErr(t, "reading", readDamaged(t, m))
			closeStore(t, m)
		})
	}
}

// TestFailedOpenOfEmptyParts: a directory that is there and empty stays so.
func TestFailedOpenOfEmptyParts(t *testing.T) {
	dir := copied(t, aStore(t))
	log := filepath.Join(dir, "log")
	wantErr(t, "RemoveAll", os.RemoveAll(log))
	wantErr(t, "Mkdir", os.Mkdir(log, 0o777))
	_, err := txnmgr.Open(t.Context(), smallStore(dir))
	wantErr(t, "Open", err, txnmgr.ErrCorrupt)
	left, err := os.ReadDir(log)
	wantErr(t, "ReadDir", err)
	want(t, "files", len(left), 0)
}

// TestReplayingPanics: nothing stays open, or locked.
func TestReplayingPanics(t *testing.T) {
	dir := copied(t, aStore(t))
	opts := smallStore(dir)
	opts.Replaying = func(int64, int64) { panic("panic") }
	func() {
		defer func() { want(t, "recovered", recover(), any("panic")) }()
		txnmgr.Open(t.Context(), opts)
	}()
	m := openStore(t, dir)
	wantErr(t, "reading", readDamaged(t, m))
	closeStore(t, m)
}
