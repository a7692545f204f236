package durable

import (
	"runtime"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/memstore"
)

// TestTruncationHoldsNobodyUp: while files of the log are given up, transactions are
// prepared and finished.
func TestTruncationHoldsNobodyUp(t *testing.T) {
	in, m, engine := faultfs.New(), new(deps.Manager), memstore.Open(memstore.Options{})
	m.Init(deps.Config{Durable: true})
	if err := m.Store.Attach(engine, 4<<10); err != nil {
		t.Fatal(err)
	}
	var s *Store
	var err error
	var ready atomic.Bool
	var given, held atomic.Int32
	in.Watch(func(op faultfs.Op, _ string) {
		if !ready.Load() || op != faultfs.Remove && op != faultfs.Rename {
			return
		}
		if !s.prepared.mu.TryLock() {
			held.Inc()
		} else {
			s.prepared.mu.Unlock()
		}
		given.Inc()
	})
	s, err = Open(t.Context(), m, Options{Dir: "store", FS: in, Engine: engine, LogBytes: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if err := s.log.Append(commitlog.Frame{First: s.log.Last(), Last: s.log.Last(), Payload: make([]byte, 20<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	// Nobody is prepared; who is from now on writes no earlier than here.
	if needed, current := s.needed(), s.log.Stats().Current; needed != current {
		t.Errorf("needed from segment %d, want %d", needed, current)
	}
	ready.Store(true)
	for given.Load() == 0 {
		s.applier.kick()
		runtime.Gosched()
	}
	if err := s.Close(); err != nil || held.Load() > 0 {
		t.Errorf("%d of %d files were given up while nobody could prepare; Close: %v", held.Load(), given.Load(), err)
	}
}
