package pad_test

import (
	"testing"
	"unsafe"

	"github.com/tierceldb/tiercel/internal/pad"
)

// TestLineSeparates holds what Line is for: at any address of the struct, two
// words with a Line between them lie in different pairs of cache lines.
func TestLineSeparates(t *testing.T) {
	var s struct {
		a uint64
		_ pad.Line
		b uint64
	}
	a, b := unsafe.Offsetof(s.a), unsafe.Offsetof(s.b)
	for base := uintptr(0); base < pad.CacheLine; base += unsafe.Alignof(s) {
		if (base+a)/pad.CacheLine == (base+b)/pad.CacheLine {
			t.Fatalf("at base %d both words lie in one block of %d bytes", base, pad.CacheLine)
		}
	}
}
