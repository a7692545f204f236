package txnmgr_test

import (
	"context"
	"testing"

	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/txnmgr"
)

// TestReadersAllocateNothing, as long as the context cannot be cancelled and everything
// is in memory.
func TestReadersAllocateNothing(t *testing.T) {
	if needsMemory(t, "a scan of the object store allocates") || invariants.Enabled {
		return
	}
	m := openWith(t, "a", "1", "b", "2", "c", "3", "d", "4")
	read := func(tx txnmgr.ReadTxn) error {
		_, err := tx.Get([]byte("b"))
		return err
	}
	scan := func(r txnmgr.ReadTxn) (n int) {
		for range r.Scan([]byte("a"), []byte("d")) {
			n++
		}
		for range r.ScanDescending([]byte("a"), []byte("d")) {
			n++
		}
		return n
	}
	for name, f := range map[string]func(){
		"View": func() {
			wantErr(t, "View", m.View(context.Background(), read))
		},
		"BeginRead, Get, Scan, Close": func() {
			r, err := m.BeginRead(context.Background())
			if err != nil || read(r) != nil || scan(r) != 6 || r.Close() != nil {
				t.Error(err)
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
