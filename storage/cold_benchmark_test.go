package storage_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/memstore"
)

// someKeys is the number of keys in the engine; a tenth of them has room in memory.
const (
	someKeys = 200_000
	perKey   = 480 // bytes of the cache for each, about
)

// stored returns an engine that has a value for each key.
func stored(b *testing.B, keys [][]byte) storage.Engine {
	e := memstore.Open(memstore.Options{})
	var changes []storage.Change
	for _, key := range keys {
		changes = append(changes, storage.Change{Key: key, Value: make([]byte, valueSize), TS: at})
	}
	if err := e.Apply(changes, storage.Mark{Applied: at}); err != nil {
		b.Fatal(err)
	}
	return e
}

func above(b *testing.B, e storage.Engine, cacheBytes int64) *storage.Store {
	s := storage.New()
	if err := s.Attach(e, cacheBytes); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Detach)
	return s
}

// pick returns which of n keys is read next.
type pick func(d *dice, n int) int

// zipf99 picks with a zipf distribution of exponent 0.99, by the method of Gray et al.,
// "Quickly Generating Billion-Record Synthetic Databases", SIGMOD 1994.
func zipf99(n int) pick {
	const theta = 0.99
	zeta := 0.0
	for i := 1; i <= n; i++ {
		zeta += math.Pow(float64(i), -theta)
	}
	eta := (1 - math.Pow(2/float64(n), 1-theta)) / (1 - (1+math.Pow(2, -theta))/zeta)
	return func(d *dice, n int) int {
		u := float64(d.roll(1<<30)) / (1 << 30)
		switch uz := u * zeta; {
		case uz < 1:
			return 0
		case uz < 1+math.Pow(0.5, theta):
			return 1
		}
		return int(float64(n) * math.Pow(eta*u-eta+1, 1/(1-theta)))
	}
}

// BenchmarkCold is a read of one key through the table, against the engine's own Load
// with a copy of the value.
func BenchmarkCold(b *testing.B) {
	keys := scattered(someKeys)
	e := stored(b, keys)
	for _, dist := range []struct {
		name string
		pick pick
	}{{"uniform", (*dice).roll}, {"zipf", zipf99(someKeys)}} {
		bench := func(name string, read func(key []byte)) {
			b.Run(fmt.Sprintf("dist=%s/by=%s", dist.name, name), func(b *testing.B) {
				b.ReportAllocs()
				d := dice(1)
				for b.Loop() {
					read(keys[dist.pick(&d, someKeys)])
				}
			})
		}
		bench("nobody", func(key []byte) { sink.Store(uint64(key[0])) })
		bench("engine", func(key []byte) {
			var v *storage.Version
			if err := e.Load(key, func(value []byte, _ uint64) { v = storage.NewVersion(value, nil) }); err != nil || v == nil {
				b.Fatal(err)
			}
		})
		for name, cacheBytes := range map[string]int64{"nothing": nothing, "tenth": someKeys * perKey / 10, "all": someKeys * perKey * 2} {
			s := above(b, e, cacheBytes)
			read := func(key []byte) { readThrough(b, s, key) }
			d := dice(2)
			for range 4 * someKeys {
				read(keys[dist.pick(&d, someKeys)])
			}
			before, n := s.Memory(), 0
			bench("store-"+name, func(key []byte) { read(key); n++ })
			b.Logf("%s, %s: %.1f %% misses, %+v", dist.name, name, 100*float64(s.Memory().Loads-before.Loads)/float64(n), s.Memory())
		}
	}
}

// readThrough is what a reader does above an engine.
func readThrough(b *testing.B, s *storage.Store, key []byte) {
	hash := s.Hash(key)
	if o := s.Lookup(key, hash); o != nil {
		if v := o.Visible(at); v != nil {
			if hash%storage.Sampling == 0 {
				s.Touch(hash)
			}
			return
		}
	}
	if _, v, err := s.Find(context.Background(), key, hash, at); v == nil || err != nil {
		b.Fatal(v, err)
	}
}

// BenchmarkHit is a read of what is in memory, with and without an engine.
func BenchmarkHit(b *testing.B) {
	for _, n := range []int{fewKeys, someKeys} {
		keys := scattered(n)
		loaded := above(b, stored(b, keys), int64(n)*perKey*2)
		for _, key := range keys {
			readThrough(b, loaded, key)
		}
		for _, of := range []struct {
			name  string
			store *storage.Store
		}{{"none", filled(keys)}, {"memstore", loaded}} {
			b.Run(fmt.Sprintf("keys=%d/engine=%s", n, of.name), func(b *testing.B) {
				b.ReportAllocs()
				d, found := dice(1), 0
				for b.Loop() {
					key := keys[d.roll(n)]
					if o := of.store.Lookup(key, of.store.Hash(key)); o.Visible(at) != nil {
						found++
					}
				}
				if found != b.N {
					b.Errorf("found %d of %d", found, b.N)
				}
			})
		}
	}
}

// BenchmarkSight is a scan of 100 keys of the engine, against the engine's own with
// copies of keys and values, and against one in memory by cursor and by merge.
func BenchmarkSight(b *testing.B) {
	const length = 100
	keys := scattered(someKeys)
	e := stored(b, keys)
	cold, warm := above(b, e, nothing), filled(keys)
	bench := func(name string, scan func(lo []byte) (n int)) {
		b.Run("by="+name, func(b *testing.B) {
			b.ReportAllocs()
			d := dice(1)
			for b.Loop() {
				if key := keys[d.roll(someKeys)]; key[0] < 0xf0 && scan(key) != length {
					b.Fatalf("too few keys from %x", key)
				}
			}
		})
	}
	bench("engine", func(lo []byte) (n int) {
		it, err := e.Scan(lo, nil, storage.Ascending)
		for ; err == nil && n < length && it.Next(); n++ {
			storage.NewWritten(it.Key(), 0, it.Value(), nil)
		}
		it.Close()
		return n
	})
	sight := func(s *storage.Store) func(lo []byte) int {
		return func(lo []byte) (n int) {
			at := s.Sight(lo, nil, storage.Ascending, at)
			for ; n < length; n++ {
				if key, _, err := at.Next(); key == nil || err != nil {
					break
				}
			}
			at.Close()
			return n
		}
	}
	bench("sight", sight(cold))
	bench("cursor", func(lo []byte) (n int) {
		for c := warm.Ascend(lo, nil); n < length; n++ {
			if o := c.Next(); o == nil || o.Visible(at) == nil {
				break
			}
		}
		return n
	})
	bench("sight-in-memory", sight(warm))
}

// BenchmarkSettle is what becomes of an object after it was applied: it comes to the
// cache, and another one goes.
func BenchmarkSettle(b *testing.B) {
	e := memstore.Open(memstore.Options{})
	s := above(b, e, someKeys*perKey/10)
	s.SetApplied(at)
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		key := fmt.Appendf(nil, "%016x", n)
		put(s, key)
		o := s.Get(key)
		if s.Settle(o, o.Head(), at) != storage.Gone {
			b.Fatal("later")
		}
	}
	s.Quiesce()
	b.Logf("%+v", s.Memory())
}
