package durable

import (
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/memstore"
)

// TestAppliedIsLetGo: the applier keeps nothing of what it has applied: it may have been
// a whole budget of objects, and nothing else comes for a long time.
func TestAppliedIsLetGo(t *testing.T) {
	s := opened(t)
	for i := range 100 {
		put(t, s, fmt.Sprint(i))
	}
	s.deps.Close(nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.deps.Store.Applied(); got != s.deps.Visible() {
		t.Fatalf("applied up to %d of %d", got, s.deps.Visible())
	}
	b := &s.applier.batch
	for _, w := range b.objects[:cap(b.objects)] {
		if w.object != nil || w.version != nil {
			t.Fatalf("the batch still has %q", w.object.Key())
		}
	}
	for _, c := range b.changes[:cap(b.changes)] {
		if c.Key != nil || c.Value != nil {
			t.Fatalf("the changes still have %q", c.Key)
		}
	}
	if len(b.at) > 0 {
		t.Errorf("the batch still knows of %d objects", len(b.at))
	}
}

// TestAppliedWaitsForScan: what an open scan keeps in memory is not asked about at every
// look, for it may be much.
func TestAppliedWaitsForScan(t *testing.T) {
	s := opened(t)
	scan := s.deps.Store.Sight(nil, nil, storage.Ascending, s.deps.Visible())
	defer scan.Close()
	const keys = 100
	for i := range keys {
		put(t, s, fmt.Sprint(i))
	}
	s.deps.Close(nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if q := &s.applier.settled; len(q.again) > 0 || q.len() != keys {
		t.Errorf("%d are settled again and again, and %d wait", len(q.again), q.len())
	}
}

// opened returns a store above an engine, without a log.
func opened(t *testing.T) *Store {
	m := new(deps.Manager)
	m.Init(deps.Config{})
	engine := memstore.Open(memstore.Options{})
	if err := m.Store.Attach(engine, 1<<16); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), m, Options{Engine: engine, LogBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put commits a value.
func put(t *testing.T, s *Store, key string) {
	r := new(deps.Record)
	if !s.deps.Begin(r) {
		t.Fatal("closed")
	}
	o, v := storage.NewWritten([]byte(key), s.deps.Store.Hash([]byte(key)), []byte("value"), &r.State)
	r.Add(deps.Write{Object: o, Version: v})
	if _, err := s.Admit(r, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.deps.Commit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}
