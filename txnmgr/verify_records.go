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

// logged is the newest write of a key that log and object store must have both.
type logged struct {
	ts     uint64
	sum    uint32 // of the value
	gone   bool   // it has none
	length int
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
	if rec.TS > v.report.Objects.Applied {
		v.report.Replay++
		for _, w := range rec.Writes {
			if v.keys != nil {
				v.later[string(w.Key)] = rec.TS
			}
		}
		return
	}
	if v.keys == nil {
		return
	}
	for _, w := range rec.Writes {
		v.keys[string(w.Key)] = logged{ts: rec.TS, sum: crc32.ChecksumIEEE(w.Value), gone: w.Delete, length: len(w.Value)}
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
		return v.foundIn(err)
	}
	for key, want := range v.keys {
		if !want.gone && v.later[key] == 0 {
			v.found(ErrCorrupt, "key %.40q, committed at %d, is in the log and not in the object store", key, want.ts)
		}
	}
	return nil
}

// compare looks at one key of the object store. What is newer than what that has as a
// whole was on its way there, and stands in the log.
func (v *verification) compare(key, value []byte, ts uint64) error {
	if later := v.later[string(key)]; ts > v.report.Objects.Applied && ts <= later {
		delete(v.keys, string(key))
		return v.ctx.Err()
	}
	if ts > v.report.Objects.Applied {
		v.found(ErrCorrupt, "key %.40q in the object store is of timestamp %d, and that ends at %d", key, ts, v.report.Objects.Applied)
	}
	want, known := v.keys[string(key)]
	switch {
	case !known:
		return v.ctx.Err()
	case want.gone:
		v.found(ErrCorrupt, "key %.40q, deleted at %d, is in the object store, of timestamp %d", key, want.ts, ts)
	case want.ts != ts:
		v.found(ErrCorrupt, "key %.40q, committed at %d, is of timestamp %d in the object store", key, want.ts, ts)
	case want.length != len(value) || want.sum != crc32.ChecksumIEEE(value):
		v.found(ErrCorrupt, "key %.40q, committed at %d, has another value in the object store than in the log", key, ts)
	}
	delete(v.keys, string(key))
	return v.ctx.Err()
}
