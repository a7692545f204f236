package redo

import (
	"encoding/binary"
	"math/bits"
)

// longest is the length of the longest number.
const longest = binary.MaxVarintLen64

const (
	// SizeHeader is what AppendHeader takes.
	SizeHeader = 1
	// SizeOpened is what AppendOpened takes at most.
	SizeOpened = 1 + longest
)

// SizeCommit is what AppendCommit takes at most, at whatever timestamps and with so
// many writes; they come on top.
func SizeCommit(xid string, writes int) int {
	size := 1 + longest + numberSize(writes)
	if xid != "" {
		size += stringSize(len(xid))
	}
	return size
}

// SizePut is what AppendPut takes for a key and a value of these lengths.
func SizePut(key, value int) int { return numberSize(key<<1) + key + stringSize(value) }

// SizeDelete is what AppendDelete takes for a key of this length.
func SizeDelete(key int) int { return numberSize(key<<1) + key }

// SizePrepare is what AppendPrepare takes at most. Since may be unknown still. What
// p counts comes on top.
func SizePrepare(p Preparation) int {
	return 1 + stringSize(len(p.XID)) + stringSize(len(p.Label)) + 2*longest +
		numberSize(p.Writes) + numberSize(p.Locks) + numberSize(p.Keys) + numberSize(p.Ranges)
}

// SizeLock is what AppendLock takes for a key of this length.
func SizeLock(key int) int { return stringSize(key) + 1 }

// SizeKey is what AppendKey takes for a key of this length.
func SizeKey(key int) int { return stringSize(key) }

// SizeRange is what AppendRange takes at most.
func SizeRange(r Range) int { return 1 + stringSize(len(r.Lo)) + stringSize(len(r.Hi)) }

// SizeDropped is what AppendDropped takes.
func SizeDropped(xid string) int { return 1 + stringSize(len(xid)) }

func stringSize(length int) int { return numberSize(length) + length }

// numberSize is the length of a uvarint, 7 bits a byte.
func numberSize(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }
