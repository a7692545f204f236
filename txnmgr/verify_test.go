package txnmgr_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// smallStore are options with which little is enough to have a store of several
// segments and tables.
func smallStore(dir string) txnmgr.Options {
	return txnmgr.Options{Dir: dir, LogBytes: 256 << 10, CacheBytes: 64 << 10}
}

// openStore opens the store in dir.
func openStore(t *testing.T, dir string) *txnmgr.Manager {
	t.Helper()
	m, err := txnmgr.Open(context.Background(), smallStore(dir))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fillStore commits keys with large values, under names that begin with prefix.
func fillStore(t *testing.T, m *txnmgr.Manager, prefix string, n int) {
	t.Helper()
	value := []byte(strings.Repeat(prefix, 1000))
	for i := range n {
		err := m.Update(t.Context(), func(tx *txnmgr.Txn) error {
			return tx.Put(fmt.Appendf(nil, "%s%04d", prefix, i), value)
		}, txnmgr.WithDurability(txnmgr.Async))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// closeStore closes a manager.
func closeStore(t *testing.T, m *txnmgr.Manager) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// aStore makes a store with some history behind it: of what was committed, part is in
// the object store only, part in the log only, and part in both. One transaction is
// prepared. How much the object store has is a matter of luck; if it does not need the
// whole log, or that is short, another one is made.
func aStore(t *testing.T) (dir string) {
	t.Helper()
	for dir = makeStore(t); !needsFirst(t, dir); dir = makeStore(t) {
	}
	return dir
}

// needsFirst reports whether something is missing without the first of several segments
// of the log.
func needsFirst(t *testing.T, dir string) bool {
	t.Helper()
	if len(named(t, dir, "log", ".log")) < 2 {
		return false
	}
	without := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(without, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	os.Remove(named(t, without, "log", ".log")[0])
	report := verify(t, without)
	return report.Err() != nil
}

func makeStore(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "store")
	m := openStore(t, dir)
	fillStore(t, m, "a", 1500)
	fillStore(t, m, "b", 60)
	tx := begin(t, m, txnmgr.WithLabel("transfer"))
	if err := errors.Join(tx.Put([]byte("p2"), nil), tx.Put([]byte("p1"), nil), tx.Prepare(t.Context(), "x1")); err != nil {
		t.Fatal(err)
	}
	closeStore(t, m)
	return dir
}

// checksums returns a checksum of each file in a directory.
func checksums(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	sums := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			sums[path] = [32]byte{}
			return err
		}
		data, err := os.ReadFile(path)
		sums[path] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// verify verifies, which must change nothing.
func verify(t *testing.T, dir string) txnmgr.VerifyReport {
	t.Helper()
	before := checksums(t, dir)
	report, err := txnmgr.Verify(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if after := checksums(t, dir); !maps.Equal(before, after) {
		t.Errorf("files before %q, after %q", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
	return report
}

func TestVerify(t *testing.T) {
	dir := aStore(t)
	var done, all int64
	report, err := txnmgr.Verify(t.Context(), dir, func(n, of int64) {
		if n < done || n > of {
			t.Errorf("%d of %d bytes, after %d", n, of, done)
		}
		done, all = n, of
	})
	if err != nil || report.Err() != nil {
		t.Fatalf("%v, %v", err, report.Err())
	}
	l, o := report.Log, report.Objects
	if done != all || all == 0 {
		t.Errorf("%d of %d bytes done", done, all)
	}
	if l.Segments < 2 || uint64(l.Commits) != l.Last-l.First+1 || l.First > l.Last || !l.Closed || l.Torn != "" || l.DiskBytes == 0 || l.Base == 0 || l.Base >= l.First {
		t.Errorf("log %+v", l)
	}
	if o.Applied < l.Base || o.Applied > l.Last || o.Keys == 0 || o.Keys > 1560 || o.Tables == 0 || o.Bytes < 1000*o.Keys || o.DiskBytes == 0 {
		t.Errorf("objects %+v", o)
	}
	if report.Replay != int(l.Last-o.Applied) || len(report.StoreID) != 32 {
		t.Errorf("%d commits to be replayed, store %q", report.Replay, report.StoreID)
	}
	if len(report.Prepared) != 1 {
		t.Fatalf("prepared %+v", report.Prepared)
	}
	p := report.Prepared[0]
	if p.XID != "x1" || p.Label != "transfer" || len(p.Keys) != 2 || string(p.Keys[0]) != "p1" {
		t.Errorf("prepared %+v", p)
	}
	if report := verify(t, dir); report.Err() != nil {
		t.Error(report.Err())
	}
}

// TestInspect says the same as Verify, as far as it goes.
func TestInspect(t *testing.T) {
	dir := aStore(t)
	exact := verify(t, dir)
	before := checksums(t, dir)
	about, err := txnmgr.Inspect(t.Context(), dir)
	if err != nil || about.Err() != nil {
		t.Fatalf("%v, %v", err, about.Err())
	}
	if about.Log != exact.Log || about.Replay != exact.Replay || len(about.Prepared) != 1 || about.StoreID != exact.StoreID {
		t.Errorf("got %+v, want %+v", about, exact)
	}
	if about.Objects.Keys < exact.Objects.Keys || about.Objects.Bytes != 0 || about.Objects.Applied != exact.Objects.Applied {
		t.Errorf("got %+v, want %+v", about.Objects, exact.Objects)
	}
	if !maps.Equal(before, checksums(t, dir)) {
		t.Error("files have changed")
	}
}

// crashed copies a store that is open, and small enough for its object store to have
// written nothing yet: what a crash leaves.
func crashed(t *testing.T, dir string) (left string) {
	t.Helper()
	left = filepath.Join(t.TempDir(), "left")
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return left
}

// TestVerifyAfterCrash is told that the store was not closed.
func TestVerifyAfterCrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	m := openStore(t, dir)
	fillStore(t, m, "a", 10)
	left := crashed(t, dir)
	closeStore(t, m)
	report := verify(t, left)
	if report.Err() != nil || report.Log.Closed || report.Replay != 10 {
		t.Errorf("%v: %+v", report.Err(), report)
	}
}

func TestVerifyRefuses(t *testing.T) {
	empty, absent := t.TempDir(), filepath.Join(t.TempDir(), "none")
	open := filepath.Join(t.TempDir(), "open")
	m := openStore(t, open)
	defer closeStore(t, m)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		dir  string
		want error
	}{
		"nil context":      {nil, open, txnmgr.ErrNilContext},
		"ended context":    {ended, open, context.Canceled},
		"no directory":     {t.Context(), "", txnmgr.ErrBadOption},
		"empty directory":  {t.Context(), empty, txnmgr.ErrNoStore},
		"absent directory": {t.Context(), absent, txnmgr.ErrNoStore},
		"open":             {t.Context(), open, txnmgr.ErrInUse},
	} {
		if _, err := txnmgr.Verify(c.ctx, c.dir, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: verify: %v, want %v", name, err, c.want)
		}
		if _, err := txnmgr.Inspect(c.ctx, c.dir); !errors.Is(err, c.want) {
			t.Errorf("%s: inspect: %v, want %v", name, err, c.want)
		}
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("in the empty directory there is %v now, %v", left, err)
	}
	if _, err := os.Stat(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the absent directory: %v", err)
	}
}

// named returns the paths of the files in a part of a store that end so, in order.
func named(t *testing.T, dir, part, suffix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, part, "*"+suffix))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files *%s in %s: %v", suffix, part, err)
	}
	return paths
}

// TestVerifyComparesObjects gives the object store what the log does not say.
func TestVerifyComparesObjects(t *testing.T) {
	key := []byte("b0001")
	for name, c := range map[string]struct {
		change func(r txnmgr.VerifyReport, old uint64) (storage.Change, uint64)
		says   string
	}{
		"key missing": {func(r txnmgr.VerifyReport, _ uint64) (storage.Change, uint64) {
			return storage.Change{Key: key, Delete: true}, r.Log.Last
		}, "is in the log and not in the object store"},
		"other value": {func(r txnmgr.VerifyReport, old uint64) (storage.Change, uint64) {
			return storage.Change{Key: key, Value: []byte("other"), TS: old}, r.Log.Last
		}, "has another value"},
		"older": {func(r txnmgr.VerifyReport, old uint64) (storage.Change, uint64) {
			return storage.Change{Key: key, Value: []byte("old"), TS: old - 1}, r.Log.Last
		}, "is of timestamp"},
		"deleted, and there": {func(r txnmgr.VerifyReport, _ uint64) (storage.Change, uint64) {
			return storage.Change{Key: []byte("gone"), TS: 5}, r.Log.Last
		}, "is in the object store, of timestamp 5"},
		"newer than applied": {func(r txnmgr.VerifyReport, _ uint64) (storage.Change, uint64) {
			return storage.Change{Key: []byte("new"), TS: r.Log.Last + 1}, r.Log.Last
		}, "the log has no commit of it then"},
		"ahead of the log": {func(r txnmgr.VerifyReport, _ uint64) (storage.Change, uint64) {
			return storage.Change{Key: []byte("new"), TS: r.Log.Last + 1}, r.Log.Last + 1
		}, "and the log ends at"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			m := openStore(t, dir)
			fillStore(t, m, "b", 3)
			put(t, m, "gone", "")
			if err := m.Update(t.Context(), func(tx *txnmgr.Txn) error { return tx.Delete([]byte("gone")) }); err != nil {
				t.Fatal(err)
			}
			closeStore(t, m)
			applyAll(t, dir)
			before := verify(t, dir)
			if before.Err() != nil || before.Objects.Applied != before.Log.Last {
				t.Fatalf("%v: %+v", before.Err(), before)
			}
			change, applied := c.change(before, before.Log.First+1)
			changeObjects(t, dir, []storage.Change{change}, applied)
			if err := verifyErr(t, dir); !errors.Is(err, txnmgr.ErrCorrupt) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

// TestVerifyBetweenParts leaves the object store with some of what it was being given,
// but not the mark of that, as a crash may.
func TestVerifyBetweenParts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	m := openStore(t, dir)
	fillStore(t, m, "b", 3)
	closeStore(t, m)
	applyAll(t, dir)
	m = openStore(t, dir)
	put(t, m, "b0000", "new", "b0001", "new")
	err := m.Update(t.Context(), func(tx *txnmgr.Txn) error { return tx.Delete([]byte("b0002")) })
	dir = crashed(t, dir)
	closeStore(t, m)
	before := verify(t, dir)
	if err != nil || before.Err() != nil || before.Replay != 2 {
		t.Fatalf("%v, %v: %+v", err, before.Err(), before)
	}
	ts := before.Log.Last - 1
	changeObjects(t, dir, []storage.Change{
		{Key: []byte("b0001"), Value: []byte("new"), TS: ts}, {Key: []byte("b0002"), Delete: true},
	}, before.Objects.Applied)
	if err := verifyErr(t, dir); err != nil {
		t.Error(err)
	}
	changeObjects(t, dir, []storage.Change{{Key: []byte("b0001"), Value: []byte("old"), TS: ts}}, before.Objects.Applied)
	if err := verifyErr(t, dir); !errors.Is(err, txnmgr.ErrCorrupt) || !strings.Contains(err.Error(), "has another value") {
		t.Errorf("%v", err)
	}
}

func verifyErr(t *testing.T, dir string) error {
	t.Helper()
	report := verify(t, dir)
	return report.Err()
}

// applyAll has the object store keep what it would have applied some time.
func applyAll(t *testing.T, dir string) {
	t.Helper()
	report := verify(t, dir)
	var changes []storage.Change
	m := openStore(t, dir)
	err := m.View(t.Context(), func(tx txnmgr.ReadTxn) error {
		ts := report.Log.First
		for key, value := range tx.Scan(nil, nil) {
			changes = append(changes, storage.Change{Key: key, Value: value, TS: ts})
			ts++
		}
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, m)
	changeObjects(t, dir, changes, report.Log.Last)
}

// changeObjects changes the object store behind the back of the log.
func changeObjects(t *testing.T, dir string, changes []storage.Change, applied uint64) {
	t.Helper()
	s, err := pebblestore.Open(filepath.Join(dir, "objects"), pebblestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mark := storage.Mark{Store: s.Mark().Store, Applied: applied}
	if mark.Store == (storage.StoreID{}) {
		mark.Store = idOf(t, dir)
	}
	if err := errors.Join(s.Apply(changes, mark), s.Sync(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// idOf returns the id of the store, from the first segment of its log.
func idOf(t *testing.T, dir string) (id storage.StoreID) {
	t.Helper()
	data, err := os.ReadFile(named(t, dir, "log", ".log")[0])
	if err != nil {
		t.Fatal(err)
	}
	copy(id[:], data[16:])
	return id
}

// TestLogMissing: a store without its log is not a new one, although nothing has come
// to the object store yet.
func TestLogMissing(t *testing.T) {
	for name, lose := range map[string]func(log string) error{
		"directory": os.RemoveAll,
		"contents": func(log string) error {
			return errors.Join(os.RemoveAll(log), os.Mkdir(log, 0o777))
		},
	} {
		dir := filepath.Join(t.TempDir(), "store")
		m := openStore(t, dir)
		put(t, m, "a", "1")
		left := filepath.Join(t.TempDir(), "left") // before anything is applied
		if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		closeStore(t, m)
		if err := lose(filepath.Join(left, "log")); err != nil {
			t.Fatal(err)
		}
		if err := verifyErr(t, left); !errors.Is(err, txnmgr.ErrCorrupt) || !strings.Contains(err.Error(), "log is missing") {
			t.Errorf("%s, Verify: %v", name, err)
		}
		_, err := txnmgr.Open(t.Context(), smallStore(left))
		if !errors.Is(err, txnmgr.ErrCorrupt) || !strings.Contains(err.Error(), "log is missing") {
			t.Errorf("%s, Open: %v", name, err)
		}
	}
}
