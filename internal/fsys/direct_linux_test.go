package fsys

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDirectStaysDirect: a write of blocks is none that the system refuses, so that the
// file goes on past the cache, if that is where it was opened.
func TestDirectStaysDirect(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	created, err := OS().Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer created.Close()
	possible := bypass(created.(file).File, true) == nil
	f, err := OS().Direct(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, ok := f.(direct)
	if ok != possible {
		t.Fatalf("past the cache: %v, where that is possible: %v", ok, possible)
	}
	if !possible {
		return
	}
	if _, err := d.WriteAt(Blocks(3*BlockSize), BlockSize); err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(d.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_DIRECT == 0 {
		t.Errorf("flags %#x, %v: the write went through the cache", flags, err)
	}
}
