package storage

import (
	"unsafe"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/internal/pad"
)

// MaxValueSize is the greatest length of a value in bytes.
const MaxValueSize = 1 << 30

// Version is one committed or pending value of an object. The value lies behind
// the header in the same allocation (alloc.go), so that a read that has found
// the version has found the value too.
//
// While the version is pending, ts is 0 and state points at the state word of
// the one transaction it belongs to (I7). After the commit the committer stamps
// it: first ts, then state = nil. From then on it points at nothing but older.
//
// What a reader looks at stands last, next to the value, so that it mostly lies
// in the same cache line.
type Version struct {
	older atomic.Pointer[Version]
	state atomic.Pointer[State]

	hole hole // newest timestamp purged right below; only under invariants
	sum  sum  // checksum of the value; only under invariants

	// marks belongs to whoever purges (package deps); no reader looks at it.
	marks Marks
	flags flags // fixed at creation
	size  uint32
	_     pad.Align64
	ts    atomic.Uint64
}

type flags uint8

const (
	tombstone flags = 1 << iota // the object is deleted
	outside                     // the value is too large for a size class and has an allocation of its own
)

// Marks is what the purge remembers of a version. It is protected by the
// purge's own lock.
type Marks uint8

const (
	// Unlinked says that the version is no longer part of its chain.
	Unlinked Marks = 1 << iota
	// AsideTombstone says that the version stands in the list of an update
	// transaction's snapshot, as a tombstone that this keeps from disappearing.
	AsideTombstone
	// AsideVisible says that the version stands in the list of a snapshot that
	// sees it.
	AsideVisible
)

// NewVersion returns a pending version of the transaction with the given state
// word. It copies value. The caller has checked the length.
func NewVersion(value []byte, state *State) *Version {
	v := allocVersion(len(value))
	v.set(value, state)
	return v
}

// set fills in a new version.
func (v *Version) set(value []byte, state *State) {
	v.size = uint32(len(value))
	switch {
	case len(value) == 0:
	case len(value) > maxInline:
		v.flags |= outside
		*v.outsideValue() = append(make([]byte, 0, len(value)), value...)
	default:
		copy(v.inlineValue(), value)
	}
	v.sum.set(v)
	v.state.Store(state)
}

// NewTombstone returns a pending version that says the object is deleted.
func NewTombstone(state *State) *Version {
	v := &Version{flags: tombstone}
	v.state.Store(state)
	return v
}

// Tombstone reports whether the version deletes the object.
func (v *Version) Tombstone() bool { return v.flags&tombstone != 0 }

// HasValue reports whether v is a version, and no tombstone.
func (v *Version) HasValue() bool { return v != nil && !v.Tombstone() }

// State returns the state word of the transaction that the version belongs to, or
// nil once it is stamped.
func (v *Version) State() *State { return v.state.Load() }

// Older returns the next version of the chain, or nil.
func (v *Version) Older() *Version { return v.older.Load() }

// Value returns the value: never nil, len = cap. It must not be modified, and
// stays valid for ever.
func (v *Version) Value() []byte {
	v.sum.check(v)
	switch {
	case v.size == 0:
		return []byte{}
	case v.flags&outside != 0:
		return *v.outsideValue()
	}
	return v.inlineValue()
}

func (v *Version) inlineValue() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(v), versionHeader)), v.size)
}

func (v *Version) outsideValue() *[]byte {
	return (*[]byte)(unsafe.Add(unsafe.Pointer(v), versionHeader))
}

// CommitTS returns the commit timestamp, or 0 while the version is pending and
// for ever if its transaction was rolled back.
//
// The committer stores ts before it clears state, so whoever finds state nil
// finds ts at the second look.
func (v *Version) CommitTS() uint64 {
	if ts := v.ts.Load(); ts != 0 {
		return ts
	}
	state := v.state.Load()
	if state == nil {
		return v.ts.Load()
	}
	return state.CommitTS()
}

// IsStampedBy reports whether the version is stamped with a commit timestamp at
// or below snapshot. It is the quick way to what Visible finds out for most.
func (v *Version) IsStampedBy(snapshot uint64) bool { return v.ts.Load()-1 < snapshot } // 0 - 1 is not

// PendingOf reports whether the version is pending and belongs to state.
func (v *Version) PendingOf(state *State) bool { return v.state.Load() == state }

// Stamp writes the commit timestamp into the version and lets go of the
// transaction's state word. Only the committer calls it.
func (v *Version) Stamp(ts uint64) {
	v.ts.Store(ts)
	v.state.Store(nil)
}

// Marks returns the purge's marks.
func (v *Version) Marks() Marks { return v.marks }

// SetMarks adds to the purge's marks.
func (v *Version) SetMarks(m Marks) { v.marks |= m }

// ClearMarks forgets the purge's marks.
func (v *Version) ClearMarks() { v.marks = 0 }

// Visible returns the version that a transaction reading at snapshot sees, the
// first of the chain with a commit timestamp at or below it, or nil. A version
// that is pending counts if its transaction is committed. Nothing waits here
// (I5), and nothing is written.
func Visible(head *Version, snapshot uint64) *Version {
	for v := head; v != nil; v = v.older.Load() {
		if ts := v.CommitTS(); ts != 0 && ts <= snapshot {
			return v
		}
	}
	return nil
}

// Newest returns the newest committed version of the chain and its commit
// timestamp, or nil and 0. Versions pending for own do not count.
func Newest(head *Version, own *State) (*Version, uint64) {
	for v := head; v != nil; v = v.older.Load() {
		if v.PendingOf(own) {
			continue
		}
		if ts := v.CommitTS(); ts != 0 {
			return v, ts
		}
	}
	return nil, 0
}

// Unlink takes the version below newer out of the chain. One goroutine at a time
// may unlink versions of an object: two at neighbouring versions would bring one
// of them back. A reader that stands on the unlinked version goes on from it.
func Unlink(newer *Version) {
	gone := newer.older.Load()
	gone.marks |= Unlinked
	newer.hole.note(gone)
	newer.older.Store(gone.older.Load())
}

// CheckChain reports the first breach of I1 in the chain, and a snapshot's
// version that was purged (I2), as a panic under invariants. The caller makes
// sure that the snapshot is still active after the look.
func CheckChain(head *Version, snapshot uint64) (breach string) {
	if !invariants.Enabled {
		return ""
	}
	last := ^uint64(0)
	for v := head; v != nil; v = v.older.Load() {
		ts := v.CommitTS()
		if ts == 0 {
			continue
		}
		if ts >= last {
			return "I1: commit timestamps do not fall along the chain"
		}
		if ts <= snapshot {
			return ""
		}
		if v.hole.hides(snapshot) {
			return "I2: a version that an active snapshot needs was purged"
		}
		last = ts
	}
	return ""
}
