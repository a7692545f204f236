package redo

import (
	"encoding/binary"
	"math"
)

// cursor takes a payload apart. After the first failure it stays where it is, and
// returns zeros.
type cursor struct {
	data []byte
	at   int
	err  error
}

// fail stops the cursor, because of what is at an offset.
func (c *cursor) fail(offset int, reason error) {
	if c.err == nil {
		c.err = &CorruptionError{Offset: offset, Reason: reason}
	}
}

// byte takes one byte.
func (c *cursor) byte() byte {
	if c.err != nil {
		return 0
	}
	if c.at == len(c.data) {
		c.fail(c.at, ErrTruncated)
		return 0
	}
	b := c.data[c.at]
	c.at++
	return b
}

// number takes a uvarint up to limit that has no needless bytes.
func (c *cursor) number(limit uint64) uint64 {
	if c.err != nil {
		return 0
	}
	n, size := binary.Uvarint(c.data[c.at:])
	switch {
	case size == 0:
		c.fail(c.at, ErrTruncated)
		return 0
	case size < 0, n > limit, size > 1 && c.data[c.at+size-1] == 0:
		c.fail(c.at, ErrNumber)
		return 0
	}
	c.at += size
	return n
}

// signed takes a varint: its lowest bit is the sign.
func (c *cursor) signed() int64 {
	n := c.number(math.MaxUint64)
	return int64(n>>1) ^ -int64(n&1)
}

// take takes so many bytes.
func (c *cursor) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.data)-c.at) {
		c.fail(c.at, ErrTruncated)
		return nil
	}
	end := c.at + int(n)
	b := c.data[c.at:end:end]
	c.at = end
	return b
}

// string takes a length and so many bytes.
func (c *cursor) string() []byte { return c.take(c.number(math.MaxUint64)) }

// xid takes a string that is not empty.
func (c *cursor) xid() []byte {
	at := c.at
	x := c.string()
	if len(x) == 0 {
		c.fail(at, ErrXID)
	}
	return x
}

// count takes the number of elements that follow, of which each has so many bytes
// at least. So nobody makes room for more of them than there can be.
func (c *cursor) count(least int) int {
	at := c.at
	n := c.number(math.MaxUint64)
	if n > uint64(len(c.data)-c.at)/uint64(least) {
		c.fail(at, ErrTruncated)
		return 0
	}
	return int(n)
}
