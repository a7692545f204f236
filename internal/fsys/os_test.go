package fsys_test

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/internal/fsys"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// allocated is a file of zeros.
func allocated(t *testing.T, name string, size int64) fsys.File {
	t.Helper()
	f, err := fsys.OS().Create(name)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	must(t, f.Allocate(size))
	must(t, f.Datasync())
	return f
}

func TestAllocatedFile(t *testing.T) {
	const size = 3<<20 + 4096
	name := filepath.Join(t.TempDir(), "f")
	f := allocated(t, name, size)
	if got, err := f.Size(); err != nil || got != size {
		t.Errorf("%d bytes, %v", got, err)
	}
	_, err := f.WriteAt([]byte("hello"), size-5)
	must(t, err)
	want := make([]byte, size)
	copy(want[size-5:], "hello")
	got := make([]byte, size)
	_, err = f.ReadAt(got, 0)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Error("not zeros with what was written in them")
	}
}

func TestNames(t *testing.T) {
	system := fsys.OS()
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	must(t, system.MkdirAll(dir))
	must(t, system.MkdirAll(dir))
	must(t, system.MkdirAll(filepath.Join(dir, "sub")))
	for _, name := range []string{"x", "y", "z"} {
		f, err := system.Create(filepath.Join(dir, name))
		must(t, err)
		must(t, f.Close())
	}
	if _, err := system.Create(filepath.Join(dir, "x")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	must(t, system.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "zz")))
	must(t, system.Remove(filepath.Join(dir, "y")))
	must(t, system.SyncDir(dir))
	names, err := system.List(dir)
	must(t, err)
	if !slices.Equal(names, []string{"z", "zz"}) {
		t.Errorf("names %q", names)
	}
	if _, err := system.Direct(filepath.Join(dir, "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened under its old name: %v", err)
	}
}

func TestReadOnlyFileCannotBeWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	allocated(t, name, 4096)
	f, err := fsys.OS().Read(name)
	must(t, err)
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), 0); err == nil {
		t.Error("written")
	}
}

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	held, err := fsys.OS().Lock(name)
	must(t, err)
	if _, err := fsys.OS().Lock(name); !errors.Is(err, fsys.ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	must(t, held.Close())
	held, err = fsys.OS().Lock(name)
	must(t, err)
	must(t, held.Close())
}
