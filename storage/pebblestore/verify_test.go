package pebblestore_test

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// TestVisitor is shown what was applied, in order, and can end it.
func TestVisitor(t *testing.T) {
	in, h := filled(t, random(t))
	last := h[len(h)-1]
	got, order, done, all := state{}, []string(nil), int64(0), int64(-1)
	report, err := pebblestore.VerifyEach(in, "db", pebblestore.Visitor{
		Key: func(key, value []byte, ts uint64) error {
			got[string(key)] = string(value)
			order = append(order, string(key))
			if ts == 0 || ts > uint64(len(h)-1) {
				t.Errorf("key %q is of %d", key, ts)
			}
			return nil
		},
		Progress: func(n, of int64) {
			if n < done || all >= 0 && of != all {
				t.Errorf("%d of %d after %d of %d", n, of, done, all)
			}
			done, all = n, of
		},
	})
	if err != nil || !maps.Equal(got, last) || !slices.IsSorted(order) {
		t.Errorf("%v: got %v, want %v", err, got, last)
	}
	if done != all || done < int64(report.TableBytes) {
		t.Errorf("%d of %d bytes done", done, all)
	}
	stop := errors.New("stop")
	seen := 0
	_, err = pebblestore.VerifyEach(in, "db", pebblestore.Visitor{Key: func([]byte, []byte, uint64) error { seen++; return stop }})
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("%v after %d keys", err, seen)
	}
}

// TestLook counts what Verify reads, and nothing less.
func TestLook(t *testing.T) {
	in, _ := filled(t, random(t))
	exact, err := pebblestore.Verify(in, "db")
	if err != nil {
		t.Fatal(err)
	}
	about, err := pebblestore.Look(in, "db")
	if err != nil || about.Keys < exact.Keys || about.Keys > 20*exact.Keys {
		t.Errorf("%v: %d keys, and there are %d", err, about.Keys, exact.Keys)
	}
	about.Keys, exact.Keys, exact.Bytes, exact.Newest = 0, 0, 0, 0
	if about != exact || about.DiskBytes < about.TableBytes || about.Tables == 0 {
		t.Errorf("got %+v, want %+v", about, exact)
	}
	for name, look := range map[string]func() error{
		"look":   func() error { _, err := pebblestore.Look(nil, filepath.Join(t.TempDir(), "none")); return err },
		"verify": func() error { _, err := pebblestore.Verify(nil, t.TempDir()); return err },
	} {
		if err := look(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s where nothing is: %v", name, err)
		}
	}
}
