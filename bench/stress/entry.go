package stress

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// entry is one key and its value as a scan yielded it.
type entry struct{ key, value []byte }

// String shows the value in hexadecimal.
func (e entry) String() string { return fmt.Sprintf("%s=%x", e.key, e.value) }

func (e entry) equal(f entry) bool {
	return bytes.Equal(e.key, f.key) && bytes.Equal(e.value, f.value)
}

// gather appends what a scan yields to dst.
func gather(dst []entry, scan iter.Seq2[[]byte, []byte]) []entry {
	for k, v := range scan {
		dst = append(dst, entry{k, v})
	}
	return dst
}

// gatherSome is gather for a scan that is abandoned after n entries.
func gatherSome(dst []entry, scan iter.Seq2[[]byte, []byte], n int) []entry {
	for k, v := range scan {
		if n == 0 {
			break
		}
		dst = append(dst, entry{k, v})
		n--
	}
	return dst
}

// ascending reports the first place where keys do not strictly rise.
func ascending(entries []entry) error {
	for i := 1; i < len(entries); i++ {
		if bytes.Compare(entries[i-1].key, entries[i].key) >= 0 {
			return fmt.Errorf("%s is followed by %s", entries[i-1].key, entries[i].key)
		}
	}
	return nil
}

// mirrored reports where a descending scan differs from the ascending one of
// the same range in the same transaction.
func mirrored(up, down []entry) error {
	if len(up) != len(down) {
		return fmt.Errorf("%d entries ascending, %d descending", len(up), len(down))
	}
	for i, e := range up {
		if d := down[len(down)-1-i]; !e.equal(d) {
			return fmt.Errorf("ascending %v, descending %v", e, d)
		}
	}
	return nil
}

// same reports where two lists differ.
func same(got, want []entry) error {
	for i := range min(len(got), len(want)) {
		if !got[i].equal(want[i]) {
			return fmt.Errorf("entry %d is %v, want %v", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d entries, want %d", len(got), len(want))
	}
	return nil
}

// between returns the entries with lo <= key < hi of an ascending list.
func between(entries []entry, lo, hi []byte) []entry {
	byKey := func(e entry, key []byte) int { return bytes.Compare(e.key, key) }
	from, _ := slices.BinarySearchFunc(entries, lo, byKey)
	to, _ := slices.BinarySearchFunc(entries, hi, byKey)
	return entries[from:max(from, to)]
}

// sum adds up the values.
func sum(entries []entry) int64 {
	total := int64(0)
	for _, e := range entries {
		total += number(e.value)
	}
	return total
}

// number decodes a value written by worker.value or encode; anything else is a
// number that no check expects.
func number(value []byte) int64 {
	if len(value) != 8 {
		return -1 << 62
	}
	return int64(binary.BigEndian.Uint64(value))
}

func encode(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
