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
	for range 20 {
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
