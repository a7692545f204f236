package storage

import (
	"fmt"
	"unsafe"
)

// Table is the index by key of a store, alone.
type Table struct{ s *Store }

// What the tests have to know of the classes of allocation and the leaves.
const (
	VersionHeader = versionHeader
	ObjectHeader  = objectHeader
	FineRoom      = fineRoom
	MaxInline     = maxInline
	LeafSize      = leafSize
	MinCells      = minCells
	WordSize      = unsafe.Sizeof(uintptr(0))
)

// CoarseRooms returns the rooms beyond FineRoom.
func CoarseRooms() []int {
	var rooms []int
	for _, room := range coarse {
		rooms = append(rooms, room)
	}
	return rooms
}

// NewTable returns an empty table.
func NewTable() Table { return Table{s: New()} }

// Hash is hashOf.
func (t Table) Hash(key []byte) uint64 { return t.s.table.hashOf(key) }

// Lookup is lookup.
func (t Table) Lookup(key []byte, hash uint64) *Object { return t.s.table.lookup(key, hash) }

// Insert is insert.
func (t Table) Insert(o *Object) *Object { return t.s.table.insert(o) }

// Remove is remove.
func (t Table) Remove(o *Object) { t.s.table.remove(o) }

// Len is len.
func (t Table) Len() int64 { return t.s.table.len() }

// Cells returns how many cells the shard of a hash has, how many of them are not
// empty, and how many have an object.
func (t Table) Cells(hash uint64) (all, used, live int) {
	s := t.s.table.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(*s.cells.Load()), s.used, s.live
}

// LockTable holds the mutex of a shard until the result is called.
func (s *Store) LockTable(hash uint64) (unlock func()) {
	s.table.shard(hash).mu.Lock()
	return s.table.shard(hash).mu.Unlock
}

// LockOrdered holds the mutex of the ordered index until the result is called.
func (s *Store) LockOrdered() (unlock func()) {
	s.ordered.mu.Lock()
	return s.ordered.mu.Unlock
}

// FreezeLeaf stops an edit of the leaf of key half-way: the leaf is frozen and
// the mutex held, but nothing is published. The edit never goes on.
func (s *Store) FreezeLeaf(key []byte) {
	s.ordered.mu.Lock()
	s.ordered.leafOf(key).freeze()
}

// InsertOrdered enters o in the ordered index alone.
func (s *Store) InsertOrdered(o *Object) { s.ordered.insert(o) }

// RemoveOrdered takes o out of the ordered index alone.
func (s *Store) RemoveOrdered(o *Object) { s.ordered.remove(o) }

// Leaves returns the number of leaves.
func (s *Store) Leaves() int { return s.ordered.dir.Load().Len() }

// CheckLeaves looks for what must not be between two edits: a leaf that is
// frozen, too full, or has keys of another; links and a directory that differ.
func (s *Store) CheckLeaves() error {
	ix := &s.ordered
	ix.mu.Lock()
	defer ix.mu.Unlock()
	var leaves []*leaf
	ix.dir.Load().Scan(func(low string, l *leaf) bool {
		leaves = append(leaves, l)
		return true
	})
	for i, l := range leaves {
		var prev, next *leaf
		if i > 0 {
			prev = leaves[i-1]
		}
		if i < len(leaves)-1 {
			next = leaves[i+1]
		}
		if l.prev.Load() != prev || l.next.Load() != next {
			return fmt.Errorf("leaf %d of %d, low %q: links differ from the directory", i, len(leaves), l.low)
		}
		if err := l.checkContent(next); err != nil {
			return fmt.Errorf("leaf %d of %d, low %q: %w", i, len(leaves), l.low, err)
		}
	}
	return nil
}

func (l *leaf) checkContent(next *leaf) error {
	c := l.held.Load()
	if c.frozen {
		return fmt.Errorf("frozen, and no edit runs")
	}
	if len(c.objects) > leafSize {
		return fmt.Errorf("%d objects", len(c.objects))
	}
	for i, o := range c.objects {
		key := string(o.Key())
		if key < l.low || next != nil && key >= next.low || i > 0 && key <= string(c.objects[i-1].Key()) {
			return fmt.Errorf("key %q stands in the wrong place", key)
		}
	}
	return nil
}

// Kill marks an object dead as Remove does, and goes no further.
func (o *Object) Kill() bool { return o.kill() }

// Quiesce waits until the cache has done what it was told.
func (s *Store) Quiesce() { s.cold.cache.entries.Wait() }

// MarkOf returns the mark of the keys with the hash.
func (s *Store) MarkOf(hash uint64) uint64 { return s.cold.mark(hash).Load() }

// FewMarks leaves n marks for all keys.
func (s *Store) FewMarks(n int) { s.cold.marks = s.cold.marks[:n] }

// Drop takes the object with the hash out of the cache, as if there were no room.
func (s *Store) Drop(hash uint64) {
	s.cold.cache.entries.Del(hash)
	s.Quiesce()
}

// Stuck returns how many objects the cache gave up that were held.
func (s *Store) Stuck() int {
	s.cold.stuck.mu.Lock()
	defer s.cold.stuck.mu.Unlock()
	return len(s.cold.stuck.objects)
}

// Views returns how many scans have an iterator open.
func (s *Store) Views() int {
	s.cold.views.mu.Lock()
	defer s.cold.views.mu.Unlock()
	return len(s.cold.views.open)
}

// Evict takes the object out of memory if it may go.
func (s *Store) Evict(o *Object) bool { return s.cold.evict(o) == evicted }

// TakeLeave, Stay and Die are steps of an eviction.
func (o *Object) TakeLeave() LockResult { return o.takeLeave() }
func (o *Object) Stay()                 { o.stay() }
func (o *Object) Die()                  { o.die() }

// IsOrdered reports whether the object is in the ordered index.
func (o *Object) IsOrdered() bool { return o.ordered }

// IsDetaching reports whether Detach waits for its turn, or is over.
func (s *Store) IsDetaching() bool {
	if !s.cold.gate.TryRLock() {
		return true
	}
	defer s.cold.gate.RUnlock()
	return s.cold.detached.Load()
}

// AdmitAll lets the cache take what is missed for the first time until it is full again.
func (s *Store) AdmitAll() { s.cold.cache.full.Store(false) }
