package fsys_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// TestDirect writes past the cache what is read through it, block by block, and the
// last block twice, as a log does.
func TestDirect(t *testing.T) {
	const size = 8 * fsys.BlockSize
	name := filepath.Join(t.TempDir(), "f")
	must(t, allocated(t, name, size).Close())
	f, err := fsys.OS().Direct(name)
	must(t, err)
	defer f.Close()
	want := make([]byte, size)
	for i, blocks := range []int{1, 3, 2} {
		b := fsys.Blocks(blocks * fsys.BlockSize)
		for at := range b {
			b[at] = byte(i + at)
		}
		_, err := f.WriteAt(b, int64(i+1)*fsys.BlockSize)
		must(t, err)
		must(t, f.Datasync())
		copy(want[(i+1)*fsys.BlockSize:], b)
		if got := contents(t, name, size); !bytes.Equal(got, want) {
			t.Fatalf("after %d writes the file has other bytes", i+1)
		}
	}
}

// TestDirectOfPartsOfBlocks is what happens where blocks are larger than ours: the
// system refuses the write, and it goes through the cache.
func TestDirectOfPartsOfBlocks(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	must(t, allocated(t, name, fsys.BlockSize).Close())
	f, err := fsys.OS().Direct(name)
	must(t, err)
	defer f.Close()
	want := make([]byte, fsys.BlockSize)
	copy(want[7:], "falcon")
	if n, err := f.WriteAt([]byte("falcon"), 7); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	must(t, f.Datasync())
	if !bytes.Equal(contents(t, name, fsys.BlockSize), want) {
		t.Error("the file has other bytes")
	}
}

func contents(t *testing.T, name string, size int) []byte {
	t.Helper()
	f, err := fsys.OS().Read(name)
	must(t, err)
	defer f.Close()
	b := make([]byte, size)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	return b
}

func TestBlocks(t *testing.T) {
	for size := fsys.BlockSize; size < 1<<20; size *= 2 {
		b := fsys.Blocks(size)
		if len(b) != size || cap(b) != size || !fsys.AreBlocks(b, fsys.BlockSize) {
			t.Errorf("%d bytes, room for %d, whole blocks: %v", len(b), cap(b), fsys.AreBlocks(b, 0))
		}
		if fsys.AreBlocks(b[1:], 0) || fsys.AreBlocks(b[:size-1], 0) || fsys.AreBlocks(b, 1) {
			t.Error("a part of a block is called whole")
		}
	}
}
