package txnmgr_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// What a user keeps, a handle or a reader that stays open, must not keep alive what
// others do later.

// keptHandles lists the ways to end a transaction, or not to, whose handle is kept.
func keptHandles() map[string]func(t *testing.T, m *txnmgr.Manager) any {
	return map[string]func(t *testing.T, m *txnmgr.Manager) any{
		"reader": func(t *testing.T, m *txnmgr.Manager) any {
			tx := beginRead(t, m)
			tx.Close()
			return tx
		},
		"read only": func(t *testing.T, m *txnmgr.Manager) any {
			tx := begin(t, m)
			wantErr(t, "Commit", tx.Commit())
			return tx
		},
		"committed": func(t *testing.T, m *txnmgr.Manager) any {
			tx := begin(t, m)
			wantErr(t, "Put", tx.Put([]byte("k"), nil))
			wantErr(t, "Commit", tx.Commit())
			return tx
		},
		"committed after a range": func(t *testing.T, m *txnmgr.Manager) any {
			tx := begin(t, m)
			for range tx.Scan(nil, []byte("b")) {
				continue
			}
			wantErr(t, "Put", tx.Put([]byte("k"), nil))
			wantErr(t, "Commit", tx.Commit())
			return tx
		},
		"conflict": func(t *testing.T, m *txnmgr.Manager) any {
			tx := begin(t, m)
			for range tx.Scan(nil, nil) {
				continue
			}
			loseConflict(t, m, tx)
			return tx
		},
		"open update": func(t *testing.T, m *txnmgr.Manager) any {
			tx := begin(t, m)
			for range tx.Scan(nil, []byte("b")) {
				continue
			}
			wantErr(t, "Put", tx.Put([]byte("k"), nil))
			return tx
		},
		"open reader": func(t *testing.T, m *txnmgr.Manager) any { return beginRead(t, m) },
		"phantom": func(t *testing.T, m *txnmgr.Manager) any {
			tx := begin(t, m)
			for range tx.Scan(nil, nil) {
				continue
			}
			put(t, m, "b", "phantom")
			wantErr(t, "Put", tx.Put([]byte("k"), nil))
			wantErr(t, "Commit", tx.Commit(), txnmgr.ErrConflict)
			return tx
		},
		"rolled back": func(t *testing.T, m *txnmgr.Manager) any {
			tx := begin(t, m)
			wantErr(t, "Put", tx.Put([]byte("k"), nil))
			wantErr(t, "Rollback", tx.Rollback())
			return tx
		},
	}
}

// TestKeptHandles: a handle that its user keeps, or does not end, does not keep later
// commits alive. (A committed one is a record of the committed list, from which
// all later records, and all they wrote, can be reached unless the link is cut.)
func TestKeptHandles(t *testing.T) {
	const commits, size = 64, 1 << 20
	if hasLog() {
		t.Log("not with a log: its buffers are as large as what would be kept")
		return
	}
	all := keptHandles()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			m := openWith(t, "a", "1")
			kept := all[name](t, m)
			grown := heapOf(func() any {
				for range commits {
					writeLarge(t, m, size)
				}
				m.Purge()
				return m
			})
			runtime.KeepAlive(kept)
			if grown > commits*size/8 {
				t.Errorf("%.0f bytes are alive after %d commits of %d bytes to one key", grown, commits, size)
			}
		})
	}
}

func writeLarge(t *testing.T, m *txnmgr.Manager, size int) {
	t.Helper()
	value := make([]byte, size)
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error { return tx.Put([]byte("large"), value) })
	wantErr(t, "Update", err)
}

// TestShortLivedKeysBesideReader: keys that come and go beside a reader held open
// leave nothing behind. BenchmarkShortLivedKeys is the same for longer.
func TestShortLivedKeysBesideReader(t *testing.T) {
	if needsMemory(t, "a deletion stays in memory until the oldest reader is gone") {
		return
	}
	m := open(t, txnmgr.Options{})
	beginRead(t, m)                    // and stays open
	next := comeAndGo(t, m, 0, 10_000) // once the tables have their size
	grown := heapOf(func() any {
		comeAndGo(t, m, next, 20_000)
		return m
	})
	if grown > 1<<20 {
		t.Errorf("the heap grows by %.0f bytes in 40,000 transactions", grown)
	}
	if s := m.Stats(); s.Objects > 200 {
		t.Errorf("%d objects are left where there are no keys", s.Objects)
	}
}

// BenchmarkShortLivedKeys inserts a new key by one transaction and deletes it by
// the next, beside a reader held open, and says by how much the heap has grown.
func BenchmarkShortLivedKeys(b *testing.B) {
	m := open(b, txnmgr.Options{})
	beginRead(b, m) // and stays open
	next := comeAndGo(b, m, 0, 10_000)
	before := heap()
	for b.Loop() {
		next = comeAndGo(b, m, next, 1)
	}
	b.ReportMetric((heap()-before)/1024, "heap-growth-KiB")
	b.ReportMetric(float64(m.Stats().Objects), "objects")
}

// comeAndGo inserts and deletes n keys, from a number on, and returns the number
// after the last.
func comeAndGo(t testing.TB, m *txnmgr.Manager, from uint64, n int) uint64 {
	ctx := context.Background()
	for ; n > 0; n-- {
		key := binary.BigEndian.AppendUint64(nil, from)
		err := errors.Join(
			m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Insert(key, key) }),
			m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Delete(key) }),
		)
		if err != nil {
			t.Fatal(fmt.Errorf("key %d: %w", from, err))
		}
		from++
	}
	return from
}
