package crash

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/tierceldb/tiercel/internal/history"
)

// Prefixes of the keys that say who has committed. They come before all other keys.
const (
	markOfWorker   = "a/w/" // then its number: the ID of its last commit
	markOfPrepared = "a/x/" // then the xid, of a transaction that was prepared
)

func workerMark(worker int) string { return markOfWorker + strconv.Itoa(worker) }

// appendVersion appends a version, or an ID.
func appendVersion[N history.Version | history.ID](buf []byte, v N) []byte {
	return binary.BigEndian.AppendUint64(buf, uint64(v))
}

// numberSize is the length of what appendVersion appends.
const numberSize = 8

// fillerOf is how many bytes follow a version in its value: few as a rule, and now and
// then so many that the log goes on in another segment, and that the object store has
// something to write.
func fillerOf(v history.Version) int {
	mixed := uint64(v) * 0x9E3779B97F4A7C15 >> 32
	if mixed%8 == 0 {
		return int(2_000 + mixed>>3%14_000)
	}
	return int(mixed % 200)
}

// appendValue appends the value that stands for a version.
func appendValue(buf []byte, v history.Version) []byte {
	buf = appendVersion(buf, v)
	for n := range fillerOf(v) {
		buf = append(buf, byte(n)+byte(v))
	}
	return buf
}

// parseValue returns the version that a value stands for.
func parseValue(val []byte) (history.Version, error) {
	if len(val) < numberSize {
		return 0, fmt.Errorf("a value of %d bytes was never written", len(val))
	}
	v := history.Version(binary.BigEndian.Uint64(val))
	if string(appendValue(nil, v)) != string(val) {
		return 0, fmt.Errorf("a value of %d bytes is not what %v has written", len(val), v)
	}
	return v, nil
}

// xidOf is the xid under which a transaction is prepared.
func xidOf(id history.ID) string { return id.String() }
