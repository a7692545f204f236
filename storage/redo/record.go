package redo

import (
	"fmt"
	"time"
)

// The first byte of a record.
const (
	plain     byte = 'c' // a commit
	finishing byte = 'f' // a commit of a prepared transaction
	preparing byte = 'p'
	dropping  byte = 'd'
	opening   byte = 'o'
)

// The first byte of a range.
const (
	rangeHalfOpen = iota
	rangeClosed
	rangeToEnd
)

// Kind says what a record is.
type Kind uint8

const (
	// Commit: a transaction committed.
	Commit Kind = iota + 1
	// Prepare: a transaction is prepared to be committed.
	Prepare
	// Dropped: a prepared transaction was rolled back.
	Dropped
	// Opened: the store was opened.
	Opened
)

// String returns the kind in lower case.
func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Prepare:
		return "prepare"
	case Dropped:
		return "dropped"
	case Opened:
		return "opened"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Record is a record as it was read. All bytes in it are part of the payload, and
// the lists are valid until the next one is read.
type Record struct {
	Kind   Kind
	Offset int // in the payload

	// TS is the commit timestamp of a Commit; of Opened, the greatest that will not
	// be used; of others 0.
	TS uint64

	// XID is the name of the transaction that is prepared, was rolled back, or was
	// finished by this Commit; nil for a Commit of one that was not prepared.
	XID []byte

	// Writes are what Commit has changed, or Prepare wants to.
	Writes []Write

	// The rest is of Prepare only.
	Label  []byte
	Since  int64         // in nanoseconds since 1970
	Limit  time.Duration // 0: none
	Locks  []Lock
	Keys   [][]byte // read, whether they were there or not
	Ranges []Range  // read
}

// Write is one element of a write set: Key gets the Value, or is gone if Delete.
type Write struct {
	Key    []byte
	Value  []byte // not nil, unless Delete
	Delete bool
}

// Lock says that the object with a key is held.
type Lock struct {
	Key  []byte
	Mode byte // what AppendLock was given
}

// Range is Lo ≤ key < Hi, or ≤ Hi if Closed. Hi nil and not Closed means to the end.
// A nil Lo is an empty one, and so is a nil Hi if Closed.
type Range struct {
	Lo, Hi []byte
	Closed bool
}

// reset forgets a record but not the memory of its lists.
func (r *Record) reset() {
	*r = Record{
		Writes: r.Writes[:0],
		Locks:  r.Locks[:0],
		Keys:   r.Keys[:0],
		Ranges: r.Ranges[:0],
	}
}
