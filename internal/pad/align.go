package pad

import "sync/atomic"

// Align64 takes no space and makes the field after it, and the struct both are
// in, start at a multiple of 8 bytes on every machine:
//
//	type cell struct {
//		_    pad.Align64
//		hash atomic.Uint64
//	}
//
// On 32-bit machines a 64-bit atomic operation on another address panics, and
// the types of go.uber.org/atomic do not promise the alignment. Those of
// sync/atomic do, and an array of none of them hands the promise on. A word that
// is the first of its allocation, and of an element of a slice whose size is a
// multiple of 8, is aligned without it.
type Align64 [0]atomic.Uint64
