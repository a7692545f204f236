package pebblestore

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/storage"
)

// The limit of each of these is Pebble with the same options and without the
// encoding, the mark and the checks:
//
//	go test ./storage/pebblestore -run '^$' -bench .
const (
	benchmarkKeys  = 200_000
	benchmarkValue = 100
	benchmarkBatch = 1000
)

func benchmarkOptions() Options {
	return Options{CacheBytes: 256 << 20, MemTableBytes: 16 << 20}.withDefaults()
}

// key fills in the key of a number; keys are not in the order of their numbers.
func key(to []byte, n uint64) []byte {
	binary.BigEndian.PutUint64(to, n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(to[8:], n)
	return to
}

// changes are a batch from a number on.
func changes(from uint64, count int) []storage.Change {
	made := make([]storage.Change, count)
	value := make([]byte, benchmarkValue)
	for i := range made {
		made[i] = storage.Change{Key: key(make([]byte, 16), from+uint64(i)), Value: value, TS: from}
	}
	return made
}

// raw is Pebble alone.
type raw struct{ *pebble.DB }

func openRaw(b *testing.B) raw {
	b.Helper()
	p := benchmarkOptions().pebble(vfs.Default)
	p.Logger = logger{newGuard(vfs.Default)}
	db, err := pebble.Open(b.TempDir(), p)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return raw{db}
}

func (r raw) apply(b *testing.B, changes []storage.Change) {
	size := 0
	for i := range changes {
		size += len(changes[i].Key) + len(changes[i].Value) + 8
	}
	batch := r.NewBatchWithSize(size)
	for i := range changes {
		if err := batch.Set(changes[i].Key, changes[i].Value, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		b.Fatal(err)
	}
	if err := batch.Close(); err != nil {
		b.Fatal(err)
	}
}

func (r raw) load(b *testing.B, key []byte) int {
	value, closer, err := r.Get(key)
	if err != nil {
		b.Fatal(err)
	}
	n := len(value)
	if err := closer.Close(); err != nil {
		b.Fatal(err)
	}
	return n
}

// settle leaves one level of tables, so that all have the same to look through.
func (r raw) settle(b *testing.B) {
	if err := r.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := r.Compact(context.Background(), []byte{0}, []byte{0xff}, false); err != nil {
		b.Fatal(err)
	}
}

// ours is the store.
type ours struct {
	*Store
	applied *uint64
}

func openOurs(b *testing.B) ours {
	b.Helper()
	s, err := Open(b.TempDir(), benchmarkOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return ours{s, new(uint64)}
}

func (o ours) apply(b *testing.B, changes []storage.Change) {
	*o.applied++
	if err := o.Apply(changes, storage.Mark{Applied: *o.applied}); err != nil {
		b.Fatal(err)
	}
}

func (o ours) load(b *testing.B, key []byte) int {
	n := 0
	if err := o.Load(key, func(value []byte, _ uint64) { n = len(value) }); err != nil {
		b.Fatal(err)
	}
	return n
}

func (o ours) settle(b *testing.B) { raw{o.db}.settle(b) }

// contender is either of the two.
type contender interface {
	apply(b *testing.B, changes []storage.Change)
	load(b *testing.B, key []byte) int
	settle(b *testing.B)
}

// contenders are made anew for each benchmark.
func contenders(b *testing.B, run func(b *testing.B, c contender)) {
	b.Run("store=pebble", func(b *testing.B) { run(b, openRaw(b)) })
	b.Run("store=ours", func(b *testing.B) { run(b, openOurs(b)) })
}

// BenchmarkLoad looks up random keys that are all in the cache.
func BenchmarkLoad(b *testing.B) {
	contenders(b, func(b *testing.B, c contender) {
		for n := 0; n < benchmarkKeys; n += benchmarkBatch {
			c.apply(b, changes(uint64(n), benchmarkBatch))
		}
		c.settle(b)
		k := make([]byte, 16)
		for n := range uint64(benchmarkKeys) {
			c.load(b, key(k, n))
		}
		b.ReportAllocs()
		rng := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			if c.load(b, key(k, rng.Uint64N(benchmarkKeys))) != benchmarkValue {
				b.Fatal("not what was applied")
			}
		}
	})
}

// BenchmarkApply applies batches of new keys, and of the same keys again.
func BenchmarkApply(b *testing.B) {
	for _, span := range []uint64{1, 200} {
		b.Run(fmt.Sprintf("batches=%d", span), func(b *testing.B) {
			contenders(b, func(b *testing.B, c contender) {
				var batches [][]storage.Change
				for n := range span {
					batches = append(batches, changes(n*benchmarkBatch, benchmarkBatch))
				}
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					c.apply(b, batches[n%len(batches)])
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchmarkBatch), "ns/change")
			})
		})
	}
}
