package pebblestore

import (
	"encoding/binary"
	"fmt"

	"github.com/tierceldb/tiercel/storage"
)

// What is stored, in Pebble's terms:
//
//	key                 value
//	0x00                version of this encoding, store id, applied timestamp,
//	                    number of the Apply, from the first of the store on
//	0x01, then the key  commit timestamp, then the value
//
// Numbers are 64-bit, most significant byte first.
const (
	markByte = 0x00
	dataByte = 0x01
	endByte  = 0x02 // no key begins with it

	encodingVersion = 2

	stampBytes = 8
	markBytes  = 1 + len(storage.StoreID{}) + 8 + 8
)

// appendKey appends what a key is stored as.
func appendKey(to, key []byte) []byte { return append(append(to, dataByte), key...) }

// putValue fills stored, which is stampBytes longer than the value.
func putValue(stored, value []byte, ts uint64) {
	binary.BigEndian.PutUint64(stored, ts)
	copy(stored[stampBytes:], value)
}

// splitValue is the inverse of putValue.
func splitValue(stored []byte) (value []byte, ts uint64, err error) {
	if len(stored) < stampBytes {
		return nil, 0, fmt.Errorf("%w: a value of %d bytes has no commit timestamp", ErrCorrupt, len(stored))
	}
	return stored[stampBytes:], binary.BigEndian.Uint64(stored), nil
}

// numbered is a mark as it is stored. Several calls of Apply may have the same mark,
// so they are numbered.
type numbered struct {
	mark   storage.Mark
	number uint64 // of the Apply
}

// put fills stored, which is markBytes long.
func (m numbered) put(stored []byte) {
	stored[0] = encodingVersion
	n := 1 + copy(stored[1:], m.mark.Store[:])
	binary.BigEndian.PutUint64(stored[n:], m.mark.Applied)
	binary.BigEndian.PutUint64(stored[n+8:], m.number)
}

// splitMark is the inverse of put.
func splitMark(stored []byte) (m numbered, err error) {
	if len(stored) == 0 || stored[0] != encodingVersion {
		return m, fmt.Errorf("%w: encoding %x, this package knows %d", ErrVersion, stored[:min(1, len(stored))], encodingVersion)
	}
	if len(stored) != markBytes {
		return m, fmt.Errorf("%w: a mark of %d bytes", ErrCorrupt, len(stored))
	}
	n := 1 + copy(m.mark.Store[:], stored[1:])
	m.mark.Applied = binary.BigEndian.Uint64(stored[n:])
	m.number = binary.BigEndian.Uint64(stored[n+8:])
	return m, nil
}
