package txnmgr_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/txnmgr"
)

// unwritable is the file system as one sees it who may write nothing in it.
type unwritable struct {
	fsys.FS
	why error
}

// Lock fails as opening the lock file for writing would.
func (u unwritable) Lock(name string) (io.Closer, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: u.why}
}

// unreadable is one in which the lock file may not even be read.
type unreadable struct{ unwritable }

// Read refuses the lock file.
func (u unreadable) Read(name string) (fsys.File, error) {
	if filepath.Base(name) == "lock" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
	}
	return u.FS.Read(name)
}

// TestVerifyWithoutWriting: another user, or one with a read-only mount, must not take a
// store that is open for one that nobody has open, and can look at one that nobody has.
func TestVerifyWithoutWriting(t *testing.T) {
	for name, why := range map[string]error{"other user": syscall.EACCES, "read-only file system": syscall.EROFS} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			ctx := fsys.With(t.Context(), unwritable{fsys.OS(), why})
			closeStore(t, openStore(t, dir))
			// Nothing but this lock says that the store is open: the one of the object
			// store is of no use to another user either.
			held, err := fsys.OS().Lock(filepath.Join(dir, "lock"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := txnmgr.Verify(ctx, dir, nil); !errors.Is(err, txnmgr.ErrInUse) {
				t.Errorf("verify while open: %v", err)
			}
			if _, err := txnmgr.Inspect(ctx, dir); !errors.Is(err, txnmgr.ErrInUse) {
				t.Errorf("inspect while open: %v", err)
			}
			if err := held.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first leaves no lock behind
				report, err := txnmgr.Verify(ctx, dir, nil)
				if err != nil || report.Err() != nil || !report.Log.Closed {
					t.Errorf("verify: %v, %+v", err, report)
				}
			}
			closeStore(t, openStore(t, dir))
			hidden := fsys.With(t.Context(), unreadable{unwritable{fsys.OS(), why}})
			if report, err := txnmgr.Verify(hidden, dir, nil); err != nil || report.Err() != nil {
				t.Errorf("with a lock file that cannot be read: %v, %v", err, report.Err())
			}
		})
	}
}
