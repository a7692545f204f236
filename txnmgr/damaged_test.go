package txnmgr_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// flipBit flips a bit of a file.
func flipBit(t *testing.T, path string, at int) {
	t.Helper()
	change(t, path, func(data []byte) []byte {
		data[at] ^= 4
		return data
	})
}

// change changes the contents of a file.
func change(t *testing.T, path string, fn func(data []byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, fn(data), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ofVersion gives the header of a segment another version of the format.
func ofVersion(version uint32) func(data []byte) []byte {
	return func(data []byte) []byte {
		binary.LittleEndian.PutUint32(data[12:], version)
		sum := crc32.Checksum(data[12:64], crc32.MakeTable(crc32.Castagnoli))
		binary.LittleEndian.PutUint32(data[8:], sum)
		return data
	}
}

// damage is something wrong with the files of a store.
type damage struct {
	do    func(t *testing.T, dir string)
	kind  error
	says  string // in what Verify says
	opens bool   // Open cannot notice it, reading does
}

// damages are done to stores as aStore makes them.
func damages(t *testing.T) map[string]damage {
	other := aStore(t)
	segment := func(i int, fn func(data []byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { change(t, named(t, dir, "log", ".log")[i], fn) }
	}
	remove := func(part, suffix string, i int) func(*testing.T, string) {
		return func(t *testing.T, dir string) { wantErr(t, "Remove", os.Remove(named(t, dir, part, suffix)[i])) }
	}
	removeAll := func(part string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { wantErr(t, "RemoveAll", os.RemoveAll(filepath.Join(dir, part))) }
	}
	flip := func(part, suffix string, i, at int) func(*testing.T, string) {
		return func(t *testing.T, dir string) { flipBit(t, named(t, dir, part, suffix)[i], at) }
	}
	return map[string]damage{
		"flipped bit in the log":                 {flip("log", ".log", 0, 4096+50), txnmgr.ErrCorrupt, "at offset 4096", false},
		"flipped bit in the header of a segment": {flip("log", ".log", 1, 35), txnmgr.ErrCorrupt, "at offset 0", false},
		"flipped bit in a table":                 {flip("objects", ".sst", 0, 500), txnmgr.ErrCorrupt, ".sst", true},
		"first segment missing":                  {remove("log", ".log", 0), txnmgr.ErrCorrupt, "commits are missing", false},
		"segment missing":                        {remove("log", ".log", 1), txnmgr.ErrCorrupt, "segment missing", false},
		"segment truncated":                      {segment(0, func(data []byte) []byte { return data[:5000] }), txnmgr.ErrCorrupt, "5000 bytes", false},
		"segment empty":                          {segment(1, func([]byte) []byte { return nil }), txnmgr.ErrCorrupt, "0 bytes", false},
		"log from the future":                    {segment(0, ofVersion(2)), txnmgr.ErrVersion, "version 2", false},
		"log missing":                            {removeAll("log"), txnmgr.ErrCorrupt, "the commit log is missing", false},
		"object store missing":                   {removeAll("objects"), txnmgr.ErrCorrupt, "commits are missing", false},
		"table missing":                          {remove("objects", ".sst", 0), txnmgr.ErrCorrupt, "file does not exist", false},
		"log of another store": {func(t *testing.T, dir string) {
			removeAll("log")(t, dir)
			wantErr(t, "CopyFS", os.CopyFS(filepath.Join(dir, "log"), os.DirFS(filepath.Join(other, "log"))))
		}, txnmgr.ErrOtherStore, "the object store of", false},
		"object store of another version": {func(t *testing.T, dir string) {
			path := named(t, dir, "objects", "")
			i := slices.IndexFunc(path, func(p string) bool { return strings.Contains(p, "marker.format-version.") })
			wantErr(t, "Rename", os.Rename(path[i], filepath.Join(dir, "objects", "marker.format-version.999999.999")))
		}, txnmgr.ErrVersion, "999", false},
	}
}

// copied returns a copy of a store.
func copied(t *testing.T, whole string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestVerifyFinds damages a store, and has it verified.
func TestVerifyFinds(t *testing.T) {
	whole := aStore(t)
	for name, d := range damages(t) {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, whole)
			d.do(t, dir)
			report := verify(t, dir)
			if err := report.Err(); !errors.Is(err, d.kind) || !strings.Contains(err.Error(), d.says) {
				t.Errorf("%v, want %v with %q", err, d.kind, d.says)
			}
		})
	}
}

// TestOpenFinds damages a store, and opens it: that is an error which says where, and
// the log stays as it is; or reading is one, and serves nothing that was not written.
func TestOpenFinds(t *testing.T) {
	whole := aStore(t)
	for name, d := range damages(t) {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, whole)
			d.do(t, dir)
			before := segmentSums(t, dir)
			m, err := txnmgr.Open(t.Context(), smallStore(dir))
			if err == nil {
				err = readDamaged(t, m)
				wantErr(t, "Close", m.Close())
				want(t, "opens", true, d.opens)
			} else if after := segmentSums(t, dir); !maps.Equal(before, after) {
				t.Errorf("the log had %q, and has %q", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
			wantErr(t, "Open", err, d.kind)
			want(t, "names the directory", strings.Contains(fmt.Sprint(err), dir), true)
			if !d.opens {
				_, err = txnmgr.Open(t.Context(), smallStore(dir))
				wantErr(t, "Open once more", err, d.kind)
			}
		})
	}
}

// TestFlippedAnywhere flips a bit in any file of a store: all is there that was
// committed, or there is an error that names the damage.
func TestFlippedAnywhere(t *testing.T) {
	dice, whole := seededDice(t), aStore(t)
	noticed, flips := 0, 30
	if testing.Short() {
		flips = 10
	}
	for range flips {
		dir := copied(t, whole)
		paths := slices.Sorted(maps.Keys(checksums(t, dir)))
		path := paths[dice.IntN(len(paths))]
		info, err := os.Stat(path)
		if err != nil || info.IsDir() || info.Size() == 0 {
			continue
		}
		at := dice.IntN(int(info.Size()))
		flipBit(t, path, at)
		m, err := txnmgr.Open(t.Context(), smallStore(dir))
		if err == nil {
			err = readDamaged(t, m)
			if closing := m.Close(); closing != nil && !errors.Is(closing, pebblestore.ErrCorrupt) {
				t.Errorf("%s, byte %d: Close: %v", path, at, closing)
			}
		}
		if err != nil {
			noticed++
		}
		if err != nil && !strings.Contains(err.Error(), dir) {
			t.Errorf("%s, byte %d: the error does not say where: %v", path, at, err)
		}
		if err != nil && !errors.Is(err, txnmgr.ErrCorrupt) && !errors.Is(err, txnmgr.ErrVersion) {
			t.Errorf("%s, byte %d: %v", path, at, err)
		}
	}
	t.Logf("%d were noticed", noticed)
}

// segmentSums returns a checksum of each segment of the log.
func segmentSums(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	sums := checksums(t, dir)
	maps.DeleteFunc(sums, func(path string, _ [32]byte) bool { return filepath.Ext(path) != ".log" })
	return sums
}

// readDamaged reads what aStore has made, one by one and in order. Each value must be
// right, or the error that is returned in its place.
func readDamaged(t *testing.T, m *txnmgr.Manager) error {
	t.Helper()
	tx := beginRead(t, m)
	defer tx.Close()
	var errs []error
	for prefix, n := range map[string]int{"a": 1500, "b": 60} {
		value := strings.Repeat(prefix, 1000)
		for i := range n {
			got, err := tx.Get(fmt.Appendf(nil, "%s%04d", prefix, i))
			if err != nil {
				errs = append(errs, err)
			} else if string(got) != value {
				t.Fatalf("%s%04d has %.30q…", prefix, i, got)
			}
		}
	}
	keys := 0
	for key, value := range tx.Scan(nil, nil) {
		keys++
		if !bytes.Equal(value, bytes.Repeat(key[:1], 1000)) {
			t.Fatalf("%q has %.30q…", key, value)
		}
	}
	if err := tx.Err(); err != nil {
		errs = append(errs, err)
	} else {
		want(t, "keys", keys, 1560)
	}
	return errors.Join(errs...)
}

// TestSecondOpener: a directory is open once at a time, until it is closed, and who
// comes second learns where.
func TestSecondOpener(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	m := openStore(t, dir)
	_, err := txnmgr.Open(t.Context(), smallStore(dir))
	wantErr(t, "second Open", err, txnmgr.ErrInUse)
	want(t, "names the directory", strings.Contains(err.Error(), dir), true)
	put(t, m, "a", "1")
	closeStore(t, m)
	m = openStore(t, dir)
	want(t, "contents", contents(t, m), "a=1")
	closeStore(t, m)
}

// TestUnwritableDirectory cannot be opened, and stays as it is.
func TestUnwritableDirectory(t *testing.T) {
	d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{})}
	m := d.open(t)
	put(t, m, "a", "1")
	wantErr(t, "Close", m.Close())
	d.engine = d.engine.Crash()
	d.fs.Fail(func(faultfs.Op, string) error { return fs.ErrPermission })
	_, err := txnmgr.Open(fsys.With(context.Background(), d.fs), txnmgr.Options{Dir: "store", Engine: d.engine})
	wantErr(t, "Open", err, fs.ErrPermission)
	want(t, "names the directory", strings.Contains(err.Error(), "store"), true)
	want(t, "contents", contents(t, d.reopen(t)), "a=1")
}

// TestFileForDirectory: what is there is no directory.
func TestFileForDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store")
	wantErr(t, "WriteFile", os.WriteFile(file, []byte("mine"), 0o666))
	_, err := txnmgr.Open(t.Context(), txnmgr.Options{Dir: file})
	want(t, "an error that names it", err != nil && strings.Contains(err.Error(), file), true)
	left, err := os.ReadFile(file)
	wantErr(t, "ReadFile", err)
	want(t, "contents", string(left), "mine")
}
