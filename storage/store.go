// Package storage owns the objects: the object table (by key, and in key order),
// the version chains, and the one function that says which version a snapshot
// sees. It never decides a commit.
//
// # Life of an object
//
// An update transaction that writes a key nobody wrote before makes the object
// itself, with the lock word held, and enters it in the table and then in the
// ordered index before it commits (Adopt). So an object is in both indexes
// before the first commit on it is published. Reads make no objects.
//
// An object whose newest version is a tombstone that no active snapshot is older
// than is removed (Remove): first its lock word goes from free to dead, which
// no writer can win any more; then it leaves the ordered index, then the table,
// each by identity. A writer that meets a dead object completes the removal and
// begins again with a new object; since the ordered index comes first, two
// objects with one key never stand in it together. A reader that holds a dead
// object keeps its chain, which says deleted.
//
// # Above an engine
//
// A store may have an engine under it (Attach). Then objects that the engine has
// leave memory in much the same way when there is no room for them, and come back
// when they are read (Find): the only objects that reads make. Those are in the table
// alone until they are written (Enlist). A scan looks at both places (Sight). Why
// nobody sees anything stale stands at type cold.
//
// # What a reader does
//
// It loads the head of the chain and walks to the first version with a commit
// timestamp at or below its snapshot (Visible). It writes nothing and waits for
// nobody (I5).
package storage

// Store is the object table: by key and in key order.
type Store struct {
	table   table
	ordered ordered
	cold    *cold // nil: everything is in memory
}

// New returns an empty store.
func New() *Store {
	s := new(Store)
	s.table.init()
	s.ordered.init()
	return s
}

// Hash returns the hash of a key for this store.
func (s *Store) Hash(key []byte) uint64 { return s.table.hashOf(key) }

// Lookup returns the object with the key, whose hash is hash, or nil. It may be
// dead.
func (s *Store) Lookup(key []byte, hash uint64) *Object { return s.table.lookup(key, hash) }

// Get returns the object with the key, or nil. It may be dead.
func (s *Store) Get(key []byte) *Object { return s.table.lookup(key, s.table.hashOf(key)) }

// Adopt enters o in both indexes and returns it, or returns the object that has
// its key already. o was made by NewObject, and its lock word is held.
func (s *Store) Adopt(o *Object) *Object {
	o.fresh, o.ordered = false, true
	if in := s.table.insert(o); in != o {
		return in
	}
	s.ordered.insert(o)
	return o
}

// Enlist enters o in the ordered index too, unless it is there. The caller holds the
// lock word in an exclusive mode; a writer does this before it commits.
func (s *Store) Enlist(o *Object) {
	if !o.ordered {
		o.ordered = true
		s.ordered.insert(o)
	}
}

// Remove takes the object out of the store for good, if it has no versions or
// nothing but a tombstone. The caller owns the lock word, and goes on owning it if
// Remove reports false: the object has a value, or somebody waits for it.
//
// Above an engine a tombstone stays: until it is applied the engine has a value
// there, and afterwards Settle removes it.
func (s *Store) Remove(o *Object) bool {
	if head := o.Head(); head != nil && (!head.Tombstone() || head.Older() != nil || s.cold != nil) {
		return false
	}
	if !o.kill() {
		return false
	}
	s.Forget(o)
	return true
}

// Forget completes the removal of a dead object. Many may do it at once.
func (s *Store) Forget(o *Object) {
	if o.ordered {
		s.ordered.remove(o)
	}
	s.table.remove(o)
}

// Len returns the number of objects.
func (s *Store) Len() int64 { return s.table.len() }
