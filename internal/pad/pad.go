// Package pad keeps words that different goroutines write apart in memory, so
// that one goroutine's stores do not take the cache line under another's.
package pad

// CacheLine is the distance, in bytes, at which two words no longer disturb
// each other: two lines of 64 bytes. One line is not enough, because the
// adjacent-line prefetcher of amd64 processors fetches lines in aligned pairs
// of 128 bytes, so that a store into one line of a pair costs the readers of
// the other; and arm64 processors with lines of 128 bytes exist.
const CacheLine = 128

// Line fills a whole [CacheLine]. Placed between two fields it keeps them from
// sharing one wherever the allocator puts the struct:
//
//	type slot struct {
//		_    pad.Line
//		snap atomic.Uint64
//		_    pad.Line
//	}
//
// A filler that is only the difference to CacheLine would need the allocator
// to align the struct to CacheLine, which Go does not promise.
type Line [CacheLine]byte
