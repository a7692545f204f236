package storage

import "unsafe"

// Keys and values lie behind the header of their object or version in one
// allocation: a pointer hop less is a cache miss less. Go has no structs of
// variable size, so there is a type a size class. The rooms are chosen so that
// header + room is a size class of Go's allocator (those beyond 512 bytes give
// 8 bytes to the allocator's own header).

// sized is a header with room for bytes behind it. A pointer to the header
// keeps the whole allocation alive.
type sized[H, R any] struct {
	head H
	_    R // the room
}

// oversize is a header with a slice behind it.
type oversize[H any] struct {
	head H
	_    []byte // the bytes
}

const (
	versionHeader = unsafe.Sizeof(Version{})
	objectHeader  = unsafe.Sizeof(Object{})

	fineRoom  = 224  // up to here a class every 16 bytes
	maxInline = 1112 // beyond this the bytes have an allocation of their own
)

// coarse holds the rooms beyond fineRoom.
var coarse = [...]int{256, 288, 320, 352, 384, 416, 448, 480, 536, 600, 664, 728, 856, 984, 1112}

func newSized[H, R any]() *H { return &new(sized[H, R]).head }

func newOversize[H any]() *H { return &new(oversize[H]).head }

// allocators lists the allocators by class.
type allocators[H any] [29]func() *H

func makeAllocators[H any]() allocators[H] {
	return allocators[H]{
		newSized[H, [16]byte], newSized[H, [32]byte], newSized[H, [48]byte], newSized[H, [64]byte],
		newSized[H, [80]byte], newSized[H, [96]byte], newSized[H, [112]byte], newSized[H, [128]byte],
		newSized[H, [144]byte], newSized[H, [160]byte], newSized[H, [176]byte], newSized[H, [192]byte],
		newSized[H, [208]byte], newSized[H, [224]byte],
		newSized[H, [256]byte], newSized[H, [288]byte], newSized[H, [320]byte], newSized[H, [352]byte],
		newSized[H, [384]byte], newSized[H, [416]byte], newSized[H, [448]byte], newSized[H, [480]byte],
		newSized[H, [536]byte], newSized[H, [600]byte], newSized[H, [664]byte], newSized[H, [728]byte],
		newSized[H, [856]byte], newSized[H, [984]byte], newSized[H, [1112]byte],
	}
}

var (
	versionAllocators = makeAllocators[Version]()
	objectAllocators  = makeAllocators[Object]()
)

func allocVersion(n int) *Version { return alloc(&versionAllocators, n) }

func allocObject(n int) *Object { return alloc(&objectAllocators, n) }

func alloc[H any](by *allocators[H], n int) *H {
	switch {
	case n == 0:
		return new(H)
	case n <= fineRoom:
		return by[(n-1)/16]()
	case n <= maxInline:
		return by[coarseClass(n)]()
	}
	return newOversize[H]()
}

func coarseClass(n int) int {
	class := 0
	for coarse[class] < n {
		class++
	}
	return fineRoom/16 + class
}

// roomOf returns how many bytes lie behind the header for n of them, wherever.
func roomOf(n int) int {
	switch {
	case n <= fineRoom:
		return (n + 15) &^ 15
	case n <= maxInline:
		return coarse[coarseClass(n)-fineRoom/16]
	}
	return n + int(unsafe.Sizeof([]byte{}))
}
