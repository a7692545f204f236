//go:build invariants || race

package storage

import (
	"hash/crc32"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/invariants"
)

// sum finds callers who modify what Get and Scan returned.
type sum struct{ crc uint32 }

func (s *sum) set(v *Version) {
	if v.size > 0 {
		s.crc = v.checksum()
	}
}

func (s *sum) check(v *Version) {
	if v.size > 0 && s.crc != v.checksum() {
		invariants.Violated("a value returned by Get or Scan was modified by its caller: it now starts %.32q", v.bytes())
	}
}

func (v *Version) bytes() []byte {
	if v.flags&outside != 0 {
		return *v.outsideValue()
	}
	return v.inlineValue()
}

func (v *Version) checksum() uint32 { return crc32.ChecksumIEEE(v.bytes()) }

// hole remembers the newest version that was purged right below.
type hole struct{ newest atomic.Uint64 }

func (h *hole) note(gone *Version) {
	h.newest.Store(max(h.newest.Load(), gone.CommitTS(), gone.hole.newest.Load()))
}

// hides reports whether a version that snapshot would see was purged. The caller
// stands on a version newer than snapshot.
func (h *hole) hides(snapshot uint64) bool {
	ts := h.newest.Load()
	return ts != 0 && ts <= snapshot
}
