package commitlog

import (
	"encoding/binary"
	"hash/crc32"
)

// HeaderOfVersion is the header of the segment with number 1 that another
// version of the package would write.
func HeaderOfVersion(version uint32, size int64) []byte {
	b := header{number: 1, size: size}.encode()
	binary.LittleEndian.PutUint32(b[12:], version)
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b[12:], castagnoli))
	return b
}
