package pad_test

import (
	"testing"
	"unsafe"

	"github.com/tierceldb/tiercel/internal/pad"
)

// TestAlign64 can only fail on a 32-bit target, where a word alone has an
// alignment of 4; GOARCH=386 go test runs it there.
func TestAlign64(t *testing.T) {
	var element struct {
		_    pad.Align64
		word uint64
		_    uint32
	}
	var s struct {
		before uint32
		_      pad.Align64
		word   uint64
	}
	var lone struct {
		_ pad.Align64
		_ uint64
	}
	for what, n := range map[string]uintptr{
		"offset of an aligned field":          unsafe.Offsetof(s.word),
		"alignment of its struct":             unsafe.Alignof(s),
		"size of an element with such a word": unsafe.Sizeof(element) - unsafe.Offsetof(element.word),
	} {
		if n%8 != 0 {
			t.Errorf("%s: %d, want a multiple of 8", what, n)
		}
	}
	if size := unsafe.Sizeof(lone); size != 8 {
		t.Errorf("size of a word with its alignment: %d, want 8", size)
	}
}
