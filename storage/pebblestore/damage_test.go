package pebblestore_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// TestDamagedFile damages one file after another, anyhow: who opens or verifies the store
// learns that it is damaged, and where, or nothing is wrong with it.
func TestDamagedFile(t *testing.T) {
	rng := random(t)
	in, _ := filled(t, rng)
	for _, name := range files(t, in, func(name string) bool { return !isManifest(name) }) {
		for range times(60) {
			copied := in.CrashClone(vfs.CrashCloneCfg{})
			how := damage(t, copied, name, rng)
			_, err := pebblestore.Verify(copied, "db")
			isNamed(t, how+": verify", err, filepath.Base(name))
			s, err := pebblestore.Open("db", pebblestore.Options{FS: copied})
			isNamed(t, how+": open", err, filepath.Base(name))
			if err == nil {
				_ = s.Close() // what it says depends on what was read
			}
		}
	}
}

// damage flips a bit of a file, or cuts it off, or makes it longer, and tells which.
func damage(t *testing.T, in *vfs.MemFS, name string, rng *rand.Rand) (how string) {
	t.Helper()
	data, err := in.UnsafeGetFileDataBuffer(name)
	if err != nil {
		t.Fatal(err)
	}
	kind := rng.IntN(3)
	if kind == 0 && len(data) > 0 {
		flip(t, in, name, rng)
		return name + " with a flipped bit"
	}
	changed := append([]byte(nil), data[:rng.IntN(len(data)+1)]...)
	if kind == 1 {
		changed = append(append([]byte(nil), data...), "\nmore"...)
	}
	f, err := in.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(changed)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return name + " of another length"
}

// isNamed fails if there is an error, and it does not say that this file is damaged.
func isNamed(t *testing.T, what string, err error, name string) {
	t.Helper()
	if err != nil && (!errors.Is(err, pebblestore.ErrCorrupt) || !strings.Contains(err.Error(), name)) {
		t.Errorf("%s: %v", what, err)
	}
	if err != nil && strings.Count(err.Error(), pebblestore.ErrCorrupt.Error()) > 1 {
		t.Errorf("%s: it says so twice: %v", what, err)
	}
}
