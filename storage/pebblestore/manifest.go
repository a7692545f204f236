package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The file that says which tables count, the manifest, is a sequence of records,
// each of them synced before the next is written. Pebble reads it up to the first
// that is not whole, because the last one may not be after a crash. If one before
// the last is damaged, the store would be an older one, and all newer tables would
// be deleted. So the manifest is looked through first.
//
// A record is one chunk or several, and no chunk crosses the border of a block. A
// chunk is
//
//	checksum 4, length 2, kind 1, content
//
// with the least significant byte first. The checksum is CRC32C over kind and
// content, turned by 15 bits, plus a constant.
const (
	blockBytes  = 32 << 10
	headerBytes = 7

	kindWhole = 1 // the chunk is a record
	kindFirst = 2 // a record begins
	kindLast  = 4 // the greatest kind

	checksumTurn = 17
	checksumPlus = 0xa282ead8
)

// checkManifest looks for a record that begins after the end of what can be read.
func checkManifest(in vfs.FS, dir string, names []string) error {
	name := marker(names, "manifest")
	if name == "" {
		// The first manifest is named before there is a table.
		if slices.ContainsFunc(names, func(n string) bool { return filepath.Ext(n) == tableSuffix }) {
			return fmt.Errorf("%w: there are tables, and no file says which of them count", ErrCorrupt)
		}
		return nil
	}
	data, err := readFile(in, in.PathJoin(dir, name))
	if err != nil {
		return incomplete(err)
	}
	damage := 0
	for damage < len(data) {
		n := chunk(data, damage)
		if n == 0 {
			break
		}
		damage += n
	}
	for at := damage + 1; at < len(data); at++ {
		if n := chunk(data, at); n > 0 && startsRecord(data[at:at+n]) {
			return fmt.Errorf("%w: %s: damaged between bytes %d and %d", ErrCorrupt, name, damage, at)
		}
	}
	return nil
}

// startsRecord is false for the rest of a block that is too short for a header.
func startsRecord(chunk []byte) bool {
	return len(chunk) >= headerBytes && chunk[6] <= kindFirst
}

// chunk returns the length of the chunk that begins here, 0 if none does.
func chunk(data []byte, at int) int {
	block := data[at:min(len(data), at-at%blockBytes+blockBytes)]
	if len(block) < headerBytes {
		if at+len(block) < len(data) {
			return len(block) // nothing fits there
		}
		return 0
	}
	end := headerBytes + int(binary.LittleEndian.Uint16(block[4:]))
	if end > len(block) || block[6] < kindWhole || block[6] > kindLast {
		return 0
	}
	sum := crc32.Checksum(block[6:end], crc32.MakeTable(crc32.Castagnoli))
	if binary.LittleEndian.Uint32(block) != (sum>>(32-checksumTurn)|sum<<checksumTurn)+checksumPlus {
		return 0
	}
	return end
}

func readFile(in vfs.FS, name string) (data []byte, err error) {
	f, err := in.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(f)
}
