package commitlog

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tierceldb/tiercel/internal/fsys"
)

const (
	// Version is the version of the file format.
	Version = 1

	segmentMagic  = "tiercelL"
	segmentHeader = 4096 // bytes before the first frame, most of them unused
	headerSize    = 64   // bytes of it that are used
	segmentAlign  = 4096

	segmentSuffix = ".log"
	sparePrefix   = "spare-"
	unfinished    = ".new" // behind the name of a spare that is being made
)

// StoreID tells stores apart.
type StoreID [16]byte

// String is the id in hexadecimal.
func (id StoreID) String() string { return hex.EncodeToString(id[:]) }

// header is what a segment begins with.
type header struct {
	store  StoreID
	number uint64 // segments are numbered in order; no number is used again
	base   uint64 // no group that begins in an earlier segment has a younger timestamp
	size   int64  // of the file
}

// segmentName is the name of a segment's file.
func segmentName(number uint64) string { return fmt.Sprintf("%016x%s", number, segmentSuffix) }

// segmentNumber is the number in the name of a segment's file.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 16, 64)
	return number, err == nil && segmentName(number) == name
}

// encode renders a header:
//
//	0 magic  8 checksum of what follows  12 version  16 store id  32 number  40 base  48 size  56 zeros
//
// Magic, checksum and version stay where they are in every version.
func (h header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[12:], Version)
	copy(b[16:], h.store[:])
	binary.LittleEndian.PutUint64(b[32:], h.number)
	binary.LittleEndian.PutUint64(b[40:], h.base)
	binary.LittleEndian.PutUint64(b[48:], uint64(h.size))
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b[12:], castagnoli))
	return b
}

// decodeSegmentHeader reads the header of the segment that is called number.
func decodeSegmentHeader(b []byte, number uint64) (header, error) {
	if string(b[:8]) != segmentMagic {
		return header{}, corrupt(number, 0, ErrHeader, "not a segment of a commit log")
	}
	if crc32.Checksum(b[12:headerSize], castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return header{}, corrupt(number, 0, ErrHeader, "wrong checksum")
	}
	if v := binary.LittleEndian.Uint32(b[12:]); v != Version {
		return header{}, fmt.Errorf("%w: segment %d has version %d, this program reads version %d", ErrVersion, number, v, Version)
	}
	h := header{
		store:  StoreID(b[16:32]),
		number: binary.LittleEndian.Uint64(b[32:]),
		base:   binary.LittleEndian.Uint64(b[40:]),
		size:   int64(binary.LittleEndian.Uint64(b[48:])),
	}
	if h.number != number {
		return header{}, corrupt(number, 0, ErrHeader, "it is segment %d under another name", h.number)
	}
	return h, nil
}

// readHeader reads the header of a segment and checks the length of its file.
func readHeader(fs fsys.FS, dir string, number uint64) (header, error) {
	f, err := fs.Read(filepath.Join(dir, segmentName(number)))
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return header{}, err
	}
	if size < segmentHeader {
		return header{}, corrupt(number, size, ErrSegmentSize, "%d bytes do not hold a header", size)
	}
	var b [headerSize]byte
	if err := readFull(f, b[:], 0); err != nil {
		return header{}, err
	}
	h, err := decodeSegmentHeader(b[:], number)
	if err == nil && h.size != size {
		err = corrupt(number, min(size, h.size), ErrSegmentSize, "%d bytes, not %d", size, h.size)
	}
	return h, err
}

// readSegment reads a whole segment into buf, or a larger one.
func readSegment(fs fsys.FS, dir string, h header, buf []byte) ([]byte, error) {
	if int64(cap(buf)) < h.size {
		buf = make([]byte, h.size)
	}
	buf = buf[:h.size]
	return buf, readPart(fs, filepath.Join(dir, segmentName(h.number)), buf, 0)
}

// readPart fills b from a position of the file with a name on.
func readPart(fs fsys.FS, name string, b []byte, at int64) error {
	f, err := fs.Read(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return readFull(f, b, at)
}

// readFull fills b from a position of a file on.
func readFull(f fsys.File, b []byte, at int64) error {
	n, err := f.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
