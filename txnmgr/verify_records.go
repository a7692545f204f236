package txnmgr

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/storage/redo"
)

// logged is what the log has of a key: the newest write up to the mark of the object
// store, which must have it, and what comes behind, which it may have already.
type logged struct {
	newest logWrite // ts 0: the log does not go back that far
	behind []logWrite
}

// logWrite is a write of a key in the log.
type logWrite struct {
	ts     uint64
	length int
	sum    uint32 // of the value
	gone   bool   // there is none
}

func newLogWrite(ts uint64, w *redo.Write) logWrite {
	return logWrite{ts: ts, length: len(w.Value), sum: crc32.ChecksumIEEE(w.Value), gone: w.Delete}
}

// has reports whether the write put the value there.
func (w *logWrite) has(value []byte) bool {
	return !w.gone && w.length == len(value) && w.sum == crc32.ChecksumIEEE(value)
}

// group reads the records of a group.
func (v *verification) group(segment uint64, f commitlog.Frame) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	where := func(rec *redo.Record) string {
		return fmt.Sprintf("segment %d, group %d to %d, record at byte %d", segment, f.First, f.Last, rec.Offset)
	}
	v.reader.Reset(f.Payload)
	for {
		rec, err := v.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return v.foundIn(fmt.Errorf("segment %d, group %d to %d: %w", segment, f.First, f.Last, err))
		}
		if rec.TS != 0 && (rec.TS < f.First || rec.TS > f.Last) {
			v.found(ErrCorrupt, "%s: timestamp %d", where(rec), rec.TS)
		}
		v.record(rec)
	}
}

// record takes note of one record.
func (v *verification) record(rec *redo.Record) {
	switch rec.Kind {
	case redo.Commit:
		v.finished(rec.XID)
		v.commit(rec)
	case redo.Prepare:
		v.finished(rec.XID) // the record was written once more
		v.prepared = append(v.prepared, infoOf(rec))
	case redo.Dropped:
		v.finished(rec.XID)
	case redo.Opened:
	}
}

// finished takes note that a transaction is not prepared any more.
func (v *verification) finished(xid []byte) {
	if len(xid) > 0 {
		v.prepared = slices.DeleteFunc(v.prepared, func(p PreparedInfo) bool { return p.XID == string(xid) })
	}
}

// infoOf describes a prepared transaction.
func infoOf(rec *redo.Record) PreparedInfo {
	info := PreparedInfo{XID: string(rec.XID), Label: string(rec.Label), Since: time.Unix(0, rec.Since), Limit: rec.Limit}
	for _, w := range rec.Writes {
		info.Keys = append(info.Keys, bytes.Clone(w.Key))
	}
	return info
}

func (v *verification) commit(rec *redo.Record) {
	l := &v.report.Log
	if l.Commits++; l.Commits == 1 {
		l.First = rec.TS
	}
	l.Last = rec.TS
	applied := rec.TS <= v.report.Objects.Applied
	if !applied {
		v.report.Replay++
	}
	if v.keys == nil {
		return
	}
	for i := range rec.Writes {
		k := v.keys[string(rec.Writes[i].Key)]
		if k == nil {
			k = new(logged)
			v.keys[string(rec.Writes[i].Key)] = k
		}
		if w := newLogWrite(rec.TS, &rec.Writes[i]); applied {
			k.newest = w
		} else {
			k.behind = append(k.behind, w)
		}
	}
}

// readObjects reads the object store, and compares it with the log.
func (v *verification) readObjects() error {
	v.done = v.all
	r, err := pebblestore.VerifyEach(nil, v.objects(), pebblestore.Visitor{
		Key: v.compare,
		Progress: func(done, all int64) {
			v.done = v.all - all
			v.tell(done)
		},
	})
	v.report.Objects.Keys, v.report.Objects.Bytes = r.Keys, r.Bytes
	if err != nil {
		if v.ctx.Err() != nil {
			return err
		}
		v.report.Objects.Cut = true
		return v.foundIn(&objectsError{err})
	}
	for key, k := range v.keys {
		if w := k.newest; w.ts != 0 && !w.gone && !slices.ContainsFunc(k.behind, func(w logWrite) bool { return w.gone }) {
			v.found(ErrCorrupt, "key %.40q, committed at %d, is in the log and not in the object store", key, w.ts)
		}
	}
	return nil
}

// compare looks at one key of the object store. A process that was killed while it
// applied commits may have left some of them there and not others, without saying so
// in the mark: then they are behind the mark in the log.
func (v *verification) compare(key, value []byte, ts uint64) error {
	k := v.keys[string(key)]
	if k == nil {
		k = new(logged)
	}
	delete(v.keys, string(key))
	if ts <= v.report.Objects.Applied {
		v.compareApplied(key, value, ts, &k.newest)
		return v.ctx.Err()
	}
	at := slices.IndexFunc(k.behind, func(w logWrite) bool { return w.ts == ts })
	switch {
	case v.unsure:
	case at < 0:
		v.found(ErrCorrupt, "key %.40q in the object store is of timestamp %d, and the log has no commit of it then", key, ts)
	case !k.behind[at].has(value):
		v.found(ErrCorrupt, "key %.40q, committed at %d, has another value in the object store than in the log", key, ts)
	}
	return v.ctx.Err()
}

// compareApplied compares what the object store has with what it must have, as far as
// the log knows.
func (v *verification) compareApplied(key, value []byte, ts uint64, want *logWrite) {
	switch {
	case want.ts == 0:
	case want.gone:
		v.found(ErrCorrupt, "key %.40q, deleted at %d, is in the object store, of timestamp %d", key, want.ts, ts)
	case want.ts != ts:
		v.found(ErrCorrupt, "key %.40q, committed at %d, is of timestamp %d in the object store", key, want.ts, ts)
	case !want.has(value):
		v.found(ErrCorrupt, "key %.40q, committed at %d, has another value in the object store than in the log", key, ts)
	}
}
