package txnmgr_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestVersionsInMemory counts versions while objects leave memory, and come back for a
// reader that is held open.
func TestVersionsInMemory(t *testing.T) {
	const objects, updated = 1000, 500
	ctx := context.Background()
	m, err := txnmgr.Open(ctx, txnmgr.Options{Engine: memstore.Open(memstore.Options{}), CacheBytes: 4 << 10})
	wantErr(t, "Open", err)
	defer m.Close()
	key := func(i int) []byte { return fmt.Appendf(nil, "%06d", i) }
	put := func(from, to int) {
		for i := from; i < to; i++ {
			wantErr(t, "Update", m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Put(key(i), make([]byte, 200)) }))
		}
	}
	// Each figure is read at a moment of its own, so that they fit when all is quiet.
	counted := func(pinned int64) {
		t.Helper()
		until(t, fmt.Sprintf("a version for each object, and %d pinned", pinned), func() bool {
			m.Purge()
			s := m.Stats()
			return s.Applied == s.Visible && s.Objects < pinned+objects/10 &&
				int64(s.PinnedVersions) == pinned && s.Versions == s.Objects+pinned
		})
	}
	put(0, objects)
	counted(0)
	r := beginRead(t, m)
	put(0, updated)
	counted(updated)
	r.Close()
	put(updated, updated+1) // who commits next purges
	counted(0)
}
