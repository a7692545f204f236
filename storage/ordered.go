package storage

import (
	"bytes"
	"slices"
	"sync"
	"unsafe"

	"github.com/tidwall/btree"
	"go.uber.org/atomic"
)

// ordered is the index of the objects in key order: leaves of up to leafSize
// objects, doubly linked, and a directory of the leaves by their lowest key.
// Readers take no lock: what a leaf holds is an array that is replaced, never
// changed, and the directory is a copy-on-write B-tree behind one pointer.
//
// An insert copies one array of pointers and publishes it by CAS, so inserts
// into different leaves do not meet; only a leaf that is full or empty takes the
// lock, and only then the directory changes. One copy-on-write tree over all
// objects was the alternative: every insert copies a path and all inserts meet
// at the root.
//
// Keys often come in ascending order, also from many clients at once, each behind its
// own last key. So a full leaf is split where the insert goes, if the last one went
// just before it: the leaf then ends there, and what follows is appended. An append
// copies nothing, if the array has room behind what is held. Nobody sees that room
// before the CAS that publishes it, and who writes there has the leaf's mark, has seen
// after taking it that the array is still the held one, and takes the mark off after the
// CAS. So what is published is not written any more: who has the mark later sees the
// longer content, or another array.
//
// What a scan is promised: it meets every object that was in the index when it
// began and is not removed, once, in order. (Objects that come while it runs may
// be met or not, in any order; its snapshot sees none of them.) A leaf that is split or dropped is
// frozen first: it keeps what it held and the neighbours it had, so a scan that
// stands on it goes on as if nothing had happened. The promise needs two rules.
// A leaf that is not frozen links to neighbours that are not frozen, or were
// frozen by an edit that is not yet published; and the new leaves of an edit take
// inserts only once the directory has them, which is its last step.
type ordered struct {
	dir atomic.Pointer[directory] // never changed once it is here

	mu     sync.Mutex // protects following fields, freezing and links
	master *directory
}

// directory maps the lowest key of a leaf to the leaf. The first leaf has "".
type directory = btree.Map[string, *leaf]

const leafSize = 64

type leaf struct {
	low        string
	held       atomic.Pointer[content]
	next, prev atomic.Pointer[leaf]
	appending  atomic.Bool // the mark of who writes behind what is held
}

// content is what a leaf holds at one time, in key order; it never changes.
type content struct {
	objects []*Object
	frozen  bool
	after   int32 // the last insert: where the next goes if keys ascend; 0 if none
}

func (ix *ordered) init() {
	ix.master = new(directory)
	first := newLeaf("", nil)
	ix.master.Set(first.low, first)
	ix.publish()
}

func newLeaf(low string, objects []*Object) *leaf {
	l := &leaf{low: low}
	l.held.Store(&content{objects: objects})
	return l
}

// asString views a key as a string without a copy. Keys do not change.
func asString(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

// leafOf returns the leaf that has the key, or would have it.
func (ix *ordered) leafOf(key []byte) (at *leaf) {
	ix.dir.Load().Descend(asString(key), func(_ string, l *leaf) bool {
		at = l
		return false
	})
	return at
}

// last returns the last leaf.
func (ix *ordered) last() *leaf {
	_, l, _ := ix.dir.Load().Max()
	return l
}

// position returns where the first object at or above key is, or would be. A search of
// package slices would move the key to the heap.
func position(in []*Object, key []byte) int {
	from, to := 0, len(in)
	for from < to {
		middle := int(uint(from+to) / 2)
		if bytes.Compare(in[middle].Key(), key) < 0 {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// insert adds o. No object with its key is there.
func (ix *ordered) insert(o *Object) {
	for {
		l := ix.leafOf(o.Key())
		c := l.held.Load()
		switch {
		case c.frozen:
			ix.waitForEdit()
		case len(c.objects) >= leafSize:
			ix.split(l, position(c.objects, o.Key()))
		default:
			i := position(c.objects, o.Key())
			if i == len(c.objects) && l.append(c, o) || l.held.CompareAndSwap(c, c.with(i, o)) {
				return
			}
		}
	}
}

// append adds o behind what c holds, in the same array. It reports false if that has no
// room, or is not what the leaf holds any more, or somebody else is about to append.
func (l *leaf) append(c *content, o *Object) bool {
	n := len(c.objects) + 1
	if n > cap(c.objects) || !l.appending.CompareAndSwap(false, true) {
		return false
	}
	defer l.appending.Store(false)
	return l.held.Load() == c && l.held.CompareAndSwap(c, &content{objects: append(c.objects, o), after: int32(n)})
}

// remove takes o out, by identity. It does nothing if o is not there.
func (ix *ordered) remove(o *Object) {
	for {
		l := ix.leafOf(o.Key())
		c := l.held.Load()
		if c.frozen {
			ix.waitForEdit()
			continue
		}
		i := position(c.objects, o.Key())
		if i == len(c.objects) || c.objects[i] != o {
			return
		}
		if !l.held.CompareAndSwap(c, c.without(i)) {
			continue
		}
		if len(c.objects) == 1 && l.low != "" {
			ix.drop(l)
		}
		return
	}
}

func (c *content) with(i int, o *Object) *content {
	n := len(c.objects) + 1
	room := n
	if i == len(c.objects) {
		room = leafSize
	}
	objects := make([]*Object, n, room)
	copy(objects, c.objects[:i])
	objects[i] = o
	copy(objects[i+1:], c.objects[i:])
	return &content{objects: objects, after: int32(i + 1)}
}

func (c *content) without(i int) *content {
	return &content{objects: slices.Concat(c.objects[:i], c.objects[i+1:])}
}

// waitForEdit returns once the edit that froze a leaf is published.
func (ix *ordered) waitForEdit() {
	ix.mu.Lock()
	//lint:ignore SA2001 the wait is all that is wanted
	ix.mu.Unlock()
}

// freeze stops all inserts into l and returns what it holds, or nil if it is
// frozen already. The caller holds mu.
func (l *leaf) freeze() *content {
	for {
		c := l.held.Load()
		if c.frozen {
			return nil
		}
		if l.held.CompareAndSwap(c, &content{objects: c.objects, frozen: true}) {
			return c
		}
	}
}

// split replaces l by two leaves, so that an object fits that goes to position at.
func (ix *ordered) split(l *leaf, at int) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	c := l.freeze()
	if c == nil {
		return
	}
	if len(c.objects) < 2 { // the rest was removed in the meantime
		l.held.Store(&content{objects: c.objects})
		return
	}
	middle := c.middle(at)
	left := newLeaf(l.low, slices.Clone(c.objects[:middle]))
	right := newLeaf(string(c.objects[middle].Key()), slices.Clone(c.objects[middle:]))
	// Both sides first, and only then the way in: a scan may come at once.
	left.prev.Store(l.prev.Load())
	left.next.Store(right)
	right.prev.Store(left)
	right.next.Store(l.next.Load())
	ix.link(l.prev.Load(), left)
	ix.link(right, l.next.Load())
	ix.master.Set(left.low, left)
	ix.master.Set(right.low, right)
	ix.publish()
}

// middle is where a full leaf is split for an insert at a position: there, if the last
// one went just before it, since then the next ones will follow.
func (c *content) middle(at int) int {
	if at > 0 && at == int(c.after) {
		return min(at, len(c.objects)-1)
	}
	return len(c.objects) / 2
}

// drop takes the empty leaf l out, unless something was inserted meanwhile.
func (ix *ordered) drop(l *leaf) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	c := l.held.Load()
	if c.frozen || len(c.objects) > 0 || !l.held.CompareAndSwap(c, &content{frozen: true}) {
		return
	}
	ix.link(l.prev.Load(), l.next.Load())
	ix.master.Delete(l.low)
	ix.publish()
}

// link makes a and b neighbours; either may be nil. The caller holds mu.
func (ix *ordered) link(a, b *leaf) {
	if a != nil {
		a.next.Store(b)
	}
	if b != nil {
		b.prev.Store(a)
	}
}

// publish makes the master copy of the directory the one that lookups use. The
// caller holds mu.
func (ix *ordered) publish() { ix.dir.Store(ix.master.Copy()) }
