package durable

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/memstore"
)

// openAlone opens a store under a manager that nobody uses.
func openAlone(t *testing.T, engine storage.Engine) *Store {
	t.Helper()
	m := new(deps.Manager)
	m.Init(deps.Config{Durable: true})
	if err := m.Store.Attach(engine, 4<<10); err != nil {
		t.Fatal(err)
	}
	s, err := Open(context.Background(), m, Options{Dir: "store", FS: faultfs.New(), Engine: engine, LogBytes: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keep has the store know of a prepared transaction.
func (s *Store) keep(xid string) *deps.Prepared {
	p := &deps.Prepared{XID: xid}
	s.prepared.add(&kept{prepared: p})
	return p
}

// TestDroppedAfterClose: whoever took a prepared transaction before the store was closed,
// and comes to roll it back only then, finds a log that hears of nothing any more, and
// leaves nothing running behind Close.
func TestDroppedAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openAlone(t, memstore.Open(memstore.Options{}))
		before, after := s.keep("before"), s.keep("after")
		s.Dropped(before)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s.Dropped(after)
		synctest.Wait()
		if s.prepared.find(before) != nil || s.prepared.find(after) == nil {
			t.Error("something ran behind Close, or did not before")
		}
	})
}

// TestDroppedBesideClose is for the race detector.
func TestDroppedBesideClose(t *testing.T) {
	for range 20 {
		s := openAlone(t, memstore.Open(memstore.Options{}))
		var late sync.WaitGroup
		for _, xid := range []string{"a", "b", "c", "d"} {
			p := s.keep(xid)
			late.Go(func() { s.Dropped(p) })
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		late.Wait()
	}
}
