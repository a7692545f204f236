package deps

import (
	"bytes"

	"github.com/tierceldb/tiercel/storage"
)

// ReadSet is what a serializable transaction has read of the store: keys, keys
// that were absent, and ranges. Its own writes are not in it.
type ReadSet struct {
	objects []*storage.Object
	absent  []*storage.Object // stand for keys without an object; in no index
	ranges  []Range
	keys    map[string]struct{} // of objects and absent, once they are many
	inline  [4]*storage.Object
}

// Range is a range that was read: Lo ≤ key < Hi, or ≤ Hi if Closed. Hi nil and
// not Closed means to the end.
type Range struct {
	Lo, Hi []byte
	Closed bool
}

// fewKeys is how many keys are compared one by one.
const fewKeys = 16

// AddObject enters a key that was read and has an object.
func (s *ReadSet) AddObject(o *storage.Object) {
	if s.enter(o) {
		if s.objects == nil {
			s.objects = s.inline[:0]
		}
		s.objects = append(s.objects, o)
	}
}

// AddAbsent enters a key that was read and has no object. It copies key.
func (s *ReadSet) AddAbsent(key []byte, hash uint64) {
	if o := storage.NewObject(key, hash); s.enter(o) {
		s.absent = append(s.absent, o)
	}
}

// AddRange enters a range and returns its number for Extend. It keeps the slices.
func (s *ReadSet) AddRange(r Range) int {
	s.ranges = append(s.ranges, r)
	return len(s.ranges) - 1
}

// Range returns the range with the given number, to be changed.
func (s *ReadSet) Range(number int) *Range { return &s.ranges[number] }

// enter reports whether the key of o is new to the set.
func (s *ReadSet) enter(o *storage.Object) bool {
	n := len(s.objects) + len(s.absent)
	if n < fewKeys {
		return !s.hasKey(o)
	}
	if s.keys == nil {
		s.keys = make(map[string]struct{}, 2*n)
		for _, o := range s.objects {
			s.keys[string(o.Key())] = struct{}{}
		}
		for _, o := range s.absent {
			s.keys[string(o.Key())] = struct{}{}
		}
	}
	before := len(s.keys)
	s.keys[string(o.Key())] = struct{}{}
	return len(s.keys) > before
}

// hasKey reports whether the key of o was read. It goes by key, not by object: an
// object may have been removed, and another made for the key, since it was read.
func (s *ReadSet) hasKey(o *storage.Object) bool {
	if s.keys != nil {
		_, found := s.keys[string(o.Key())]
		return found
	}
	return hasKey(s.objects, o) || hasKey(s.absent, o)
}

func hasKey(in []*storage.Object, o *storage.Object) bool {
	for _, x := range in {
		if x == o || x.Is(o.Key(), o.Hash()) {
			return true
		}
	}
	return false
}

// has reports whether the key is in the range.
func (r *Range) has(key []byte) bool {
	if bytes.Compare(key, r.Lo) < 0 {
		return false
	}
	if c := bytes.Compare(key, r.Hi); r.Closed {
		return c <= 0
	} else {
		return r.Hi == nil || c < 0
	}
}

// end returns the first key above the range, or nil.
func (r *Range) end() []byte {
	if r.Closed {
		return append(bytes.Clone(r.Hi), 0)
	}
	return r.Hi
}

// isEmpty reports whether nothing was read.
func (s *ReadSet) isEmpty() bool {
	return len(s.objects) == 0 && len(s.absent) == 0 && len(s.ranges) == 0
}

// isSmall reports whether looking at every key again is quicker than looking at
// what was committed in between.
func (s *ReadSet) isSmall() bool {
	return len(s.ranges) == 0 && len(s.objects)+len(s.absent) <= fewKeys/2
}
