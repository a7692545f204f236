package faultfs_test

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
)

var seed = flag.Uint64("seed", 1, "seed of the crashes")

func newDice() *rand.Rand { return rand.New(rand.NewPCG(*seed, 0)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const dir = "d"

func in(name string) string { return filepath.Join(dir, name) }

// filled is a file system with a file of n equal bytes that are on the disk.
func filled(t *testing.T, n int) (*faultfs.FS, fsys.File) {
	t.Helper()
	fs := faultfs.New()
	must(t, fs.MkdirAll(dir))
	f, err := fs.Create(in("f"))
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte("a"), n), 0)
	must(t, err)
	must(t, f.Datasync())
	must(t, fs.SyncDir(dir))
	return fs, f
}

// outcomes are what a thousand crashes leave of the file.
func outcomes(fs *faultfs.FS) map[string]int {
	dice, found := newDice(), make(map[string]int)
	for range 1000 {
		found[string(fs.Crash(dice).Contents(in("f")))]++
	}
	return found
}

// TestCrashKeepsWhatWasSynced, and of the rest, block by block, anything.
func TestCrashKeepsWhatWasSynced(t *testing.T) {
	fs, f := filled(t, 2048)
	if got := outcomes(fs); len(got) != 1 {
		t.Errorf("%d outcomes with nothing pending", len(got))
	}
	for _, letter := range []string{"b", "c"} {
		_, err := f.WriteAt(bytes.Repeat([]byte(letter), 1000), 300)
		must(t, err)
	}
	all, none, mixed, torn := 0, 0, 0, 0
	for content, n := range outcomes(fs) {
		if strings.Trim(content[:300]+content[1300:], "a") != "" {
			t.Fatal("bytes that were not written changed")
		}
		written := content[300:1300]
		switch {
		case strings.Trim(written, "c") == "":
			all += n
		case strings.Trim(written, "a") == "":
			none += n
		default:
			mixed += n
		}
		if block := content[512:1024]; strings.Trim(block, block[:1]) != "" {
			torn += n
		}
	}
	if all == 0 || none == 0 || mixed == 0 || torn == 0 {
		t.Errorf("all written %d times, none %d, some %d, a block torn %d", all, none, mixed, torn)
	}
	must(t, f.Datasync())
	if got := outcomes(fs); len(got) != 1 {
		t.Errorf("%d outcomes after the sync", len(got))
	}
}

// TestFailedSyncLoses what it should have written, for good.
func TestFailedSyncLoses(t *testing.T) {
	fs, f := filled(t, 100)
	_, err := f.WriteAt([]byte("lost"), 0)
	must(t, err)
	fs.Fail(func(op faultfs.Op, _ string) error { return syscall.EIO })
	if err := f.Datasync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	fs.Fail(nil)
	must(t, f.Datasync())
	if !bytes.HasPrefix(fs.Contents(in("f")), []byte("lost")) {
		t.Error("not visible any more")
	}
	for content := range outcomes(fs) {
		if strings.HasPrefix(content, "lost") {
			t.Error("not lost")
		}
	}
}

// TestNamesAreLost until the directory is synced.
func TestNamesAreLost(t *testing.T) {
	fs, _ := filled(t, 1)
	must(t, fs.Rename(in("f"), in("g")))
	_, err := fs.Create(in("h"))
	must(t, err)
	seen := make(map[string]int)
	dice := newDice()
	look := func() {
		clear(seen)
		for range 200 {
			names, err := fs.Crash(dice).List(dir)
			must(t, err)
			seen[strings.Join(names, " ")]++
		}
	}
	look()
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, []string{"f", "f h", "g", "g h"}) {
		t.Errorf("names after a crash: %q", got)
	}
	must(t, fs.SyncDir(dir))
	look()
	if seen["g h"] != 200 {
		t.Errorf("names after a sync and a crash: %v", seen)
	}
	must(t, fs.Remove(in("g")))
	look()
	if seen["h"] == 0 || seen["g h"] == 0 {
		t.Errorf("names after a removal and a crash: %v", seen)
	}
}

func TestRoom(t *testing.T) {
	fs, f := filled(t, 100)
	fs.Limit(50)
	if _, err := f.WriteAt(make([]byte, 100), 51); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote into a full disk: %v", err)
	}
	_, err := f.WriteAt(make([]byte, 100), 50)
	must(t, err)
	g, err := fs.Create(in("g"))
	must(t, err)
	if err := g.Allocate(1); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("allocated on a full disk: %v", err)
	}
	must(t, fs.Remove(in("f")))
	must(t, g.Allocate(150))
}

func TestShortWrite(t *testing.T) {
	fs, f := filled(t, 10)
	fs.Fail(func(faultfs.Op, string) error { return &faultfs.Short{Bytes: 3, Err: syscall.EIO} })
	n, err := f.WriteAt([]byte("bbbbb"), 0)
	if n != 3 || !errors.Is(err, syscall.EIO) || string(fs.Contents(in("f"))) != "bbbaaaaaaa" {
		t.Errorf("wrote %d bytes, %v, %q", n, err, fs.Contents(in("f")))
	}
}

func TestLock(t *testing.T) {
	fs, _ := filled(t, 1)
	held, err := fs.Lock(in("lock"))
	must(t, err)
	if _, err := fs.Lock(in("lock")); !errors.Is(err, fsys.ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	must(t, held.Close())
	_, err = fs.Lock(in("lock"))
	must(t, err)
}
