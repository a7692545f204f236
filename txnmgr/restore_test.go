package txnmgr_test

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/tierceldb/tiercel/txnmgr"
)

// backupOf returns a backup of a=1.
func backupOf(t *testing.T) []byte {
	t.Helper()
	var taken bytes.Buffer
	wantErr(t, "Backup", openWith(t, "a", "1").Backup(t.Context(), &taken))
	return taken.Bytes()
}

// restored checks what is in a directory, and that nothing is beside it.
func restored(t *testing.T, dir string) {
	t.Helper()
	m, err := txnmgr.Open(t.Context(), txnmgr.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "contents", contents(t, m), "a=1")
	wantErr(t, "Close", m.Close())
	if _, err := os.Lstat(dir + ".restoring"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was built in: %v", err)
	}
}

// TestRestoreToALink follows it, and keeps the permissions of what is there.
func TestRestoreToALink(t *testing.T) {
	backup, place := backupOf(t), t.TempDir()
	dir, link := filepath.Join(place, "dir"), filepath.Join(place, "link")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "Restore", txnmgr.Restore(t.Context(), link, bytes.NewReader(backup)))
	restored(t, dir)
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
	dangling := filepath.Join(place, "dangling")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "to a dangling link", txnmgr.Restore(t.Context(), dangling, bytes.NewReader(backup)), os.ErrNotExist)
	t.Chdir(t.TempDir())
	wantErr(t, "to where the program is", txnmgr.Restore(t.Context(), ".", bytes.NewReader(backup)), txnmgr.ErrBadOption)
	wantErr(t, "below", txnmgr.Restore(t.Context(), "a/b", bytes.NewReader(backup)))
	restored(t, "a/b")
}

// TestRestoresAtOnce to one directory: one of them does it.
func TestRestoresAtOnce(t *testing.T) {
	backup := backupOf(t)
	for range 20 {
		dir := filepath.Join(t.TempDir(), "dir")
		var errs [2]error
		var both sync.WaitGroup
		for i := range errs {
			both.Go(func() { errs[i] = txnmgr.Restore(t.Context(), dir, bytes.NewReader(backup)) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("errors %v", errs)
		}
		wantErr(t, "the other one", cmp.Or(errs[0], errs[1]), txnmgr.ErrNotEmpty)
		restored(t, dir)
	}
}

// TestRestorePanics: nothing is left of it, and it can be tried again.
func TestRestorePanics(t *testing.T) {
	backup := backupOf(t)
	dir := filepath.Join(t.TempDir(), "dir")
	func() {
		defer func() { want(t, "recovered", recover(), any("panic")) }()
		good := iotest.OneByteReader(bytes.NewReader(backup[:len(backup)-1]))
		txnmgr.Restore(t.Context(), dir, io.MultiReader(good, panics{}))
	}()
	wantErr(t, "Restore", txnmgr.Restore(t.Context(), dir, bytes.NewReader(backup)))
	restored(t, dir)
}

// panics is a reader that does not read.
type panics struct{}

// Read panics.
func (panics) Read([]byte) (int, error) { panic("panic") }
