package pebblestore

import (
	"encoding/binary"
	"fmt"

	"github.com/tierceldb/tiercel/storage"
)

// What is stored, in Pebble's terms:
//
//	key                 value
//	0x00                version of this encoding, store id, applied timestamp
//	0x01, then the key  commit timestamp, then the value
//
// Numbers are 64-bit, most significant byte first.
const (
	markByte = 0x00
	dataByte = 0x01
	endByte  = 0x02 // no key begins with it

	encodingVersion = 1

	stampBytes = 8
	markBytes  = 1 + len(storage.StoreID{}) + 8
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

// putMark fills stored, which is markBytes long.
func putMark(stored []byte, mark storage.Mark) {
	stored[0] = encodingVersion
	n := copy(stored[1:], mark.Store[:])
	binary.BigEndian.PutUint64(stored[1+n:], mark.Applied)
}

// splitMark is the inverse of putMark.
func splitMark(stored []byte) (mark storage.Mark, err error) {
	if len(stored) == 0 || stored[0] != encodingVersion {
		return mark, fmt.Errorf("%w: encoding %x, this package knows %d", ErrVersion, stored[:min(1, len(stored))], encodingVersion)
	}
	if len(stored) != markBytes {
		return mark, fmt.Errorf("%w: a mark of %d bytes", ErrCorrupt, len(stored))
	}
	n := copy(mark.Store[:], stored[1:])
	mark.Applied = binary.BigEndian.Uint64(stored[1+n:])
	return mark, nil
}
