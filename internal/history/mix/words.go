package mix

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/tierceldb/tiercel/internal/history"
)

// Keys are the keys as the store has them, in order: "k007".
type Keys [][]byte

// NewKeys returns n keys, and one more that is the end of all ranges.
func NewKeys(n int) Keys {
	digits := len(strconv.Itoa(n))
	all := make(Keys, n+1)
	for k := range all {
		all[k] = fmt.Appendf(nil, "k%0*d", digits, k)
	}
	return all
}

// Number returns the key that the store calls so.
func (all Keys) Number(key []byte) (history.Key, error) {
	if len(key) < 2 {
		return 0, fmt.Errorf("key %q was never written", key)
	}
	n, err := strconv.ParseUint(string(key[1:]), 10, 32)
	if err != nil || n >= uint64(len(all)) || string(all[n]) != string(key) {
		return 0, fmt.Errorf("key %q was never written", key)
	}
	return history.Key(n), nil
}

// versionSize is the length of the part of a value that tells its version.
const versionSize = 8

// value returns the value that stands for a version, with some more bytes behind
// it so that values differ in length.
func value(buf []byte, v history.Version) []byte {
	buf = binary.BigEndian.AppendUint64(buf[:0], uint64(v))
	for n := v % 11; n > 0; n-- {
		buf = append(buf, byte(n))
	}
	return buf
}

// Version returns the version that a value stands for.
func Version(val []byte) (history.Version, error) {
	if len(val) < versionSize {
		return 0, fmt.Errorf("value %q was never written", val)
	}
	v := history.Version(binary.BigEndian.Uint64(val))
	var buf [32]byte
	if string(value(buf[:], v)) != string(val) {
		return 0, fmt.Errorf("value %q was never written", val)
	}
	return v, nil
}
