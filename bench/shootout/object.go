package shootout

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/tierceldb/tiercel/bench/workload"
)

// The value of an object: how often it was updated, its key, and filler.
const (
	keyAt    = 8
	fillerAt = keyAt + workload.KeySize
)

// nobody is the owner, in the keys, of the objects that all clients share; what a
// client added has its number.
const nobody = 1<<31 - 1

// number is that of an object in its key.
func number(owner, object int) uint64 { return uint64(owner)<<32 | uint64(object) }

// owned takes the number in a key apart.
func owned(key []byte) (owner, object int) {
	n := binary.BigEndian.Uint64(key[workload.KeySize-8:])
	return int(n >> 32), int(n & (1<<32 - 1))
}

// newValue returns a value to fill in.
func newValue() []byte {
	value := make([]byte, ObjectSize)
	for i := range value {
		value[i] = byte('a' + i%26)
	}
	return value
}

// fill writes what distinguishes an object from others into its value.
func fill(value []byte, key *[workload.KeySize]byte, updates uint64) {
	binary.BigEndian.PutUint64(value, updates)
	copy(value[keyAt:], key[:])
}

// updatesOf returns how often the object with the key was updated, or what is
// wrong with its value. model is a value to compare the filler with.
func updatesOf(key, value, model []byte) (uint64, error) {
	switch {
	case len(value) != ObjectSize:
		return 0, fmt.Errorf("the value of %q has %d bytes, want %d", key, len(value), ObjectSize)
	case !bytes.Equal(value[keyAt:fillerAt], key):
		return 0, fmt.Errorf("at %q is the value of %q", key, value[keyAt:fillerAt])
	case !bytes.Equal(value[fillerAt:], model[fillerAt:]):
		return 0, fmt.Errorf("the value of %q was changed", key)
	}
	return binary.BigEndian.Uint64(value), nil
}
