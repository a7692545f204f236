package txnmgr

import (
	"bytes"
	"unsafe"

	"github.com/tidwall/btree"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// writeSet is what a transaction has written so far: the list in its record, in
// the order of the first write of each key, and once that is long a tree over it.
type writeSet struct {
	rec   *deps.Record
	index *btree.Map[string, int] // key → position in the list; nil while the list is short
}

// shortList is how many writes are compared one by one.
const shortList = 16

func (s *writeSet) len() int { return len(s.rec.Writes) }

// asString views a key as a string without a copy. Keys do not change.
func asString(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

// find returns the position of the write to key, or -1.
func (s *writeSet) find(key []byte, hash uint64) int {
	if s.index != nil {
		if i, found := s.index.Get(asString(key)); found {
			return i
		}
		return -1
	}
	for i := range s.rec.Writes {
		if s.rec.Writes[i].Object.Is(key, hash) {
			return i
		}
	}
	return -1
}

// add appends a write to a key that is not in the set.
func (s *writeSet) add(w deps.Write) {
	s.rec.Add(w)
	switch {
	case s.index != nil:
		s.index.Set(asString(w.Object.Key()), s.len()-1)
	case s.len() > shortList:
		s.index = new(btree.Map[string, int])
		for i := range s.rec.Writes {
			s.index.Set(asString(s.rec.Writes[i].Object.Key()), i)
		}
	}
}

// drop takes the last write off the list.
func (s *writeSet) drop() {
	last := s.len() - 1
	if s.index != nil {
		s.index.Delete(asString(s.rec.Writes[last].Object.Key()))
	}
	s.rec.Writes[last] = deps.Write{}
	s.rec.Writes = s.rec.Writes[:last]
}

// version returns what is written at position i.
func (s *writeSet) version(i int) *storage.Version { return s.rec.Writes[i].Version }

// next returns the position of the first write in the direction of s's range that
// lies behind after (at is included if from), and in the range; or -1.
func (s *writeSet) next(in *span) int {
	if s.index == nil {
		best := -1
		for i := range s.rec.Writes {
			key := s.rec.Writes[i].Object.Key()
			if in.has(key) && (best < 0 || in.before(key, s.rec.Writes[best].Object.Key())) {
				best = i
			}
		}
		return best
	}
	found := -1
	take := func(key string, i int) bool {
		k := unsafe.Slice(unsafe.StringData(key), len(key))
		if in.has(k) {
			found = i
			return false
		}
		return in.isAtEdge(k)
	}
	switch {
	case !in.down:
		s.index.Ascend(asString(in.lo), take)
	case in.hi == nil:
		s.index.Reverse(take)
	default:
		s.index.Descend(asString(in.hi), take)
	}
	return found
}

// span is what is left of the range of a scan: lo ≤ key < hi, with hi nil for the
// end; or lo < key once something at lo was yielded.
type span struct {
	lo, hi []byte
	passed bool // lo itself is done; only upwards
	down   bool
}

func (in *span) has(key []byte) bool {
	if c := bytes.Compare(key, in.lo); c < 0 || c == 0 && in.passed {
		return false
	}
	return in.hi == nil || bytes.Compare(key, in.hi) < 0
}

// isAtEdge reports whether key is the end from which the walk starts, and excluded.
func (in *span) isAtEdge(key []byte) bool {
	if in.down {
		return bytes.Equal(key, in.hi)
	}
	return in.passed && bytes.Equal(key, in.lo)
}

// before reports whether a comes before b in the direction of the scan.
func (in *span) before(a, b []byte) bool {
	if in.down {
		a, b = b, a
	}
	return bytes.Compare(a, b) < 0
}

// pass makes key the last that is done.
func (in *span) pass(key []byte) {
	if in.down {
		in.hi = key
	} else {
		in.lo, in.passed = key, true
	}
}
