package mix

import (
	"iter"
	"slices"

	"github.com/tierceldb/tiercel/internal/history"
)

// step does one random thing.
func (t *txn) step() {
	k := history.Key(t.rng.IntN(t.opts.Keys))
	switch {
	case t.chance(t.opts.Scans):
		t.scan(k)
	case t.writer == nil || t.chance(40):
		t.get(k)
	case t.chance(t.opts.Savepoints):
		t.savepoint()
	case t.locker() != nil && t.chance(t.opts.Locks):
		t.lock(k)
	default:
		t.write(k)
	}
}

func (t *txn) get(k history.Key) {
	t.use(k)
	val, err := t.Get(t.keys[k])
	switch {
	case err == nil:
		t.saw("get", k, val)
	case t.store.Judge(err) == NotFound:
		t.pending.Read(k, 0)
	default:
		t.failed("get", err)
	}
}

// saw records a value that was read.
func (t *txn) saw(call string, k history.Key, val []byte) {
	v, err := Version(val)
	if err != nil {
		t.fault(t.pending.ID(), "%s: %v", call, err)
		return
	}
	t.pending.Read(k, v)
}

func (t *txn) write(k history.Key) {
	t.use(k)
	switch {
	case t.chance(t.opts.Deletes):
		t.delete(k)
	case t.chance(t.opts.Inserts):
		t.insert(k)
	default:
		t.put(k)
	}
}

func (t *txn) put(k history.Key) {
	v := t.pending.NewVersion()
	if err := t.writer.Put(t.keys[k], value(t.buf[:], v)); err != nil {
		t.failed("put", err)
		return
	}
	t.pending.Put(k, v)
}

func (t *txn) delete(k history.Key) {
	if err := t.writer.Delete(t.keys[k]); err != nil {
		t.failed("delete", err)
		return
	}
	t.pending.Delete(k)
}

// insert has read that the key is absent, or reads what is there.
func (t *txn) insert(k history.Key) {
	v := t.pending.NewVersion()
	err := t.writer.Insert(t.keys[k], value(t.buf[:], v))
	switch {
	case err == nil:
		t.pending.Read(k, 0)
		t.pending.Put(k, v)
	case t.store.Judge(err) == Exists:
		t.existing(k)
	default:
		t.failed("insert", err)
	}
}

// existing reads a key that Insert has said to exist.
func (t *txn) existing(k history.Key) {
	val, err := t.Get(t.keys[k])
	switch {
	case err == nil:
		t.saw("get", k, val)
	case t.store.Judge(err) == NotFound:
		t.fault(t.pending.ID(), "insert says that %s exists, and get that it does not", t.keys[k])
	default:
		t.failed("get", err)
	}
}

// savepoint makes a savepoint, or goes back to one.
func (t *txn) savepoint() {
	if len(t.saved) == 0 || t.chance(50) {
		t.saved = append(t.saved, saved{t.pending.Mark(), t.writer.Savepoint()})
		return
	}
	n := t.rng.IntN(len(t.saved))
	s := t.saved[n]
	if err := s.rollBack(); err != nil {
		t.failed("roll back to savepoint", err)
		return
	}
	t.pending.RollbackTo(s.mark)
	clear(t.held)
	t.saved = slices.Delete(t.saved, n+1, len(t.saved))
}

// scan goes over a range from k, in one of the directions, and sometimes not to
// its end.
func (t *txn) scan(k history.Key) {
	t.exposed = true
	end := min(k+history.Key(t.rng.IntN(t.opts.Range+1)), history.Key(t.opts.Keys))
	hi := t.keys[end]
	if int(end) == t.opts.Keys && t.chance(50) {
		hi = nil
	}
	if t.chance(50) {
		t.walk(t.Scan(t.keys[k], hi), t.pending.Ascend(k, end))
	} else {
		t.walk(t.ScanDescending(t.keys[k], hi), t.pending.Descend(k, end))
	}
}

func (t *txn) walk(pairs iter.Seq2[[]byte, []byte], rec history.Scan) {
	for key, val := range pairs {
		if !t.pair(&rec, key, val) {
			return
		}
		t.pause()
		if t.writer != nil && t.chance(10) {
			t.write(history.Key(t.rng.IntN(t.opts.Keys))) // perhaps ahead of the scan
		}
		if t.abandoned || t.chance(10) {
			return
		}
	}
	if err := t.Err(); err != nil {
		t.failed("scan", err)
		return
	}
	rec.End()
}

// pair records a key and its value. It reports false if they do not belong there.
func (t *txn) pair(rec *history.Scan, key, val []byte) bool {
	k, err := t.keys.Number(key)
	if err != nil {
		t.fault(t.pending.ID(), "scan: %v", err)
		return false
	}
	v, err := Version(val)
	if err != nil {
		t.fault(t.pending.ID(), "scan: %v", err)
		return false
	}
	if !rec.Next(k, v) {
		t.fault(t.pending.ID(), "scan: key %q is out of order or out of the range", key)
		return false
	}
	return true
}
