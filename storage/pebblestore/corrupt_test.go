package pebblestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// files returns the names of those of a kind.
func files(t *testing.T, in vfs.FS, is func(name string) bool) []string {
	t.Helper()
	names, err := in.List("db")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range names {
		if is(name) {
			found = append(found, in.PathJoin("db", name))
		}
	}
	return found
}

func isTable(name string) bool    { return filepath.Ext(name) == ".sst" }
func isManifest(name string) bool { return strings.HasPrefix(name, "MANIFEST-") }

// TestFlippedTable flips one bit after another in tables: Verify finds each, and
// reading returns what was applied, or an error.
func TestFlippedTable(t *testing.T) {
	rng := random(t)
	in, h := filled(t, rng)
	few := history{{}, {}}
	for i := range 3000 { // so that much of the table is a filter
		few[1][fmt.Sprint("key ", i)] = ""
	}
	small := vfs.NewCrashableMem()
	s := open(t, small)
	if err := errors.Join(few.applyState(s, 1), s.Sync()); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	for range times(20) {
		flipTable(t, rng, in, h)
		flipTable(t, rng, small, few)
	}
}

// applyState applies a state as a whole.
func (h history) applyState(s *pebblestore.Store, applied uint64) error {
	var changes []storage.Change
	for key, value := range h[applied] {
		changes = append(changes, storage.Change{Key: []byte(key), Value: []byte(value), TS: applied})
	}
	return s.Apply(changes, storage.Mark{Applied: applied})
}

func flipTable(t *testing.T, rng *rand.Rand, in *vfs.MemFS, h history) {
	t.Helper()
	copied := in.CrashClone(vfs.CrashCloneCfg{})
	names := files(t, in, isTable)
	name := names[rng.IntN(len(names))]
	at := flip(t, copied, name, rng)
	if _, err := pebblestore.Verify(copied, "db"); !errors.Is(err, pebblestore.ErrCorrupt) {
		t.Errorf("verify after a flip in %s, byte %d: %v", name, at, err)
	}
	s, err := pebblestore.Open("db", pebblestore.Options{FS: copied})
	if err == nil {
		h.read(t, s)
		err = s.Close()
	} else if errors.Is(err, pebblestore.ErrCorrupt) {
		err = nil
	}
	if err != nil {
		t.Error(err)
	}
}

// flip flips one bit of a file.
func flip(t *testing.T, in *vfs.MemFS, name string, rng *rand.Rand) (at int) {
	t.Helper()
	data, err := in.UnsafeGetFileDataBuffer(name)
	if err != nil {
		t.Fatal(err)
	}
	at = rng.IntN(len(data))
	data[at] ^= 1 << rng.IntN(8)
	return at
}

// read loads some keys: each is as it was applied, or there is an error.
func (h history) read(t *testing.T, s *pebblestore.Store) {
	t.Helper()
	n := 0
	for key, value := range h[len(h)-1] {
		if n++; n > 60 {
			return
		}
		got, found := "", false
		err := s.Load([]byte(key), func(v []byte, _ uint64) { got, found = string(v), true })
		if err != nil && !errors.Is(err, pebblestore.ErrCorrupt) || err == nil && !found || found && got != value {
			t.Errorf("load %q: %.30q, found %t, %v", key, got, found, err)
		}
	}
}

// TestFlippedManifest flips one bit after another: no older state is taken for the
// one that there was, unless the last record is hit, which cannot be told from one
// that a crash tore.
func TestFlippedManifest(t *testing.T) {
	rng := random(t)
	in, h := filled(t, rng)
	names := files(t, in, isManifest)
	name := names[0]
	for _, other := range names {
		name = max(name, other)
	}
	refused, older := 0, map[uint64]bool{}
	const flips = 200
	for range flips * *long {
		copied := in.CrashClone(vfs.CrashCloneCfg{})
		flip(t, copied, name, rng)
		s, err := pebblestore.Open("db", pebblestore.Options{FS: copied})
		if err != nil {
			if refused++; !errors.Is(err, pebblestore.ErrCorrupt) {
				t.Error(err)
			}
			continue
		}
		if err := h.compare(s); err != nil {
			t.Error(err)
		}
		if n := s.Mark().Applied; n != uint64(len(h)-1) {
			older[n] = true
		}
		closeStore(t, s)
	}
	if t.Logf("%d of %d refused, older states %v", refused, flips**long, older); refused == 0 || len(older) > 1 {
		t.Errorf("more than the last record went unnoticed: %v", older)
	}
}

// TestMissing removes one file after another.
func TestMissing(t *testing.T) {
	in, h := filled(t, random(t))
	for _, name := range files(t, in, func(string) bool { return true }) {
		copied := in.CrashClone(vfs.CrashCloneCfg{})
		if err := copied.Remove(name); err != nil {
			t.Fatal(err)
		}
		s, err := pebblestore.Open("db", pebblestore.Options{FS: copied})
		if err == nil {
			err = errors.Join(h.compare(s), s.Close())
			if n := s.Mark().Applied; n != uint64(len(h)-1) {
				t.Errorf("without %s: mark %d, want %d", name, n, len(h)-1)
			}
		} else if errors.Is(err, pebblestore.ErrCorrupt) {
			err = nil
		}
		if err != nil {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
