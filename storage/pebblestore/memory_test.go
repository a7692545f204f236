package pebblestore_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// TestMemory applies and reads several times as much as there may be in memory.
func TestMemory(t *testing.T) {
	const limit = 4 << 20
	s, err := pebblestore.Open("db", pebblestore.Options{FS: vfs.NewMem(), CacheBytes: limit, MemTableBytes: limit / 8})
	if err != nil {
		t.Fatal(err)
	}
	h, rng := history{{}}, random(t)
	most, filled := int64(0), int64(0)
	look := func() {
		stats := s.Stats()
		filled = max(filled, stats.CacheBytes)
		if stats.CacheBytes > 0 {
			most = max(most, stats.CacheBytes+stats.MemTableBytes)
		}
	}
	for range max(8, times(20)) {
		for n := range 1000 {
			change := storage.Change{Key: []byte{byte(rng.Uint32()), byte(n >> 8), byte(n)}, Value: make([]byte, 1000), TS: 1}
			fill(change.Value, change.Key, rng.Uint64())
			if err := s.Apply([]storage.Change{change}, storage.Mark{Applied: uint64(len(h))}); err != nil {
				t.Fatal(err)
			}
			h = append(h, nil)
		}
		look()
		it, err := s.Scan(nil, nil, storage.Ascending)
		if err != nil {
			t.Fatal(err)
		}
		for it.Next() {
			continue
		}
		look()
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if t.Logf("at most %d bytes, %d of them blocks: %+v", most, filled, s.Stats()); most > limit*11/10 || filled < limit/4 {
		t.Errorf("at most %d bytes in memory, %d of them blocks, limit %d", most, filled, limit)
	}
	closeStore(t, s)
}

// TestMemoryOfOneMark applies several times as much as there may be in memory with one
// and the same mark, as for a batch in parts, of which each takes most of a memtable.
func TestMemoryOfOneMark(t *testing.T) {
	// Pebble has an empty memtable behind each batch that it flushes by itself.
	const memTable, limit = 64 << 10, 2 * 4 * 64 << 10
	s, err := pebblestore.Open("db", pebblestore.Options{FS: vfs.NewMem(), CacheBytes: 8 * memTable, MemTableBytes: memTable})
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	for n := range max(40, times(200)) {
		changes := make([]storage.Change, 50)
		for i := range changes {
			changes[i] = storage.Change{Key: []byte{byte(n), byte(i)}, Value: make([]byte, 1000), TS: 1}
		}
		if err := s.Apply(changes, storage.Mark{Applied: 1}); err != nil {
			t.Fatal(err)
		}
		if stats := s.Stats(); stats.MemTableBytes > limit {
			t.Fatalf("%d bytes in memtables, limit %d: %+v", stats.MemTableBytes, limit, stats)
		} else if stats.Stalls > 0 {
			waits++
		}
	}
	if waits == 0 {
		t.Error("it never waited, so there was nothing to bound")
	}
	closeStore(t, s)
}
