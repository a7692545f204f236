package txnmgr_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/txnmgr"
)

// kept is a slice that was returned, and a copy of what it kept then.
type kept struct {
	what     string
	got, was []byte
}

// keep checks len = cap, and remembers the slice.
func keep(t *testing.T, list []kept, what string, got []byte) []kept {
	t.Helper()
	if len(got) != cap(got) {
		t.Errorf("%s: length %d, capacity %d", what, len(got), cap(got))
	}
	return append(list, kept{what, got, bytes.Clone(got)})
}

// keepAll reads everything in every way.
func keepAll(t *testing.T, list []kept, tx txnmgr.Reader, keys ...string) []kept {
	t.Helper()
	for _, key := range keys {
		value, err := tx.Get([]byte(key))
		wantErr(t, "Get", err)
		list = keep(t, list, "Get", value)
	}
	for key, value := range tx.Scan(nil, nil) {
		list = keep(t, list, "key of Scan", key)
		list = keep(t, list, "value of Scan", value)
	}
	for key, value := range tx.ScanDescending(nil, nil) {
		list = keep(t, list, "key of ScanDescending", key)
		list = keep(t, list, "value of ScanDescending", value)
	}
	return list
}

// TestReturnedSlicesStay: whatever happens to the store, what was returned once
// stays as it is. The sizes are those of values kept inline and apart.
func TestReturnedSlicesStay(t *testing.T) {
	m := open(t, txnmgr.Options{})
	var keys []string
	for i, size := range []int{0, 1, 7, 100, 1000, 5000, 100_000} {
		key := fmt.Sprintf("key %d", i)
		keys = append(keys, key)
		put(t, m, key, string(bytes.Repeat([]byte{byte('a' + i)}, size)))
	}
	r, tx := beginRead(t, m), begin(t, m)
	wantErr(t, "Put", tx.Put([]byte(keys[3]), []byte("own")))
	list := keepAll(t, nil, r, keys...)
	list = keepAll(t, list, tx, keys...)
	wantErr(t, "Put", tx.Put([]byte(keys[3]), []byte("own again")))
	wantErr(t, "Commit", tx.Commit())
	wantErr(t, "Close", r.Close())
	overwrite(t, m, keys)
	wantErr(t, "Close", m.Close())
	for _, h := range list {
		if !bytes.Equal(h.got, h.was) {
			t.Errorf("%s: %q became %q", h.what, h.was, h.got)
		}
	}
}

// overwrite updates, deletes, purges and makes anew.
func overwrite(t *testing.T, m *txnmgr.Manager, keys []string) {
	for round := range 3 {
		for _, key := range keys {
			put(t, m, key, fmt.Sprintf("round %d", round))
		}
		m.Purge()
		wantErr(t, "Update", m.Update(context.Background(), func(tx *txnmgr.Txn) error {
			for _, key := range keys {
				if err := tx.Delete([]byte(key)); err != nil {
					return err
				}
			}
			return nil
		}))
		m.Purge()
	}
}

// TestCallersSlicesAreCopied: the caller may change its slices as soon as a call
// has returned. What is kept of them decides later what conflicts.
func TestCallersSlicesAreCopied(t *testing.T) {
	m := open(t, txnmgr.Options{})
	key, value := []byte("k1"), []byte("v1")
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put(key, value))
	copy(key, "k2")
	copy(value, "v2")
	wantErr(t, "Insert", tx.Insert(key, value))
	copy(key, "k3")
	copy(value, "v3")
	wantErr(t, "Delete", tx.Delete(key))
	copy(key, "xx")
	copy(value, "xx")
	want(t, "own", join(tx.Scan(nil, nil)), "k1=v1 k2=v2")
	wantErr(t, "Commit", tx.Commit())
	want(t, "contents", contents(t, m), "k1=v1 k2=v2")
}

// TestCallersKeysOfReadsAreCopied: a read of the key, or of the range, conflicts
// with a later write although the caller has used the slices for something else.
func TestCallersKeysOfReadsAreCopied(t *testing.T) {
	for name, read := range map[string]func(tx *txnmgr.Txn, lo, hi []byte){
		"absent key":      func(tx *txnmgr.Txn, lo, _ []byte) { tx.Get(lo) },
		"range":           func(tx *txnmgr.Txn, lo, hi []byte) { join(tx.Scan(lo, hi)) },
		"range down":      func(tx *txnmgr.Txn, lo, hi []byte) { join(tx.ScanDescending(lo, hi)) },
		"part of a range": func(tx *txnmgr.Txn, lo, _ []byte) { first(tx, lo) },
	} {
		t.Run(name, func(t *testing.T) {
			m := openWith(t, "m2", "present")
			tx := begin(t, m)
			lo, hi := []byte("m1"), []byte("m9")
			read(tx, lo, hi)
			copy(lo, "x1")
			copy(hi, "x0")
			wantErr(t, "Put", tx.Put([]byte("a"), []byte("1")))
			put(t, m, "m1", "phantom")
			wantErr(t, "Commit", tx.Commit(), txnmgr.ErrConflict)
		})
	}
}

// first takes one pair of a scan.
func first(tx *txnmgr.Txn, lo []byte) {
	for range tx.Scan(lo, nil) {
		return
	}
}

// TestBoundsChangeWithinScan: a scan has the bounds that it was begun with,
// although its user puts other keys where they were.
func TestBoundsChangeWithinScan(t *testing.T) {
	m := open(t, txnmgr.Options{})
	var pairs []string
	for i := range 2000 {
		pairs = append(pairs, fmt.Sprintf("k%04d", i), "")
	}
	put(t, m, pairs...)
	r, tx := beginRead(t, m), begin(t, m)
	defer r.Close()
	defer tx.Rollback()
	for name, reader := range map[string]txnmgr.Reader{"reader": r, "update": tx} {
		t.Run(name, func(t *testing.T) {
			lo, hi := []byte("k0500"), []byte("k1500")
			n := 0
			for range reader.Scan(lo, hi) {
				n++
				copy(hi, "z")
			}
			want(t, "upwards", n, 1000)
			copy(hi, "k")
			n = 0
			for range reader.ScanDescending(lo, hi) {
				n++
				copy(lo, "a")
			}
			want(t, "downwards", n, 1000)
		})
	}
}

// TestModifiedValuesAreCaught: a caller who changes what Get returned is told at
// the next read of it, under the build tags that check invariants.
func TestModifiedValuesAreCaught(t *testing.T) {
	if needsMemory(t, "else it may be caught where the value is applied") {
		return
	}
	m := openWith(t, "k", "value")
	r := beginRead(t, m)
	defer r.Close()
	value, err := r.Get([]byte("k"))
	wantErr(t, "Get", err)
	value[0] = 'V'
	caught := recovered(func() { r.Get([]byte("k")) }) != nil
	want(t, "caught", caught, invariants.Enabled)
	value[0] = 'v'
}
