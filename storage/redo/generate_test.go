package redo_test

import (
	"bytes"
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/tierceldb/tiercel/storage/redo"
)

// payload is a payload and the timestamp appended last.
type payload struct {
	buf    []byte
	before uint64
}

// add appends a record as a Reader returns it.
func (p *payload) add(r *redo.Record) {
	switch r.Kind {
	case redo.Commit:
		p.buf = redo.AppendCommit(p.buf, p.before, r.TS, string(r.XID), len(r.Writes))
		p.buf = appendWrites(p.buf, r.Writes)
		p.before = r.TS
	case redo.Prepare:
		p.buf = redo.AppendPrepare(p.buf, preparation(r))
		p.buf = appendWrites(p.buf, r.Writes)
		for _, l := range r.Locks {
			p.buf = redo.AppendLock(p.buf, l.Key, l.Mode)
		}
		for _, key := range r.Keys {
			p.buf = redo.AppendKey(p.buf, key)
		}
		for _, scanned := range r.Ranges {
			p.buf = redo.AppendRange(p.buf, scanned)
		}
	case redo.Dropped:
		p.buf = redo.AppendDropped(p.buf, string(r.XID))
	case redo.Opened:
		p.buf = redo.AppendOpened(p.buf, p.before, r.TS)
		p.before = r.TS
	}
}

func appendWrites(buf []byte, writes []redo.Write) []byte {
	for _, w := range writes {
		if w.Delete {
			buf = redo.AppendDelete(buf, w.Key)
		} else {
			buf = redo.AppendPut(buf, w.Key, w.Value)
		}
	}
	return buf
}

func preparation(r *redo.Record) redo.Preparation {
	return redo.Preparation{
		XID: string(r.XID), Label: string(r.Label), Since: r.Since, Limit: r.Limit,
		Writes: len(r.Writes), Locks: len(r.Locks), Keys: len(r.Keys), Ranges: len(r.Ranges),
	}
}

// size is what the Size functions say about a record.
func size(r *redo.Record) (n int) {
	for _, w := range r.Writes {
		if w.Delete {
			n += redo.SizeDelete(len(w.Key))
		} else {
			n += redo.SizePut(len(w.Key), len(w.Value))
		}
	}
	switch r.Kind {
	case redo.Commit:
		return n + redo.SizeCommit(string(r.XID), len(r.Writes))
	case redo.Dropped:
		return redo.SizeDropped(string(r.XID))
	case redo.Opened:
		return redo.SizeOpened
	}
	for _, l := range r.Locks {
		n += redo.SizeLock(len(l.Key))
	}
	for _, key := range r.Keys {
		n += redo.SizeKey(len(key))
	}
	for _, scanned := range r.Ranges {
		n += redo.SizeRange(scanned)
	}
	return n + redo.SizePrepare(preparation(r))
}

// drawBytes draws short strings mostly, and some whose length takes two or three
// bytes.
func drawBytes(t *rapid.T, label string) []byte {
	if rapid.IntRange(0, 19).Draw(t, label+" is long") == 0 {
		b := make([]byte, rapid.IntRange(60, 20_000).Draw(t, label+" length"))
		return slices.Concat(b, []byte(label))
	}
	return rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, label)
}

func drawWrites(t *rapid.T) (writes []redo.Write) {
	for range rapid.IntRange(0, 5).Draw(t, "writes") {
		w := redo.Write{Key: drawBytes(t, "key"), Delete: rapid.Bool().Draw(t, "delete")}
		if !w.Delete {
			w.Value = drawBytes(t, "value")
		}
		writes = append(writes, w)
	}
	return writes
}

func drawXID(t *rapid.T) []byte { return rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "xid") }

// drawRecord draws a record that may follow a timestamp.
func drawRecord(t *rapid.T, before uint64) *redo.Record {
	r := &redo.Record{Kind: redo.Kind(rapid.IntRange(1, 4).Draw(t, "kind"))}
	if before == math.MaxUint64 && r.Kind == redo.Commit {
		r.Kind = redo.Opened
	}
	switch r.Kind {
	case redo.Commit:
		r.TS = drawTimestamp(t, before+1)
		r.Writes = drawWrites(t)
		if rapid.Bool().Draw(t, "was prepared") {
			r.XID = drawXID(t)
		}
	case redo.Prepare:
		r.XID, r.Label = drawXID(t), drawBytes(t, "label")
		r.Since = rapid.Int64().Draw(t, "since")
		r.Limit = time.Duration(rapid.Int64Min(0).Draw(t, "limit"))
		r.Writes = drawWrites(t)
		drawReads(t, r)
	case redo.Dropped:
		r.XID = drawXID(t)
	case redo.Opened:
		r.TS = drawTimestamp(t, before)
	}
	return r
}

func drawTimestamp(t *rapid.T, least uint64) uint64 {
	if rapid.IntRange(0, 9).Draw(t, "is far") == 0 {
		return rapid.Uint64Min(least).Draw(t, "timestamp")
	}
	distance := rapid.Uint64Range(0, 300).Draw(t, "distance")
	return least + min(distance, math.MaxUint64-least)
}

func drawReads(t *rapid.T, r *redo.Record) {
	for range rapid.IntRange(0, 3).Draw(t, "locks") {
		r.Locks = append(r.Locks, redo.Lock{Key: drawBytes(t, "lock"), Mode: rapid.Byte().Draw(t, "mode")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		r.Keys = append(r.Keys, drawBytes(t, "read"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "ranges") {
		scanned := redo.Range{Lo: drawBytes(t, "lo"), Hi: drawBytes(t, "hi"), Closed: rapid.Bool().Draw(t, "closed")}
		if !scanned.Closed && rapid.Bool().Draw(t, "to the end") {
			scanned.Hi = nil
		}
		r.Ranges = append(r.Ranges, scanned)
	}
}

// same compares records, where an empty list or string may be nil.
func same(a, b *redo.Record) bool {
	return a.Kind == b.Kind && a.TS == b.TS && a.Since == b.Since && a.Limit == b.Limit &&
		bytes.Equal(a.XID, b.XID) && bytes.Equal(a.Label, b.Label) &&
		slices.EqualFunc(a.Writes, b.Writes, sameWrite) &&
		slices.EqualFunc(a.Locks, b.Locks, func(x, y redo.Lock) bool { return bytes.Equal(x.Key, y.Key) && x.Mode == y.Mode }) &&
		slices.EqualFunc(a.Keys, b.Keys, bytes.Equal) &&
		slices.EqualFunc(a.Ranges, b.Ranges, sameRange)
}

func sameWrite(a, b redo.Write) bool {
	return bytes.Equal(a.Key, b.Key) && a.Delete == b.Delete && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == a.Delete && (b.Value == nil) == b.Delete
}

func sameRange(a, b redo.Range) bool {
	return bytes.Equal(a.Lo, b.Lo) && bytes.Equal(a.Hi, b.Hi) && a.Closed == b.Closed &&
		(a.Closed || (a.Hi == nil) == (b.Hi == nil))
}
