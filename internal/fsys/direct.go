package fsys

import "unsafe"

// BlockSize is how many bytes a file that is written past the system's cache takes at
// least: what the file systems and disks of today need, or a multiple.
const BlockSize = 4096

// Blocks returns so many bytes of memory that begins at a multiple of BlockSize.
func Blocks(size int) []byte {
	b := make([]byte, size+BlockSize)
	begin := int(-address(b) & (BlockSize - 1))
	return b[begin : begin+size : begin+size]
}

// AreBlocks reports whether a write is of whole blocks.
func AreBlocks(b []byte, at int64) bool {
	return (address(b)|uintptr(len(b))|uintptr(at))%BlockSize == 0
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// direct is a file that is written past the cache.
type direct struct{ file }

// WriteAt goes through the cache if the disk needs larger blocks.
func (d direct) WriteAt(b []byte, at int64) (int, error) {
	n, err := d.file.WriteAt(b, at)
	if isUnaligned(err) && bypass(d.File, false) == nil {
		return d.file.WriteAt(b, at)
	}
	return n, err
}
