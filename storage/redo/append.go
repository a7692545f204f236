package redo

import (
	"encoding/binary"
	"time"
)

// Version is the version of the format, the first byte of a payload.
const Version = 1

// AppendHeader begins a payload.
func AppendHeader(buf []byte) []byte { return append(buf, Version) }

// AppendCommit begins the record of a transaction that committed at ts. So many
// writes must follow, by AppendPut and AppendDelete. before is the timestamp that
// was appended last to this payload, or 0; ts must be greater. xid is the name of
// the prepared transaction that the commit finishes, "" for one that was not
// prepared.
func AppendCommit(buf []byte, before, ts uint64, xid string, writes int) []byte {
	kind := plain
	if xid != "" {
		kind = finishing
	}
	buf = append(buf, kind)
	buf = binary.AppendUvarint(buf, ts-before)
	if xid != "" {
		buf = appendString(buf, xid)
	}
	return appendLength(buf, writes)
}

// AppendPut appends a write: the key has this value from now on. A nil value is an
// empty one.
func AppendPut(buf, key, value []byte) []byte {
	if k, v := len(key)<<1, len(value); k < 1<<7 && v < 1<<14 && v >= 1<<7 {
		buf = append(buf, byte(k), byte(v)|1<<7, byte(v>>7)) // one append and not two
	} else {
		buf = appendLength(appendLength(buf, k), v)
	}
	return append(append(buf, key...), value...)
}

// AppendDelete appends a write: the key is gone from now on.
func AppendDelete(buf, key []byte) []byte {
	return append(appendLength(buf, len(key)<<1|1), key...)
}

// Preparation is what AppendPrepare is told of a transaction.
type Preparation struct {
	XID   string        // its name
	Label string        // for statistics
	Since int64         // when it was prepared, in nanoseconds since 1970
	Limit time.Duration // how long it may stay prepared, not negative; 0: for ever

	// How many of each are appended next, in this order, by AppendPut and
	// AppendDelete, AppendLock, AppendKey, and AppendRange.
	Writes, Locks, Keys, Ranges int
}

// AppendPrepare begins the record of a transaction that is prepared. What it wrote,
// locked and read follows, as p counts it.
func AppendPrepare(buf []byte, p Preparation) []byte {
	buf = append(buf, preparing)
	buf = appendString(buf, p.XID)
	buf = appendString(buf, p.Label)
	buf = binary.AppendVarint(buf, p.Since)
	buf = binary.AppendUvarint(buf, uint64(p.Limit))
	buf = appendLength(buf, p.Writes)
	buf = appendLength(buf, p.Locks)
	buf = appendLength(buf, p.Keys)
	return appendLength(buf, p.Ranges)
}

// AppendLock appends that the transaction holds the object with the key, and how.
func AppendLock(buf, key []byte, mode byte) []byte {
	return append(appendBytes(buf, key), mode)
}

// AppendKey appends that the transaction read the key, whether it was there or not.
func AppendKey(buf, key []byte) []byte { return appendBytes(buf, key) }

// AppendRange appends that the transaction read the range.
func AppendRange(buf []byte, r Range) []byte {
	switch {
	case r.Closed:
		return appendBytes(appendBytes(append(buf, rangeClosed), r.Lo), r.Hi)
	case r.Hi == nil:
		return appendBytes(append(buf, rangeToEnd), r.Lo)
	}
	return appendBytes(appendBytes(append(buf, rangeHalfOpen), r.Lo), r.Hi)
}

// AppendDropped appends the record that a prepared transaction was rolled back.
func AppendDropped(buf []byte, xid string) []byte {
	return appendString(append(buf, dropping), xid)
}

// AppendOpened appends the record that the store was opened, and will not give a
// commit a timestamp up to ts. before is what it is for AppendCommit; ts must not be
// smaller.
func AppendOpened(buf []byte, before, ts uint64) []byte {
	return binary.AppendUvarint(append(buf, opening), ts-before)
}

func appendBytes(buf, b []byte) []byte { return append(appendLength(buf, len(b)), b...) }

func appendString(buf []byte, s string) []byte { return append(appendLength(buf, len(s)), s...) }

// appendLength appends a number that is mostly small.
func appendLength(buf []byte, n int) []byte {
	if n < 1<<7 {
		return append(buf, byte(n))
	}
	if n < 1<<14 {
		return append(buf, byte(n)|1<<7, byte(n>>7))
	}
	return binary.AppendUvarint(buf, uint64(n))
}
