package storage

import "bytes"

// Cursor walks over the objects of a range in key order, up or down. It takes no
// lock; see ordered for what it meets. The zero Cursor is at its end.
type Cursor struct {
	at      *leaf
	objects []*Object // of at, what is left of them in the range
	down    bool
	ends    bool  // there is an end
	end     bound // of the walk: hi on the way up, lo on the way down
}

// bound is a copy of a key. A short one has its place here, so that a cursor on the
// stack needs no memory.
type bound struct {
	short [64]byte
	size  uint8 // of short
	long  []byte
}

func (b *bound) set(key []byte) {
	if len(key) > len(b.short) {
		b.long = bytes.Clone(key)
		return
	}
	b.size = uint8(copy(b.short[:], key))
}

func (b *bound) key() []byte {
	if b.long != nil {
		return b.long
	}
	return b.short[:b.size]
}

// Ascend returns a cursor over lo ≤ key < hi, smallest first; hi nil means to the
// end. It keeps neither slice.
func (s *Store) Ascend(lo, hi []byte) Cursor {
	c := Cursor{at: s.ordered.leafOf(lo), ends: hi != nil}
	c.end.set(hi)
	c.objects = c.below(above(c.at.held.Load().objects, lo))
	return c
}

// Descend returns a cursor over the same range, greatest first.
func (s *Store) Descend(lo, hi []byte) Cursor {
	c := Cursor{down: true, ends: true}
	c.end.set(lo)
	if hi == nil {
		c.at = s.ordered.last()
		c.objects = c.notBelow(c.at.held.Load().objects)
	} else {
		c.at = s.ordered.leafOf(hi)
		objects := c.at.held.Load().objects
		c.objects = c.notBelow(objects[:position(objects, hi)])
	}
	return c
}

// Next returns the next object, or nil at the end.
func (c *Cursor) Next() *Object {
	if len(c.objects) == 0 && !c.advance() {
		return nil
	}
	if c.down {
		last := len(c.objects) - 1
		o := c.objects[last]
		c.objects = c.objects[:last]
		return o
	}
	o := c.objects[0]
	c.objects = c.objects[1:]
	return o
}

// advance goes on to the next leaf that has something in the range.
func (c *Cursor) advance() bool {
	for c.at != nil && len(c.objects) == 0 {
		if c.down {
			if c.at = c.at.prev.Load(); c.at != nil {
				c.objects = c.notBelow(c.at.held.Load().objects)
			}
		} else if c.at = c.at.next.Load(); c.at != nil {
			c.objects = c.below(c.at.held.Load().objects)
		}
	}
	return len(c.objects) > 0
}

// below cuts off what is not below the end of a walk upwards, which ends there.
func (c *Cursor) below(objects []*Object) []*Object {
	if !c.ends || len(objects) == 0 || bytes.Compare(objects[len(objects)-1].Key(), c.end.key()) < 0 {
		return objects
	}
	c.at = nil
	return objects[:position(objects, c.end.key())]
}

// notBelow cuts off what is below the end of a walk downwards, which ends there.
func (c *Cursor) notBelow(objects []*Object) []*Object {
	if len(objects) == 0 || bytes.Compare(objects[0].Key(), c.end.key()) >= 0 {
		return objects
	}
	c.at = nil
	return above(objects, c.end.key())
}

// above cuts off what is below lo.
func above(objects []*Object, lo []byte) []*Object { return objects[position(objects, lo):] }

// Take moves on by up to n objects of one leaf, and returns them in ascending
// order, also on the way down. None means the end. The slice must not be changed.
func (c *Cursor) Take(n int) []*Object {
	if len(c.objects) == 0 && !c.advance() {
		return nil
	}
	n = min(n, len(c.objects))
	if c.down {
		rest := len(c.objects) - n
		taken := c.objects[rest:]
		c.objects = c.objects[:rest]
		return taken
	}
	taken := c.objects[:n]
	c.objects = c.objects[n:]
	return taken
}

// Down reports whether the walk is downwards.
func (c *Cursor) Down() bool { return c.down }
