package commitlog

import (
	"bytes"
	"testing"
)

// segmentOf is a segment's contents with frames, one write each.
func segmentOf(store StoreID, number uint64, size int, frames ...part) []byte {
	segment := make([]byte, segmentHeader, size)
	for _, p := range frames {
		p.position, p.write = int64(len(segment)), int64(len(segment))
		h := p.header(seedOf(store, number))
		segment = append(segment, h[:]...)
		segment = append(segment, p.payload...)
		segment = append(segment, make([]byte, padding(len(p.payload)))...)
	}
	return append(segment, make([]byte, size-len(segment))...)
}

// FuzzWalk reads segments with anything in them. What is taken for a frame must
// lie in the segment and encode to the very bytes it was read from, and what is
// not must be told apart from what follows.
func FuzzWalk(f *testing.F) {
	store := StoreID{7}
	frames := []part{
		{kind: whole, first: 1, last: 2, payload: []byte("one")},
		{kind: whole, first: 3, last: 9, payload: bytes.Repeat([]byte("two"), 100)},
		{kind: begin, first: 10, last: 11, payload: []byte("three")},
		{kind: sealed},
	}
	f.Add([]byte(nil), uint64(1))
	f.Add(segmentOf(store, 1, 8192, frames...)[segmentHeader:], uint64(1))
	f.Add(segmentOf(store, 1, 8192, frames[:2]...)[segmentHeader:], uint64(1))
	f.Add(segmentOf(store, 2, 8192, frames...)[segmentHeader:], uint64(1))
	f.Fuzz(func(t *testing.T, body []byte, number uint64) {
		segment := append(make([]byte, segmentHeader), body...)
		at := int64(segmentHeader)
		end, err := walk(store, number, segment, func(p part) error {
			again := segmentOf(store, number, int(segmentHeader+p.size()))
			h := p.header(seedOf(store, number))
			again = append(append(again[:segmentHeader], h[:]...), p.payload...)
			if p.position != at || !bytes.Equal(again[segmentHeader:], segment[at:at+int64(len(again)-segmentHeader)]) {
				t.Fatalf("frame at %d (expected at %d) does not encode to what it was read from", p.position, at)
			}
			at = p.next()
			return nil
		})
		if err == nil && !end.sealed && end.position != at {
			t.Fatalf("ends at %d, the frames at %d", end.position, at)
		}
	})
}

// FuzzSegmentHeader reads headers with anything in them.
func FuzzSegmentHeader(f *testing.F) {
	f.Add(header{store: StoreID{1}, number: 3, base: 4, size: 8192}.encode(), uint64(3))
	f.Add(make([]byte, headerSize), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, number uint64) {
		if len(b) < headerSize {
			return
		}
		h, err := decodeSegmentHeader(b, number)
		if err == nil && (h.number != number || !bytes.Equal(h.encode()[:56], b[:56])) && bytes.Equal(b[56:64], make([]byte, 8)) {
			t.Fatalf("%x is taken for %+v", b[:headerSize], h)
		}
	})
}

// TestFramesCountInTheirPlaceOnly: in another store, segment or position the same
// bytes are none.
func TestFramesCountInTheirPlaceOnly(t *testing.T) {
	store := StoreID{7}
	segment := segmentOf(store, 3, 8192, part{kind: whole, first: 1, last: 2, payload: []byte("one")})
	if _, ok := decode(seedOf(store, 3), segment, segmentHeader); !ok {
		t.Fatal("not there")
	}
	copy(segment[segmentHeader+800:], segment[segmentHeader:segmentHeader+100])
	if _, ok := decodeHeader(seedOf(store, 3), segment, segmentHeader+800); ok {
		t.Error("taken for a frame in another position")
	}
	for _, seed := range []uint32{seedOf(store, 4), seedOf(StoreID{8}, 3)} {
		if _, ok := decodeHeader(seed, segment, segmentHeader); ok {
			t.Error("taken for a frame of another segment or store")
		}
	}
}

// TestFrameSizes: what a payload takes is what the format says.
func TestFrameSizes(t *testing.T) {
	for n := range 100 {
		size := frameSize(n)
		if size%frameAlign != 0 || size < int64(frameHeader+n) || size >= int64(frameHeader+n+frameAlign) || Need(n) != size {
			t.Errorf("a payload of %d bytes takes %d", n, size)
		}
	}
}

// TestNames: names of segments and spares are read back, and no others.
func TestNames(t *testing.T) {
	for _, n := range []uint64{0, 1, 0xABCDEF, 1<<64 - 1} {
		if got, ok := segmentNumber(segmentName(n)); !ok || got != n {
			t.Errorf("%s is number %d, %v", segmentName(n), got, ok)
		}
		if got, done, ok := spareNumber(spareName(n)); !ok || !done || got != n {
			t.Errorf("%s is number %d, %v, %v", spareName(n), got, done, ok)
		}
		if got, done, ok := spareNumber(spareName(n) + unfinished); !ok || done || got != n {
			t.Errorf("%s is number %d, %v, %v", spareName(n)+unfinished, got, done, ok)
		}
	}
	for _, name := range []string{"", "1.log", "000000000000000G.log", "00000000000000AB.log", "spare-", "spare-01", "spare-x", "lock", "x0000000000000001.log"} {
		_, segment := segmentNumber(name)
		_, _, spare := spareNumber(name)
		if segment || spare {
			t.Errorf("%q is taken for a file of the log", name)
		}
	}
}
