package storage

import (
	"bytes"
	"hash/maphash"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// table finds objects by key: a hash table with open addressing, in shards.
//
// A lookup takes no lock and writes nothing: it loads the shard's array, probes
// it, and compares the key. It costs two cache misses on cold data, the cell and
// the object. xsync's MapOf costs four (bucket, entry, key, object) and was the
// first choice; BenchmarkLookup has both.
//
// Inserts and removals of a shard are one at a time under its mutex. What a
// lookup may miss is an insert that had not returned when the lookup began,
// because a rebuild publishes a new array and leaves the old one as it was.
type table struct {
	seed maphash.Seed
	// arrays are what lookups go through: apart from the shards, and together, so
	// that they fill few cache lines.
	arrays [shards]atomic.Pointer[cells]
	shards [shards]shard
}

const (
	shardBits = 6
	shards    = 1 << shardBits
	minCells  = 16
)

type shard struct {
	cells *atomic.Pointer[cells] // in arrays
	mu    sync.Mutex             // protects following fields and every write to cells
	used  int                    // cells that are not empty
	live  int                    // cells with an object
	_     pad.Line
}

// cells is one array of a shard; its length is a power of two.
type cells []cell

// cell is empty (object nil), in use, or left (the object is vacated). The hash
// stands beside the object so that a probe does not touch other objects. A probe
// that sees the hash of one object and the pointer of another is harmless: the
// insert or removal it overlaps may be ordered after it, and the key decides.
type cell struct {
	_      pad.Align64
	hash   atomic.Uint64
	object atomic.Pointer[Object]
}

// vacated stands in cells whose object was removed.
var vacated = &Object{}

func (t *table) init() {
	t.seed = maphash.MakeSeed()
	for i := range t.shards {
		empty := make(cells, minCells)
		t.arrays[i].Store(&empty)
		t.shards[i].cells = &t.arrays[i]
	}
}

// hashOf returns the hash of a key, never 0. The top bits choose the shard, the
// bottom bits the cell.
func (t *table) hashOf(key []byte) uint64 { return maphash.Bytes(t.seed, key) | 1<<(63-shardBits) }

func (t *table) shard(hash uint64) *shard { return &t.shards[hash>>(64-shardBits)] }

// lookup returns the object with the key, or nil.
func (t *table) lookup(key []byte, hash uint64) *Object {
	in := *t.arrays[hash>>(64-shardBits)].Load()
	for i := hash; ; i++ {
		c := &in[i&uint64(len(in)-1)]
		o := c.object.Load()
		if o == nil {
			return nil
		}
		// Not o.Is: the object's hash may lie in a cache line that is not needed. The
		// vacated object, whose key is empty, has to be told apart.
		if c.hash.Load() == hash && int(o.size) == len(key) && bytes.Equal(o.Key(), key) && o != vacated {
			return o
		}
	}
}

// insert adds o unless the table has an object with its key, and returns the
// object that the table has.
func (t *table) insert(o *Object) *Object {
	s := t.shard(o.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := t.lookup(o.Key(), o.hash); found != nil {
		return found
	}
	s.add(o)
	return o
}

// insertUpTo is insert if the mark is not above limit, and else returns nil when the
// table has no object with the key. The mark is read while nothing can be inserted
// or removed.
func (t *table) insertUpTo(o *Object, mark *atomic.Uint64, limit uint64) *Object {
	s := t.shard(o.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := t.lookup(o.Key(), o.hash); found != nil {
		return found
	}
	if mark.Load() > limit {
		return nil
	}
	s.add(o)
	return o
}

// add puts o in; no object with its key is there. The caller holds mu.
func (s *shard) add(o *Object) {
	if s.used*4 >= len(*s.cells.Load())*3 {
		s.rebuild(s.live + 1)
	}
	s.place(*s.cells.Load(), o.hash, o)
	s.live++
}

// place puts o, whose hash is hash, into the first cell that is free. The caller has made sure that
// there is one.
func (s *shard) place(in cells, hash uint64, o *Object) {
	mask := uint64(len(in) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		c := &in[i]
		old := c.object.Load()
		if old != nil && old != vacated {
			continue
		}
		if old == nil {
			s.used++
		}
		c.hash.Store(hash)
		c.object.Store(o)
		return
	}
}

// rebuild moves the objects to a new array in which n of them fill between a
// quarter and a half of the cells.
func (s *shard) rebuild(n int) {
	size := minCells
	for size < 2*n {
		size *= 2
	}
	old, fresh := *s.cells.Load(), make(cells, size)
	s.used = 0
	for i := range old {
		if o := old[i].object.Load(); o != nil && o != vacated {
			s.place(fresh, old[i].hash.Load(), o) // the object's would be a cache miss
		}
	}
	s.cells.Store(&fresh)
}

// remove takes o out. It goes by identity, not by key: another object with the
// same key may be there by now.
func (t *table) remove(o *Object) {
	s := t.shard(o.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	in := *s.cells.Load()
	mask := uint64(len(in) - 1)
	for i := o.hash & mask; ; i = (i + 1) & mask {
		switch in[i].object.Load() {
		case nil:
			return // somebody helped
		case o:
			in[i].hash.Store(0)
			in[i].object.Store(vacated)
			s.live--
			if len(in) > minCells && s.live*16 < len(in) {
				s.rebuild(s.live)
			}
			return
		}
	}
}

// len returns the number of objects.
func (t *table) len() int64 {
	n := 0
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += s.live
		s.mu.Unlock()
	}
	return int64(n)
}
