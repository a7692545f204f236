// Package object makes the objects that all stores are measured with, and tells
// whether what a store returns is what was put there.
package object

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/tierceldb/tiercel/bench/workload"
)

const (
	keyAt    = 8 // behind how often the object was updated
	fillerAt = keyAt + workload.KeySize

	// MinSize is the least size of a value.
	MinSize = fillerAt

	poolSize = 1 << 20
)

// Maker makes objects of one size. Many goroutines may use it.
//
// What fills the values is random and different for each object: a store that
// compresses finds nothing, so that none has less to write than another.
type Maker struct {
	size int
	pool []byte
}

// NewMaker returns a maker of values of so many bytes, MinSize at least. The same
// seed makes the same objects.
func NewMaker(size int, seed uint64) *Maker {
	rng := rand.New(rand.NewPCG(seed, 0))
	m := &Maker{size: size, pool: make([]byte, poolSize+size)}
	for i := 0; i+8 <= len(m.pool); i += 8 {
		binary.LittleEndian.PutUint64(m.pool[i:], rng.Uint64())
	}
	return m
}

// Size is the length of the values.
func (m *Maker) Size() int { return m.size }

// Key is the key of an object.
type Key = [workload.KeySize]byte

// filler is what the value of an object ends in.
func (m *Maker) filler(number uint64) []byte {
	at := int(number * 0x9E3779B97F4A7C15 >> 44) // below poolSize
	return m.pool[at : at+m.size-fillerAt]
}

// Fill writes the key and the value of an object that was updated so often. The
// value must have Size bytes.
func (m *Maker) Fill(key *Key, value []byte, number, updates uint64) {
	workload.PutKey(key, number)
	binary.BigEndian.PutUint64(value, updates)
	copy(value[keyAt:], key[:])
	copy(value[fillerAt:], m.filler(number))
}

// Updates returns how often an object was updated, or what is wrong with its value.
func (m *Maker) Updates(number uint64, value []byte) (uint64, error) {
	var key Key
	workload.PutKey(&key, number)
	switch {
	case len(value) != m.size:
		return 0, fmt.Errorf("the value of object %d has %d bytes, want %d", number, len(value), m.size)
	case !bytes.Equal(value[keyAt:fillerAt], key[:]):
		return 0, fmt.Errorf("object %d has the value of %q", number, value[keyAt:fillerAt])
	case !bytes.Equal(value[fillerAt:], m.filler(number)):
		return 0, fmt.Errorf("the value of object %d was changed", number)
	}
	return binary.BigEndian.Uint64(value), nil
}

// Has reports whether a value looks like that of an object, in a few instructions:
// for loops that are measured.
func (m *Maker) Has(number uint64, value []byte) bool {
	return len(value) == m.size && binary.BigEndian.Uint64(value[fillerAt-8:]) == number
}
