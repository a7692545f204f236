package storage

import (
	"bytes"
	"unsafe"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// MaxKeySize is the greatest length of a key in bytes.
const MaxKeySize = 1<<16 - 1

// Object is one key with its version chain. The key lies behind the header in
// the same allocation.
type Object struct {
	hash uint64 // of the key
	_    pad.Align64
	lock atomic.Uint64 // the lock word, see lock.go, and above it the account, see account.go
	size uint32        // of the key
	// fresh says that the object is in no index yet. Only its maker looks at it
	// before it is, and nobody changes it afterwards.
	fresh bool
	// ordered says that the object is in the ordered index, or about to be. It
	// belongs to whoever holds the lock word exclusively.
	ordered bool
	room    uint8                   // class of the first value's room, see joined.go; 0: there is none
	head    atomic.Pointer[Version] // last, next to the key: a reader looks at both
}

// NewObject returns an object without versions that is in no index yet. Its lock
// word is held by the caller, so that whoever finds it in the table waits until
// the ordered index has it too. It copies key.
func NewObject(key []byte, hash uint64) *Object {
	o := allocObject(len(key))
	o.set(key, hash)
	return o
}

// set fills in a new object.
func (o *Object) set(key []byte, hash uint64) {
	o.hash, o.size = hash, uint32(len(key))
	switch {
	case len(key) == 0:
	case len(key) > maxInline:
		*o.outsideKey() = append(make([]byte, 0, len(key)), key...)
	default:
		copy(o.inlineKey(), key)
	}
	o.lock.Store(update)
	o.fresh = true
}

// Key returns the key, len = cap. It must not be modified.
func (o *Object) Key() []byte {
	switch {
	case o.size == 0:
		return []byte{}
	case o.size > maxInline:
		return *o.outsideKey()
	}
	return o.inlineKey()
}

func (o *Object) inlineKey() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(o), objectHeader)), o.size)
}

func (o *Object) outsideKey() *[]byte {
	return (*[]byte)(unsafe.Add(unsafe.Pointer(o), objectHeader))
}

// IsFresh reports whether the object is in no index yet.
func (o *Object) IsFresh() bool { return o.fresh }

// Hash returns the hash of the key.
func (o *Object) Hash() uint64 { return o.hash }

// Is reports whether the object's key is key, whose hash is hash.
func (o *Object) Is(key []byte, hash uint64) bool {
	return o.hash == hash && bytes.Equal(o.Key(), key)
}

// Head returns the newest version, pending or committed, or nil.
func (o *Object) Head() *Version { return o.head.Load() }

// Visible returns the version that a transaction reading at snapshot sees, or nil.
func (o *Object) Visible(snapshot uint64) *Version { return Visible(o.head.Load(), snapshot) }

// Link puts a pending version at the head of the chain. The caller holds the lock word.
func (o *Object) Link(v *Version) {
	v.older.Store(o.head.Load())
	o.head.Store(v)
}

// Undo takes the pending version v off the head again. The caller holds the lock word.
func (o *Object) Undo(v *Version) { o.head.Store(v.older.Load()) }
