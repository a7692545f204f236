package commitlog

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	frameHeader = 40 // bytes
	frameAlign  = 8  // frames begin at multiples of it
)

// kind is the last byte of a frame's magic.
type kind byte

const (
	whole  kind = 'g' // a group
	begin  kind = 'b' // the first part of a group that goes on in the next segment
	middle kind = 'm'
	end    kind = 'e'
	closed kind = 'c' // the log was closed here
	sealed kind = 's' // the log goes on in the next segment
)

// magic is what a frame begins with, but for its kind.
const magic = uint32('T') | uint32('c')<<8 | uint32('l')<<16

// castagnoli is the polynomial that processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// part is a frame: a whole group or a part of one, or a mark without payload.
type part struct {
	kind        kind
	position    int64  // in the segment
	write       int64  // where in the segment the write it was part of began
	first, last uint64 // timestamps of the group
	payload     []byte
}

// frameSize is what a payload of n bytes takes in a segment.
func frameSize(n int) int64 {
	return (frameHeader + int64(n) + frameAlign - 1) &^ (frameAlign - 1)
}

// seedOf begins the checksums of a segment, so that a frame counts in the store
// and the segment it was written for only.
func seedOf(store StoreID, segment uint64) uint32 {
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], segment)
	return crc32.Update(crc32.Checksum(store[:], castagnoli), castagnoli, number[:])
}

// positionSum continues seed with a position and the first 32 bytes of a header.
func positionSum(seed uint32, position int64, header []byte) uint32 {
	var covered [8 + 32]byte
	binary.LittleEndian.PutUint64(covered[:], uint64(position))
	copy(covered[8:], header[:32])
	return crc32.Update(seed, castagnoli, covered[:])
}

// payloadSum continues the checksum of a header with the payload and the zeros
// that fill it up.
func payloadSum(sum uint32, payload []byte) uint32 {
	var zeros [frameAlign]byte
	sum = crc32.Update(sum, castagnoli, payload)
	return crc32.Update(sum, castagnoli, zeros[:padding(len(payload))])
}

// padding is how many zeros follow a payload of n bytes.
func padding(n int) int { return int(frameSize(n)) - frameHeader - n }

// header encodes all of a frame but payload and padding.
func (p part) header(seed uint32) [frameHeader]byte {
	var h [frameHeader]byte
	binary.LittleEndian.PutUint32(h[0:], magic|uint32(p.kind)<<24)
	binary.LittleEndian.PutUint32(h[4:], uint32(len(p.payload)))
	binary.LittleEndian.PutUint64(h[8:], p.first)
	binary.LittleEndian.PutUint64(h[16:], p.last)
	binary.LittleEndian.PutUint64(h[24:], uint64(p.write))
	sum := positionSum(seed, p.position, h[:])
	binary.LittleEndian.PutUint32(h[32:], sum)
	binary.LittleEndian.PutUint32(h[36:], payloadSum(sum, p.payload))
	return h
}

// decodeHeader reads the header of the frame at a position of a segment, and
// tells whether there is one. The payload is the bytes behind it, unchecked.
func decodeHeader(seed uint32, segment []byte, position int64) (part, bool) {
	if position+frameHeader > int64(len(segment)) {
		return part{}, false
	}
	h := segment[position:]
	start := binary.LittleEndian.Uint32(h)
	if start&0xFFFFFF != magic || positionSum(seed, position, h) != binary.LittleEndian.Uint32(h[32:]) {
		return part{}, false
	}
	length := int64(binary.LittleEndian.Uint32(h[4:]))
	p := part{
		kind:     kind(start >> 24),
		position: position,
		first:    binary.LittleEndian.Uint64(h[8:]),
		last:     binary.LittleEndian.Uint64(h[16:]),
		write:    int64(binary.LittleEndian.Uint64(h[24:])),
	}
	if length > int64(len(segment))-position-frameHeader || p.write > position || p.write < segmentHeader {
		return part{}, false
	}
	p.payload = h[frameHeader : frameHeader+length : frameHeader+length]
	return p, true
}

// decode reads the frame at a position of a segment, and tells whether there is
// an intact one.
func decode(seed uint32, segment []byte, position int64) (part, bool) {
	p, ok := decodeHeader(seed, segment, position)
	if !ok || position+p.size() > int64(len(segment)) {
		return part{}, false
	}
	h := segment[position : position+p.size()]
	sum := binary.LittleEndian.Uint32(h[32:])
	if crc32.Update(sum, castagnoli, h[frameHeader:]) != binary.LittleEndian.Uint32(h[36:]) {
		return part{}, false
	}
	return p, true
}

// size is what the frame takes in the segment.
func (p part) size() int64 { return frameSize(len(p.payload)) }

// next is where the frame behind it begins.
func (p part) next() int64 { return p.position + p.size() }
