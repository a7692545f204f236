package txnmgr_test

import (
	"testing"

	"go.uber.org/atomic"
)

func BenchmarkTmpLimit(b *testing.B) {
	var s struct {
		_    [128]byte
		a, g atomic.Uint64
		_    [128]byte
	}
	for b.Loop() {
		s.a.CompareAndSwap(0, 5)
		s.g.Store(s.g.Load() + 1)
		s.a.Store(0)
	}
}
