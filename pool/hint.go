package pool

import (
	"unsafe"

	"go.uber.org/atomic"
)

// hints remembers which slot was last used from which stack.
//
// A goroutine's stack address tells goroutines apart for the price of a few
// instructions on registers: measured at 6.5 ns for begin and end together,
// against 7.7 with the processor's number, 10 with a random cell, and 15.3 with
// a sync.Pool. A stack that moves, or a begin at another depth, finds another
// cell; that costs a search once. Two goroutines whose addresses fall on one
// cell get a second cell each, chosen by other bits.
//
// A cell is written only when a begin had to search, so the lines stay shared.
type hints [hintCells]atomic.Pointer[Slot]

const hintBits, hintCells = 10, 1 << 10

// place64 is a mixed stack address.
type place64 uint64

// place returns where the caller's stack is, mixed. The smallest stacks are 2 KiB.
func place() place64 {
	var here byte
	at := uint64(uintptr(unsafe.Pointer(&here))) >> 11
	return place64(at * 0x9E3779B97F4A7C15)
}

func (h *hints) first(at place64) *atomic.Pointer[Slot] { return &h[at>>(64-hintBits)] }

func (h *hints) second(at place64) *atomic.Pointer[Slot] {
	return &h[at>>(64-2*hintBits)&(hintCells-1)]
}
