package txnmgr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// rows returns n pairs in ascending order, from number from on.
func rows(from, n int) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := from; i < from+n; i++ {
			if !yield(fmt.Appendf(nil, "row %07d", i), bytes.Repeat([]byte{byte(i)}, i%300)) {
				return
			}
		}
	}
}

// checkRows compares what a manager has with rows.
func checkRows(t *testing.T, m *txnmgr.Manager, from, n int) {
	t.Helper()
	err := m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		next, stop := iter.Pull2(tx.Scan(nil, nil))
		defer stop()
		for k, v := range rows(from, n) {
			key, value, ok := next()
			if !ok || !bytes.Equal(key, k) || !bytes.Equal(value, v) {
				return fmt.Errorf("there is %q with %d bytes, and should be %q with %d", key, len(value), k, len(v))
			}
		}
		if key, _, ok := next(); ok {
			return fmt.Errorf("there is %q too", key)
		}
		return tx.Err()
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBackupAndRestore: what is restored is what was there when the backup began, and
// goes on from there.
func TestBackupAndRestore(t *testing.T) {
	ctx, n := context.Background(), 20_000
	m := open(t, txnmgr.Options{Dir: filepath.Join(t.TempDir(), "first"), CacheBytes: 64 << 10, LogBytes: 1 << 20})
	if err := m.Load(ctx, rows(0, n)); err != nil {
		t.Fatal(err)
	}
	var taken bytes.Buffer
	writer := &busyWriter{out: &taken, m: m, t: t}
	if err := m.Backup(ctx, writer); err != nil {
		t.Fatal(err)
	}
	if writer.commits == 0 {
		t.Error("nobody committed meanwhile")
	}
	dir := filepath.Join(t.TempDir(), "second")
	if err := txnmgr.Restore(ctx, dir, bytes.NewReader(taken.Bytes())); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		again, err := txnmgr.Open(ctx, txnmgr.Options{Dir: dir, CacheBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		checkRows(t, again, 0, n+round)
		if err := again.Load(ctx, rows(n+round, 1)); err != nil {
			t.Error(err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := txnmgr.Restore(ctx, dir, &taken); !errors.Is(err, txnmgr.ErrNotEmpty) {
		t.Errorf("restore over a store: %v", err)
	}
}

// busyWriter commits something before each write.
type busyWriter struct {
	out     io.Writer
	m       *txnmgr.Manager
	t       *testing.T
	commits int
}

func (w *busyWriter) Write(p []byte) (int, error) {
	put(w.t, w.m, fmt.Sprintf("row %07d", w.commits*97), "changed", fmt.Sprint("new ", w.commits), "new")
	w.commits++
	return w.out.Write(p)
}

// TestDamagedBackup: whatever byte is changed, left out or added, the backup is
// refused, and no directory is left.
func TestDamagedBackup(t *testing.T) {
	ctx, m := context.Background(), openWith(t, "a", "1", "b", "2")
	var taken bytes.Buffer
	if err := m.Backup(ctx, &taken); err != nil {
		t.Fatal(err)
	}
	whole, dir := taken.Bytes(), filepath.Join(t.TempDir(), "store")
	refused := func(what string, data []byte) {
		t.Helper()
		err := txnmgr.Restore(ctx, dir, bytes.NewReader(data))
		if !errors.Is(err, txnmgr.ErrNotBackup) && !errors.Is(err, txnmgr.ErrVersion) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		refused(fmt.Sprintf("byte %d flipped", i), flipped)
		refused(fmt.Sprintf("cut off at %d", i), whole[:i])
	}
	refused("longer", append(bytes.Clone(whole), 0))
	if names, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// TestDamagedLength: a length that is damaged takes no memory for what does not follow.
func TestDamagedLength(t *testing.T) {
	ctx, m := context.Background(), openWith(t, "a", "1")
	var taken bytes.Buffer
	wantErr(t, "Backup", m.Backup(ctx, &taken))
	const header = 24
	data := taken.Bytes()
	data[header+3] = 0x7f
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := txnmgr.Restore(ctx, filepath.Join(t.TempDir(), "store"), bytes.NewReader(data))
	runtime.ReadMemStats(&after)
	wantErr(t, "Restore", err, txnmgr.ErrNotBackup)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<30 {
		t.Errorf("Restore has allocated %d bytes", taken)
	}
}

// TestRestoreToWhere: directories above are made, and what a Restore that was cut short
// has left is named.
func TestRestoreToWhere(t *testing.T) {
	ctx, m := context.Background(), openWith(t, "a", "1")
	var taken bytes.Buffer
	wantErr(t, "Backup", m.Backup(ctx, &taken))
	dir := filepath.Join(t.TempDir(), "not", "there", "store")
	left := dir + ".restoring"
	if err := os.MkdirAll(filepath.Join(left, "objects"), 0o777); err != nil {
		t.Fatal(err)
	}
	err := txnmgr.Restore(ctx, dir, bytes.NewReader(taken.Bytes()))
	wantErr(t, "Restore beside another", err, txnmgr.ErrNotEmpty)
	want(t, "names what is left", strings.Contains(err.Error(), left), true)
	if err := os.RemoveAll(filepath.Dir(filepath.Dir(left))); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "Restore", txnmgr.Restore(ctx, dir, bytes.NewReader(taken.Bytes())))
	again, err := txnmgr.Open(ctx, txnmgr.Options{Dir: dir})
	wantErr(t, "Open", err)
	want(t, "contents", contents(t, again), "a=1")
	wantErr(t, "Close", again.Close())
}

// TestLoad: where there is a key already, or keys do not ascend, nothing of that part
// is loaded.
func TestLoad(t *testing.T) {
	ctx, m := context.Background(), open(t, txnmgr.Options{})
	if err := m.Load(ctx, rows(0, 10_000)); err != nil {
		t.Fatal(err)
	}
	checkRows(t, m, 0, 10_000)
	if err := m.Load(ctx, rows(9_999, 10)); !errors.Is(err, txnmgr.ErrExists) {
		t.Errorf("over what is there: %v", err)
	}
	backwards := func(yield func(key, value []byte) bool) { _ = yield([]byte("b"), nil) && yield([]byte("a"), nil) }
	if err := m.Load(ctx, backwards); !errors.Is(err, txnmgr.ErrUnsorted) {
		t.Errorf("backwards: %v", err)
	}
	checkRows(t, m, 0, 10_000)
}
