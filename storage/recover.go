package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// What follows is for a store that nobody reads yet, while it is filled from a log.

// Replace makes v the only version of the object.
func (o *Object) Replace(v *Version) { o.head.Store(v) }

// Enter enters an object made by NewObject in the table, which has none with its key,
// and lets its lock word go. It has to be in the ordered index too before anything
// begins; see EnlistAll.
func (s *Store) Enter(o *Object) {
	o.fresh = false
	s.table.insert(o)
	o.Lower(Update, Unlocked)
}

// EnlistAll enters the objects in the ordered index, which is empty. To sort them and
// to build the index at once takes a fifth of the time of one after the other.
func (s *Store) EnlistAll(objects []*Object) {
	type sortable struct {
		prefix uint64 // of the key: most comparisons need not look at the object
		object *Object
	}
	list := make([]sortable, len(objects))
	for i, o := range objects {
		var prefix [8]byte
		copy(prefix[:], o.Key())
		list[i] = sortable{prefix: binary.BigEndian.Uint64(prefix[:]), object: o}
	}
	slices.SortFunc(list, func(a, b sortable) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		return bytes.Compare(a.object.Key(), b.object.Key())
	})
	sorted := make([]*Object, len(list))
	for i, x := range list {
		sorted[i], x.object.ordered = x.object, true
	}
	s.ordered.build(sorted)
}

// build makes the index one of these objects, which are in order. There is room in
// the leaves for some more.
func (ix *ordered) build(sorted []*Object) {
	const filled = leafSize * 3 / 4
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.master = new(directory)
	var before *leaf
	for i := 0; i < len(sorted) || before == nil; i += filled {
		part := sorted[i:min(i+filled, len(sorted))]
		low := "" // of the first leaf
		if i > 0 {
			low = string(part[0].Key())
		}
		l := newLeaf(low, slices.Clone(part))
		ix.link(before, l)
		ix.master.Set(low, l)
		before = l
	}
	ix.publish()
}
