package storage_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/storage"
)

// endless is an engine that has the same value for every key.
type endless struct {
	engine
	value []byte
}

func (e *endless) Mark() storage.Mark { return storage.Mark{Applied: at} }

func (e *endless) Load(_ []byte, found func(value []byte, ts uint64)) error {
	found(e.value, at)
	return nil
}

// live returns how many bytes are on the heap.
func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCacheTakesWhatItSays: a full cache, with everything that belongs to it, takes no
// more memory than it was given, but for a quarter and what it takes empty.
func TestCacheTakesWhatItSays(t *testing.T) {
	if invariants.Enabled {
		t.Log("versions are larger here")
		return
	}
	const cacheBytes, fixed = 8 << 20, 2 << 20
	keys := scattered(8 * cacheBytes / 1_000)
	for _, size := range []int{8, 100, 1_000} {
		before := live()
		s := storage.New()
		if err := s.Attach(&endless{value: make([]byte, size)}, cacheBytes); err != nil {
			t.Fatal(err)
		}
		d := dice(1)
		for range 100_000 {
			key := keys[d.roll(len(keys))]
			if _, v, err := s.Find(context.Background(), key, s.Hash(key), at); v == nil || err != nil {
				t.Fatal(err)
			}
			s.AdmitAll()
		}
		s.Quiesce()
		got, m := live()-before, s.Memory()
		t.Logf("values of %d: %.2f of the cache; %+v", size, float64(got)/cacheBytes, m)
		if got > cacheBytes*5/4+fixed || m.CacheBytes < cacheBytes*3/4 {
			t.Errorf("values of %d: %d bytes are live, %+v", size, got, m)
		}
		s.Detach()
	}
}
