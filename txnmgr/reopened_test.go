package txnmgr_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestOpenedOften: a store that is opened again and again, for one commit or none, does
// not become larger, and keeps all that was committed.
func TestOpenedOften(t *testing.T) {
	const times, logBytes = 60, 64 << 10
	ctx, dir := context.Background(), t.TempDir()
	most := 0
	for i := range times {
		m, err := txnmgr.Open(ctx, txnmgr.Options{Dir: dir, LogBytes: logBytes})
		wantErr(t, "Open", err)
		if i%2 == 0 {
			wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
				return tx.Put(fmt.Appendf(nil, "%02d", i), nil)
			}))
		}
		if i == times/2 {
			tx := begin(t, m)
			wantErr(t, "Put", tx.Put([]byte("prepared"), nil))
			wantErr(t, "Prepare", tx.Prepare(ctx, "x"))
		}
		wantErr(t, "Close", m.Close())
		files, err := os.ReadDir(filepath.Join(dir, "log"))
		wantErr(t, "ReadDir", err)
		most = max(most, len(files))
	}
	// Segments and spares of 8 KiB for the budget each, and some for who is at work.
	if most > 2*logBytes/(8<<10)+3 {
		t.Errorf("%d files at most", most)
	}
	m, err := txnmgr.Open(ctx, txnmgr.Options{Dir: dir, LogBytes: logBytes})
	wantErr(t, "Open", err)
	defer m.Close()
	wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"))
	wantErr(t, "View", m.View(ctx, func(tx txnmgr.ReadTxn) error {
		n := 0
		for range tx.Scan(nil, nil) {
			n++
		}
		want(t, "objects", n, times/2+1)
		return tx.Err()
	}))
}

// TestClosedAtRest: what the object store had when the store was closed is not done again,
// and the log of it is given up. Close does not wait for that longer than grace; if the
// disk is as slow as that, it is tried again.
func TestClosedAtRest(t *testing.T) {
	const (
		grace   = 2 * time.Second
		commits = 40      // of 1 MiB: more than one segment
		cache   = 2 << 30 // so that the object store keeps as much in memory
	)
	dir := t.TempDir()
	open := func() *txnmgr.Manager {
		m, err := txnmgr.Open(t.Context(), txnmgr.Options{Dir: dir, CacheBytes: cache})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for took := grace; took >= grace; {
		m := open()
		for i := range commits {
			put(t, m, fmt.Sprint(i), string(make([]byte, 1<<20)))
		}
		until(t, "all is applied", func() bool { return m.Stats().Unapplied == 0 })
		begun := time.Now()
		wantErr(t, "Close", m.Close())
		took = time.Since(begun)
		wantErr(t, "Failure", m.Stats().Failure)
	}
	report, err := txnmgr.Inspect(t.Context(), dir)
	wantErr(t, "Inspect", err)
	want(t, "commits to be done again", report.Replay, 0)
	want(t, "segments", report.Log.Segments, 1)
	m := open()
	want(t, "keys", len(readAll(t, m).values), commits)
	wantErr(t, "Close", m.Close())
}
