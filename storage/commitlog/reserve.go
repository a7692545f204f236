package commitlog

import "fmt"

// lostAtEnd bounds what the end of a segment costs: a rest too small to be used,
// or the header that the other part of a cut group has in the next segment.
const lostAtEnd = frameHeader + minPart + frameAlign

// Need is how many bytes to reserve for a payload of n bytes. Several payloads
// that are put together in one frame need no more than they do each for itself.
func Need(n int) int64 { return frameSize(n) }

// Reserve makes sure that bytes can be appended without running out of room,
// besides all that was reserved before and not released. If there are not enough
// segments ready it makes more, which may take a while; Append does not wait for
// that. The error of a full disk matches syscall.ENOSPC, and does no harm.
func (l *Log) Reserve(bytes int64) error {
	if ok, err := l.tryReserve(bytes); ok || err != nil {
		return err
	}
	l.upkeep.Lock()
	defer l.upkeep.Unlock()
	for {
		if ok, err := l.tryReserve(bytes); ok || err != nil {
			return err
		}
		if err := l.addSpare(); err != nil {
			err = fmt.Errorf("commitlog: reserve %d bytes: %w", bytes, err)
			return withCause(err, l.trim())
		}
	}
}

// tryReserve reserves if there is room.
func (l *Log) tryReserve(bytes int64) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return false, err
	}
	if l.reserved+bytes > l.room(len(l.spares)) {
		return false, nil
	}
	l.reserved += bytes
	return true, nil
}

// Release gives back what was reserved, after it was appended or when it is not
// going to be.
func (l *Log) Release(bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved -= bytes
}

// room is how many bytes of frames fit, however they are cut, with so many
// spares. The caller holds mu.
func (l *Log) room(spares int) int64 {
	return l.free + int64(spares)*roomIn(segmentHeader, l.opts.SegmentBytes)
}

// roomIn is the room in a segment behind a position.
func roomIn(position, size int64) int64 { return max(0, size-tailRoom-lostAtEnd-position) }

// free is the room in the segment that is written.
func (w *writer) free() int64 { return roomIn(w.position, w.size) }
