package storage_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/puzpuzpuz/xsync/v3"
	"github.com/tidwall/btree"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/storage"
)

// Keys have 16 bytes and values 100, as in the goals of package txnmgr. Many keys
// do not fit into the processor's caches, few do.
const (
	fewKeys   = 1_000
	manyKeys  = 1_000_000
	valueSize = 100
	at        = 2 // the commit timestamp of everything
)

// sink keeps results from being optimised away.
var sink atomic.Uint64

// dice is a generator that costs next to nothing.
type dice uint64

func (d *dice) roll(n int) int {
	*d = *d*6364136223846793005 + 1442695040888963407
	return int(uint64(*d>>33) % uint64(n))
}

// scattered returns n keys in no order.
func scattered(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		key := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(i)*0x9E3779B97F4A7C15)
		keys[i] = binary.BigEndian.AppendUint64(key, uint64(i))
	}
	return keys
}

// asString views a key as a string without a copy, as the peers' users would.
func asString(key []byte) string { return unsafe.String(&key[0], len(key)) }

// filled returns a store with an object and one version for each key.
func filled(keys [][]byte) *storage.Store {
	s := storage.New()
	for _, key := range keys {
		put(s, key)
	}
	return s
}

func put(s *storage.Store, key []byte) {
	o := storage.NewObject(key, s.Hash(key))
	v := storage.NewVersion(make([]byte, valueSize), nil)
	v.Stamp(at)
	o.Link(v)
	s.Adopt(o)
	o.Lower(storage.Update, storage.Unlocked)
}

// BenchmarkLookup is a lookup of a random key, and a look at the head of the object
// found, in our table, in xsync's MapOf, in a Go map under a RWMutex, and in a plain
// Go map, the limit.
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{fewKeys, manyKeys} {
		keys := scattered(n)
		ours := filled(keys)
		peer := xsync.NewMapOf[string, *storage.Object](xsync.WithPresize(n))
		plain := make(map[string]*storage.Object, n)
		for _, key := range keys {
			o := ours.Get(key)
			peer.Store(string(key), o)
			plain[string(key)] = o
		}
		var mu sync.RWMutex
		lookup := func(name string, get func(key []byte) *storage.Object) {
			b.Run(fmt.Sprintf("keys=%d/table=%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				d, found := dice(1), 0
				for b.Loop() {
					if get(keys[d.roll(n)]).Head() != nil {
						found++
					}
				}
				if found != b.N {
					b.Errorf("found %d of %d", found, b.N)
				}
			})
		}
		lookup("ours", ours.Get)
		lookup("xsync", func(key []byte) *storage.Object {
			o, _ := peer.Load(asString(key))
			return o
		})
		lookup("rwmutex", func(key []byte) *storage.Object {
			mu.RLock()
			defer mu.RUnlock()
			return plain[string(key)]
		})
		lookup("map", func(key []byte) *storage.Object { return plain[string(key)] })
	}
}

// BenchmarkInsert fills an empty index with 100,000 keys; ns/insert is what counts.
// Ours are two indexes and make objects, versions and all; the peers are one, with
// a slice as the value.
func BenchmarkInsert(b *testing.B) {
	const n = 100_000
	random, ascending := scattered(n), make([][]byte, n)
	for i := range ascending {
		ascending[i] = binary.BigEndian.AppendUint64(make([]byte, 8, 16), uint64(i))
	}
	for _, order := range []struct {
		name string
		keys [][]byte
	}{{"random", random}, {"ascending", ascending}} {
		keys := order.keys
		insert := func(name string, fill func()) {
			b.Run(fmt.Sprintf("order=%s/index=%s", order.name, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					fill()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/insert")
			})
		}
		insert("ours", func() { filled(keys) })
		insert("xsync", func() {
			m := xsync.NewMapOf[string, []byte]()
			for _, key := range keys {
				m.Store(string(key), make([]byte, valueSize))
			}
		})
		insert("btree", func() {
			var mu sync.Mutex
			var m btree.Map[string, []byte]
			for _, key := range keys {
				mu.Lock()
				m.Set(string(key), make([]byte, valueSize))
				mu.Unlock()
			}
		})
	}
}

// BenchmarkScan is a walk over 100 keys from a random one on, with a look at each
// value, against a copy-on-write B-tree of which it takes a copy.
func BenchmarkScan(b *testing.B) {
	const length = 100
	for _, n := range []int{fewKeys, manyKeys} {
		keys := scattered(n)
		ours := filled(keys)
		peer := new(btree.Map[string, []byte])
		for _, key := range keys {
			peer.Set(string(key), make([]byte, valueSize))
		}
		b.Run(fmt.Sprintf("keys=%d/index=ours", n), func(b *testing.B) {
			b.ReportAllocs()
			d, sum := dice(1), uint64(0)
			for b.Loop() {
				c := ours.Ascend(keys[d.roll(n)], nil)
				for left := length; left > 0; {
					batch := c.Take(min(16, left))
					if len(batch) == 0 {
						break
					}
					for _, o := range batch {
						sum += uint64(o.Key()[0] + o.Visible(at).Value()[0])
					}
					left -= len(batch)
				}
			}
			sink.Store(sum)
		})
		b.Run(fmt.Sprintf("keys=%d/index=btree", n), func(b *testing.B) {
			b.ReportAllocs()
			d, sum := dice(1), uint64(0)
			for b.Loop() {
				left := length
				from := keys[d.roll(n)]
				peer.Copy().Ascend(asString(from), func(key string, value []byte) bool {
					sum += uint64(key[0] + value[0])
					left--
					return left > 0
				})
			}
			sink.Store(sum)
		})
	}
}

// behind is a version whose value lies behind one more pointer, and behindObject
// the object over it, as large as ours.
type behind struct {
	at    atomic.Uint64
	older atomic.Pointer[behind]
	_     atomic.Pointer[storage.State]
	value []byte
}

type behindObject struct {
	head atomic.Pointer[behind]
	_    [storage.ObjectHeader - unsafe.Sizeof(uintptr(0))]byte
}

func (o *behindObject) visible(snapshot uint64) *behind {
	for v := o.head.Load(); v != nil; v = v.older.Load() {
		if ts := v.at.Load(); ts != 0 && ts <= snapshot {
			return v
		}
	}
	return nil
}

// BenchmarkVersion is a read of the value of a random object: from the object to
// the version, which has the value in the same allocation, or to a version and
// from there to the value.
func BenchmarkVersion(b *testing.B) {
	for _, n := range []int{fewKeys, manyKeys} {
		inline, apart := inlineValues(n), valuesBehind(n)
		b.Run(fmt.Sprintf("keys=%d/value=inline", n), func(b *testing.B) {
			b.ReportAllocs()
			d, sum := dice(1), uint64(0)
			for b.Loop() {
				sum += uint64(inline[d.roll(n)].Visible(at).Value()[0])
			}
			sink.Store(sum)
		})
		b.Run(fmt.Sprintf("keys=%d/value=behind", n), func(b *testing.B) {
			b.ReportAllocs()
			d, sum := dice(1), uint64(0)
			for b.Loop() {
				sum += uint64(apart[d.roll(n)].visible(at).value[0])
			}
			sink.Store(sum)
		})
	}
}

// shuffled calls fn with the numbers below n in no order, so that neighbours in a
// list are none in memory.
func shuffled(n int, fn func(i int)) {
	for _, i := range rand.New(rand.NewPCG(1, uint64(n))).Perm(n) {
		fn(i)
	}
}

func inlineValues(n int) []*storage.Object {
	objects := make([]*storage.Object, n)
	shuffled(n, func(i int) { objects[i] = storage.NewObject(nil, 1) })
	shuffled(n, func(i int) {
		v := storage.NewVersion(make([]byte, valueSize), nil)
		v.Stamp(at)
		objects[i].Link(v)
	})
	return objects
}

func valuesBehind(n int) []*behindObject {
	objects := make([]*behindObject, n)
	shuffled(n, func(i int) { objects[i] = new(behindObject) })
	shuffled(n, func(i int) {
		v := &behind{value: make([]byte, valueSize)}
		v.at.Store(at)
		objects[i].head.Store(v)
	})
	return objects
}
