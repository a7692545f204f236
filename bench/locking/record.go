package locking

import (
	"encoding/binary"

	"github.com/tierceldb/tiercel/bench/workload"
)

// record is what a worker knows about one of its records.
type record struct {
	key     [workload.KeySize]byte
	version uint64 // 0: deleted
	length  int    // of the data
}

// Lengths of the data in bytes. They begin with the key and the version.
const (
	fewest = workload.KeySize + 8
	spread = 64 // lengths differ by less, until a replacement
	longer = 16 // by which every other replacement is longer
)

// newRecord returns a record as it is first stored.
func newRecord(worker, n, length int) record {
	r := record{version: 1, length: length}
	workload.PutKey(&r.key, uint64(worker)<<32|uint64(n))
	return r
}

// data writes what the record holds into the buffer and returns it with the data's
// length. The buffer has room for all there will be.
func (r *record) data(buffer []byte) []byte {
	data := buffer[:r.length]
	copy(data, r.key[:])
	binary.BigEndian.PutUint64(data[workload.KeySize:], r.version)
	return data
}

// newBuffer returns a buffer for records that are replaced so often at most.
func newBuffer(replacements int) []byte {
	buffer := make([]byte, fewest+spread+longer*replacements)
	for i := range buffer {
		buffer[i] = byte('a' + i%26)
	}
	return buffer
}
