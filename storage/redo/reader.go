package redo

import (
	"fmt"
	"io"
	"math"
	"time"
)

// The lengths of the shortest elements of lists, in bytes.
const (
	shortestWrite = 1 // deletion of the empty key
	shortestLock  = 2
	shortestKey   = 1
	shortestRange = 2
)

// Reader returns the records of a payload. It is for one goroutine at a time.
//
// Whatever the payload, it does not panic, and needs no more memory than a small
// multiple of the payload's length, for the lists of the longest record.
type Reader struct {
	cursor
	record Record
	before uint64 // the timestamp read last
}

// NewReader returns a reader that stands before the first record.
func NewReader(payload []byte) *Reader {
	r := new(Reader)
	r.Reset(payload)
	return r
}

// Reset makes the reader stand before the first record of another payload, and keeps
// its memory. Records read so far are no longer valid.
func (r *Reader) Reset(payload []byte) {
	r.cursor = cursor{data: payload}
	r.before = 0
	if version := r.byte(); r.err == nil && version != Version {
		r.err = fmt.Errorf("%w: version %d, and this program reads version %d", ErrVersion, version, Version)
	}
}

// Next returns the next record, which is valid until the next call; or, at the end
// of the payload, io.EOF. Other errors match ErrVersion or are a *CorruptionError,
// and come again with every later call.
func (r *Reader) Next() (*Record, error) {
	if r.err == nil && r.at == len(r.data) {
		r.err = io.EOF
	}
	if r.err == nil {
		r.read()
	}
	if r.err != nil {
		return nil, r.err
	}
	return &r.record, nil
}

// read reads a record.
func (r *Reader) read() {
	rec := &r.record
	rec.reset()
	rec.Offset = r.at
	switch r.byte() {
	case plain:
		rec.Kind = Commit
		rec.TS = r.timestamp(1)
		r.writes(r.count(shortestWrite))
	case finishing:
		rec.Kind = Commit
		rec.TS = r.timestamp(1)
		rec.XID = r.xid()
		r.writes(r.count(shortestWrite))
	case preparing:
		rec.Kind = Prepare
		r.prepare()
	case dropping:
		rec.Kind = Dropped
		rec.XID = r.xid()
	case opening:
		rec.Kind = Opened
		rec.TS = r.timestamp(0)
	default:
		r.fail(rec.Offset, ErrKind)
	}
}

// timestamp takes the distance to the timestamp before, which must be so large.
func (r *Reader) timestamp(least uint64) uint64 {
	at := r.at
	distance := r.number(math.MaxUint64)
	if distance < least || distance > math.MaxUint64-r.before {
		r.fail(at, ErrOrder)
		return 0
	}
	r.before += distance
	return r.before
}

// prepare reads what follows the first byte of a prepare record.
func (r *Reader) prepare() {
	rec := &r.record
	rec.XID = r.xid()
	rec.Label = r.string()
	rec.Since = r.signed()
	rec.Limit = time.Duration(r.number(math.MaxInt64))
	writes, locks := r.count(shortestWrite), r.count(shortestLock)
	keys, ranges := r.count(shortestKey), r.count(shortestRange)
	r.writes(writes)
	for i := 0; i < locks && r.err == nil; i++ {
		rec.Locks = append(rec.Locks, Lock{Key: r.string(), Mode: r.byte()})
	}
	for i := 0; i < keys && r.err == nil; i++ {
		rec.Keys = append(rec.Keys, r.string())
	}
	for i := 0; i < ranges && r.err == nil; i++ {
		rec.Ranges = append(rec.Ranges, r.scanned())
	}
}

// writes takes so many writes.
func (r *Reader) writes(n int) {
	for ; n > 0 && r.err == nil; n-- {
		r.record.Writes = append(r.record.Writes, r.write())
	}
}

func (r *Reader) write() Write {
	head := r.number(math.MaxUint64)
	if head&1 != 0 {
		return Write{Key: r.take(head >> 1), Delete: true}
	}
	value := r.number(math.MaxUint64)
	return Write{Key: r.take(head >> 1), Value: r.take(value)}
}

// scanned takes a range.
func (r *Reader) scanned() Range {
	at := r.at
	switch r.byte() {
	case rangeHalfOpen:
		return Range{Lo: r.string(), Hi: r.string()}
	case rangeClosed:
		return Range{Lo: r.string(), Hi: r.string(), Closed: true}
	case rangeToEnd:
		return Range{Lo: r.string()}
	}
	r.fail(at, ErrRange)
	return Range{}
}
