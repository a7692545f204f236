// Package memory measures what a store keeps in memory.
package memory

import "runtime"

// Live is the memory that is in use after a collection, in bytes.
type Live struct {
	Heap    int64 `json:"heap"`     // of the Go program
	OffHeap int64 `json:"off_heap"` // what C code has on behalf of it; 0 where the platform does not tell
}

// Total returns both together.
func (l Live) Total() int64 { return l.Heap + l.OffHeap }

// Minus returns what has come on top of an earlier state.
func (l Live) Minus(earlier Live) Live {
	return Live{l.Heap - earlier.Heap, l.OffHeap - earlier.OffHeap}
}

// Now collects garbage and returns what is left. The second collection takes what
// the first one handed to finalizers and pools.
func Now() Live {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	held := int64(m.Sys - m.HeapReleased) // by the Go runtime
	return Live{Heap: int64(m.HeapAlloc), OffHeap: max(0, anonymous()-held)}
}
