package pebblestore_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// filled returns a file system with a store in "db" that has some tables and some
// generations of the files about them, closed, and the one state it may be in.
func filled(t *testing.T, rng *rand.Rand) (*vfs.MemFS, history) {
	t.Helper()
	in, h := vfs.NewCrashableMem(), history{{}}
	for range 3 {
		s := open(t, in)
		for range 4 {
			if err := errors.Join(h.apply(s, rng, 10), s.Sync()); err != nil {
				t.Fatal(err)
			}
		}
		closeStore(t, s)
	}
	return in, h
}

// refused opens and verifies, which must fail in the same way.
func refused(t *testing.T, in vfs.FS, dir string, want error) {
	t.Helper()
	s, err := pebblestore.Open(dir, pebblestore.Options{FS: in})
	if err == nil {
		err = s.Close()
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), filepath.Base(dir)) {
		t.Errorf("open: %v, want %v", err, want)
	}
	if _, err := pebblestore.Verify(in, dir); !errors.Is(err, want) {
		t.Errorf("verify: %v, want %v", err, want)
	}
}

func TestSecondOpener(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(dir, "db")
	s, err := pebblestore.Open(below, pebblestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, nil, below, fsys.ErrLocked)
	refused(t, nil, filepath.Join(link, "db"), fsys.ErrLocked)
	closeStore(t, s)
	if s, err = pebblestore.Open(filepath.Join(link, "db"), pebblestore.Options{}); err != nil {
		t.Fatal(err)
	}
	refused(t, nil, below, fsys.ErrLocked)
	closeStore(t, s)
	in := vfs.NewMem()
	s = open(t, in)
	refused(t, in, "db", fsys.ErrLocked)
	closeStore(t, s)
}

// unwritable is a file system that is mounted without the right to write.
type unwritable struct{ vfs.FS }

func (unwritable) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrPermission}
}

func (unwritable) MkdirAll(name string, _ os.FileMode) error {
	return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrPermission}
}

func (unwritable) Lock(name string) (io.Closer, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// TestUnwritable can be read, but not opened.
func TestUnwritable(t *testing.T) {
	in, h := filled(t, random(t))
	s, err := pebblestore.Open("db", pebblestore.Options{FS: unwritable{in}})
	if err == nil {
		closeStore(t, s)
	}
	if !errors.Is(err, fs.ErrPermission) || errors.Is(err, fsys.ErrLocked) {
		t.Errorf("open: %v", err)
	}
	report, err := pebblestore.Verify(unwritable{in}, "db")
	if err != nil || report.Mark.Applied != uint64(len(h)-1) {
		t.Errorf("verify: %v: %+v", err, report)
	}
}

// TestVerify compares the report with what was applied.
func TestVerify(t *testing.T) {
	in, h := filled(t, random(t))
	before, _ := in.List("db")
	report, err := pebblestore.Verify(in, "db")
	if err != nil {
		t.Fatal(err)
	}
	last, bytes := h[len(h)-1], 0
	for key, value := range last {
		bytes += len(key) + len(value)
	}
	if report.Keys != uint64(len(last)) || report.Bytes != uint64(bytes) || report.Tables == 0 ||
		report.Newest > report.Mark.Applied || report.Mark.Store != (storage.StoreID{1, 2, 3}) {
		t.Errorf("%+v, want %d keys of %d bytes", report, len(last), bytes)
	}
	after, _ := in.List("db")
	if slices.Sort(before); !slices.Equal(before, slices.Sorted(slices.Values(after))) {
		t.Errorf("files %q, before Verify %q", after, before)
	}
	if _, err := pebblestore.Verify(nil, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a store that is not there was verified")
	}
}

// TestVersion opens what other versions, and other programs, have made.
func TestVersion(t *testing.T) {
	rename := func(from, to string) func(*testing.T, vfs.FS) {
		return func(t *testing.T, in vfs.FS) {
			names, _ := in.List("db")
			for _, name := range names {
				if strings.HasPrefix(name, from) {
					if err := in.Rename("db/"+name, "db/"+to); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	for name, change := range map[string]func(*testing.T, vfs.FS){
		"newer":   rename("marker.format-version.", "marker.format-version.000011.999"),
		"older":   rename("marker.format-version.", "marker.format-version.000011.002"),
		"unknown": rename("marker.format-version.", "marker.format-version.000011.new"),
		"first":   rename("OPTIONS", "CURRENT"),
		"key":     func(t *testing.T, in vfs.FS) { foreign(t, in, "\x01key", "12345678value") },
		"mark":    func(t *testing.T, in vfs.FS) { foreign(t, in, "\x00", "\x03"+strings.Repeat("m", 32)) },
		"earlier": func(t *testing.T, in vfs.FS) { foreign(t, in, "\x00", "\x01"+strings.Repeat("m", 24)) },
	} {
		t.Run(name, func(t *testing.T) {
			in := vfs.NewMem()
			if name != "key" && name != "mark" && name != "earlier" {
				in, _ = filled(t, random(t))
			}
			change(t, in)
			refused(t, in, "db", pebblestore.ErrVersion)
		})
	}
}

// foreign makes a database with one key.
func foreign(t *testing.T, in vfs.FS, key, value string) {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: in, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte(key), []byte(value), pebble.Sync), db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// quiet is a logger for databases that are not under test.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

// TestClosed uses a store that is closed.
func TestClosed(t *testing.T) {
	in, _ := filled(t, random(t))
	s := open(t, in)
	mark := s.Mark()
	closeStore(t, s)
	closeStore(t, s)
	_, err := s.Scan(nil, nil, storage.Ascending)
	for what, err := range map[string]error{
		"Apply": s.Apply(nil, mark), "Sync": s.Sync(), "Scan": err, "Load": s.Load(nil, nil),
	} {
		if !errors.Is(err, pebblestore.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s.Mark() != mark || s.Persisted() != mark.Applied || s.Stats().Tables != 0 {
		t.Errorf("mark %v, persisted %d, stats %+v", s.Mark(), s.Persisted(), s.Stats())
	}
}
