package storage

import "bytes"

// Cursor walks over the objects of a range in key order. It takes no lock; see
// ordered for what it meets. The zero Cursor is at its end.
type Cursor struct {
	at      *leaf
	objects []*Object // of at, what is left of them in the range
	bound   []byte    // the far end of the range
	bounded bool
}

// Ascend returns a cursor over lo ≤ key < hi; hi nil means to the end.
func (s *Store) Ascend(lo, hi []byte) Cursor {
	c := Cursor{at: s.ordered.leafOf(lo), bound: hi, bounded: hi != nil}
	held := c.at.held.Load()
	i, _ := held.search(lo)
	c.objects = c.below(held.objects[i:])
	return c
}

// Next returns the next object upwards, or nil at the end.
func (c *Cursor) Next() *Object {
	if len(c.objects) == 0 && !c.nextLeaf() {
		return nil
	}
	o := c.objects[0]
	c.objects = c.objects[1:]
	return o
}

func (c *Cursor) nextLeaf() bool {
	for c.at != nil {
		if c.at = c.at.next.Load(); c.at == nil {
			return false
		}
		c.objects = c.below(c.at.held.Load().objects)
		if len(c.objects) > 0 {
			return true
		}
	}
	return false
}

// below cuts off what is not below the bound, and ends the walk there.
func (c *Cursor) below(objects []*Object) []*Object {
	if !c.bounded || len(objects) == 0 || bytes.Compare(objects[len(objects)-1].Key(), c.bound) < 0 {
		return objects
	}
	c.at = nil
	i, _ := (&content{objects: objects}).search(c.bound)
	return objects[:i]
}

// Descend returns a cursor over lo ≤ key < hi from the top; hi nil means from
// the end.
func (s *Store) Descend(lo, hi []byte) Cursor {
	c := Cursor{bound: lo, bounded: len(lo) > 0}
	if hi == nil {
		c.at = s.ordered.last()
		c.objects = c.above(c.at.held.Load().objects)
		return c
	}
	c.at = s.ordered.leafOf(hi)
	held := c.at.held.Load()
	i, _ := held.search(hi)
	c.objects = c.above(held.objects[:i])
	return c
}

// Previous returns the next object downwards, or nil at the end.
func (c *Cursor) Previous() *Object {
	if len(c.objects) == 0 && !c.previousLeaf() {
		return nil
	}
	o := c.objects[len(c.objects)-1]
	c.objects = c.objects[:len(c.objects)-1]
	return o
}

func (c *Cursor) previousLeaf() bool {
	for c.at != nil {
		if c.at = c.at.prev.Load(); c.at == nil {
			return false
		}
		c.objects = c.above(c.at.held.Load().objects)
		if len(c.objects) > 0 {
			return true
		}
	}
	return false
}

// above cuts off what is below the bound, and ends the walk there.
func (c *Cursor) above(objects []*Object) []*Object {
	if !c.bounded || len(objects) == 0 || bytes.Compare(objects[0].Key(), c.bound) >= 0 {
		return objects
	}
	c.at = nil
	i, _ := (&content{objects: objects}).search(c.bound)
	return objects[i:]
}

// last returns the last leaf.
func (ix *ordered) last() *leaf {
	_, l, _ := ix.dir.Load().Max()
	return l
}
