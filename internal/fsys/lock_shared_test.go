package fsys_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/tierceldb/tiercel/internal/fsys"
)

func TestLockShared(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	held, err := fsys.OS().Lock(name)
	must(t, err)
	var readers [2]fsys.File
	for i := range readers {
		readers[i], err = fsys.OS().Read(name)
		must(t, err)
	}
	if err := fsys.LockShared(readers[0]); !errors.Is(err, fsys.ErrLocked) {
		t.Errorf("beside the lock: %v", err)
	}
	must(t, held.Close())
	for _, f := range readers {
		must(t, fsys.LockShared(f))
	}
	if _, err := fsys.OS().Lock(name); !errors.Is(err, fsys.ErrLocked) {
		t.Errorf("lock beside shared ones: %v", err)
	}
	for _, f := range readers {
		must(t, f.Close())
	}
	held, err = fsys.OS().Lock(name)
	must(t, err)
	must(t, held.Close())
}
