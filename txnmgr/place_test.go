package txnmgr_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// grow commits more than the log of little has in its first segments, so that files are
// made.
func grow(t *testing.T, m *txnmgr.Manager, value string) {
	t.Helper()
	for n := range byte(100) {
		err := m.Update(t.Context(), func(tx *txnmgr.Txn) error {
			return tx.Put([]byte{n}, bytes.Repeat([]byte(value), 20_000))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// little is a store that soon makes files.
func little(dir string) txnmgr.Options { return txnmgr.Options{Dir: dir, LogBytes: 1 << 20} }

func mustOpenIn(t *testing.T, dir string) *txnmgr.Manager {
	t.Helper()
	m, err := txnmgr.Open(t.Context(), little(dir))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// intact closes a store and checks that it has value, and nothing is wrong with it.
func intact(t *testing.T, m *txnmgr.Manager, dir, value string) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := txnmgr.Verify(context.Background(), dir, nil)
	if err != nil || report.Err() != nil {
		t.Fatalf("%s: %v, %v", dir, err, report.Err())
	}
	m = mustOpenIn(t, dir)
	defer m.Close()
	err = m.View(t.Context(), func(tx txnmgr.ReadTxn) error {
		for n := range byte(100) {
			if got, err := tx.Get([]byte{n}); err != nil || string(got[:1]) != value {
				t.Fatalf("%s: key %d has %.1q, %v, want %q", dir, n, got, err, value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestProgramGoesElsewhere: to where there is another store of the same relative name.
func TestProgramGoesElsewhere(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	t.Chdir(a)
	first := mustOpenIn(t, "store")
	t.Chdir(b)
	second := mustOpenIn(t, "store")
	t.Chdir(t.TempDir())
	grow(t, first, "a")
	t.Chdir(b)
	grow(t, second, "b")
	grow(t, first, "a")
	intact(t, first, filepath.Join(a, "store"), "a")
	intact(t, second, filepath.Join(b, "store"), "b")
}

// TestLinkIsSwitched, as a deployment does, while the store is open.
func TestLinkIsSwitched(t *testing.T) {
	place := t.TempDir()
	current := filepath.Join(place, "current")
	point := func(to string) {
		os.Remove(current)
		if err := os.Mkdir(filepath.Join(place, to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, current); err != nil {
			t.Fatal(err)
		}
	}
	point("one")
	first := mustOpenIn(t, filepath.Join(current, "store"))
	point("two")
	second := mustOpenIn(t, filepath.Join(current, "store"))
	grow(t, second, "b")
	grow(t, first, "a")
	intact(t, first, filepath.Join(place, "one", "store"), "a")
	intact(t, second, filepath.Join(place, "two", "store"), "b")
}

// TestViewCutShort: a function that does not ask Err does not take a part of a scan for
// the whole.
func TestViewCutShort(t *testing.T) {
	m := mustOpenIn(t, t.TempDir())
	defer m.Close()
	grow(t, m, "v")
	scan := func(meanwhile func(context.CancelFunc, txnmgr.ReadTxn)) (n int, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err = m.View(ctx, func(tx txnmgr.ReadTxn) error {
			for range tx.Scan(nil, nil) {
				if n++; n == 10 {
					meanwhile(cancel, tx)
				}
			}
			return nil
		})
		return n, err
	}
	n, err := scan(func(context.CancelFunc, txnmgr.ReadTxn) {})
	want(t, "keys, whole", n, 100)
	wantErr(t, "whole", err)
	n, err = scan(func(_ context.CancelFunc, tx txnmgr.ReadTxn) { tx.Close() })
	want(t, "keys, ended by the function", n, 10)
	wantErr(t, "ended by the function", err)
	n, err = scan(func(cancel context.CancelFunc, _ txnmgr.ReadTxn) { cancel() })
	want(t, "keys, cancelled", n, 10)
	wantErr(t, "cancelled", err, context.Canceled)
	n, err = scan(func(context.CancelFunc, txnmgr.ReadTxn) { m.Close() })
	want(t, "keys, closed", n, 10)
	wantErr(t, "closed", err, txnmgr.ErrClosed)
}
