package deps

import (
	"bytes"
	"slices"

	"github.com/tierceldb/tiercel/storage"
)

// ReadSet is what a serializable transaction has read of the store: keys, keys
// that were absent, and ranges. Its own writes are not in it.
//
// Most transactions read few keys; those have their place here, and whatever does
// not fit is in many.
type ReadSet struct {
	few  [2]*storage.Object
	many *manyReads
}

type manyReads struct {
	objects []*storage.Object
	absent  []*storage.Object // stand for keys without an object; in no index
	ranges  []Range
	keys    map[string]struct{} // of objects and absent, once they are many

	checked *Record // all is proved unchanged up to this record of the committed list
	stood   uint64  // timestamp of the first such record; the list must not be cut from there on
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
	for i, x := range s.few {
		if x == o {
			return
		}
		if x == nil {
			s.few[i] = o
			return
		}
	}
	if m := s.more(); m.enter(o) {
		m.objects = append(m.objects, o)
	}
}

// AddAbsent enters a key that was read and has no object. It copies key.
func (s *ReadSet) AddAbsent(key []byte, hash uint64) {
	m := s.more()
	if o := storage.NewObject(key, hash); m.enter(o) {
		m.absent = append(m.absent, o)
	}
}

// AddRange enters a range and returns its number, for Range. It keeps the slices.
func (s *ReadSet) AddRange(r Range) int {
	m := s.more()
	m.ranges = append(m.ranges, r)
	return len(m.ranges) - 1
}

// Range returns the range with the given number, to be changed.
func (s *ReadSet) Range(number int) *Range { return &s.many.ranges[number] }

func (s *ReadSet) more() *manyReads {
	if s.many == nil {
		s.many = new(manyReads)
	}
	return s.many
}

// enter reports whether the key of o is new to the set.
func (m *manyReads) enter(o *storage.Object) bool {
	n := len(m.objects) + len(m.absent)
	if n < fewKeys {
		return !m.hasKey(o)
	}
	if m.keys == nil {
		m.keys = make(map[string]struct{}, 2*n)
		for _, o := range m.objects {
			m.keys[string(o.Key())] = struct{}{}
		}
		for _, o := range m.absent {
			m.keys[string(o.Key())] = struct{}{}
		}
	}
	before := len(m.keys)
	m.keys[string(o.Key())] = struct{}{}
	return len(m.keys) > before
}

// hasKey reports whether the key of o was read. It goes by key, not by object: an
// object may have been removed, and another made for the key, since it was read.
func (s *ReadSet) hasKey(o *storage.Object) bool {
	for _, x := range s.few {
		if x != nil && sameKey(x, o) {
			return true
		}
	}
	return s.many != nil && s.many.hasKey(o)
}

func (m *manyReads) hasKey(o *storage.Object) bool {
	if m.keys != nil {
		_, found := m.keys[string(o.Key())]
		return found
	}
	same := func(x *storage.Object) bool { return sameKey(x, o) }
	return slices.ContainsFunc(m.objects, same) || slices.ContainsFunc(m.absent, same)
}

func sameKey(a, b *storage.Object) bool { return a == b || a.Is(b.Key(), b.Hash()) }

// each calls fn with all keys that were read, present or absent, until it returns
// false. Some may come twice.
func (s *ReadSet) each(fn func(o *storage.Object) bool) {
	for _, o := range s.few {
		if o != nil && !fn(o) {
			return
		}
	}
	if s.many == nil {
		return
	}
	for _, list := range [][]*storage.Object{s.many.objects, s.many.absent} {
		for _, o := range list {
			if !fn(o) {
				return
			}
		}
	}
}

// Keys calls fn with all keys that were read, present or absent. Some may come twice.
func (s *ReadSet) Keys(fn func(o *storage.Object)) {
	s.each(func(o *storage.Object) bool {
		fn(o)
		return true
	})
}

// Ranges returns the ranges that were read. They must not be changed.
func (s *ReadSet) Ranges() []Range {
	if s.many == nil {
		return nil
	}
	return s.many.ranges
}

// inRange reports whether the key is in a range that was read.
func (s *ReadSet) inRange(key []byte) bool {
	return s.many != nil && slices.ContainsFunc(s.many.ranges, func(r Range) bool { return r.has(key) })
}

func (s *ReadSet) hasRanges() bool { return s.many != nil && len(s.many.ranges) > 0 }

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
func (s *ReadSet) isEmpty() bool { return s.few[0] == nil && s.many == nil }

// isSmall reports whether looking at every key again is quicker than looking at
// what was committed in between.
func (s *ReadSet) isSmall() bool {
	m := s.many
	return m == nil || len(m.ranges) == 0 && len(m.objects)+len(m.absent) <= fewKeys/2
}
