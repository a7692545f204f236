package crash

import (
	"errors"
	"iter"

	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/txnmgr"
)

// txn is one transaction of a worker.
type txn struct {
	*worker
	pending *history.Pending
	r       txnmgr.Reader
	tx      *txnmgr.Txn  // nil if it is read-only
	end     func() error // Close, of a read-only one
	over    bool         // a call has failed
	saved   []savedPoint // points to go back to
	commit  uint64       // timestamp, once OnCommit was called
}

// savedPoint is a savepoint.
type savedPoint struct {
	mark  int
	point txnmgr.Savepoint
}

// direction is that of a scan.
type direction int

const (
	upwards direction = iota
	downwards
)

// steps does n random things, fewer if the transaction is over.
func (t *txn) steps(n int) {
	for ; n > 0 && !t.over; n-- {
		t.step()
	}
}

func (t *txn) step() {
	k := history.Key(t.rng.IntN(t.load.Keys))
	switch n := t.rng.IntN(100); {
	case n < 12:
		t.scan(k, min(k+history.Key(t.rng.IntN(longestScan)), history.Key(t.load.Keys)), direction(n%2))
	case t.tx == nil || n < 45:
		t.get(k)
	case n < 48:
		t.savepoint()
	case n < 60:
		t.delete(k)
	case n < 70:
		t.insert(k)
	default:
		t.put(k)
	}
}

// longestScan is how many keys a scan of a transaction covers at most.
const longestScan = 12

// unexpected tells of an error that is not part of the contract.
func (t *txn) unexpected(call string, err error) {
	t.over = true
	t.failed("%v: %s: %v", t.pending.ID(), call, err)
}

// get returns the version of a key, 0 for none.
func (t *txn) get(k history.Key) history.Version {
	val, err := t.r.Get(t.keys[k])
	if errors.Is(err, txnmgr.ErrNotFound) {
		t.pending.Read(k, 0)
		return 0
	}
	if err != nil {
		t.unexpected("get", err)
		return 0
	}
	v, err := parseValue(val)
	if err != nil {
		t.unexpected("get "+string(t.keys[k]), err)
		return 0
	}
	t.pending.Read(k, v)
	return v
}

// scan goes over lo ≤ key < hi.
func (t *txn) scan(lo, hi history.Key, d direction) {
	var pairs iter.Seq2[[]byte, []byte]
	var rec history.Scan
	if d == upwards {
		pairs, rec = t.r.Scan(t.keys[lo], t.keys[hi]), t.pending.Ascend(lo, hi)
	} else {
		pairs, rec = t.r.ScanDescending(t.keys[lo], t.keys[hi]), t.pending.Descend(lo, hi)
	}
	for key, val := range pairs {
		k, err := t.keys.Number(key)
		if err != nil {
			t.unexpected("scan", err)
			return
		}
		v, err := parseValue(val)
		if err != nil {
			t.unexpected("scan of "+string(key), err)
			return
		}
		if !rec.Next(k, v) {
			t.failed("%v: scan: key %q is out of order or out of the range", t.pending.ID(), key)
			t.over = true
			return
		}
	}
	if err := t.r.Err(); err != nil {
		t.unexpected("scan", err)
		return
	}
	rec.End()
}

func (t *txn) put(k history.Key) {
	v := t.pending.NewVersion()
	if err := t.tx.Put(t.keys[k], t.value(v)); err != nil {
		t.unexpected("put", err)
		return
	}
	t.pending.Put(k, v)
}

// value returns the value of a version, until the next call.
func (w *worker) value(v history.Version) []byte {
	w.buf = appendValue(w.buf[:0], v)
	return w.buf
}

// insert reads the key, in one way or the other.
func (t *txn) insert(k history.Key) {
	v := t.pending.NewVersion()
	err := t.tx.Insert(t.keys[k], t.value(v))
	switch {
	case err == nil:
		t.pending.Read(k, 0)
		t.pending.Put(k, v)
	case !errors.Is(err, txnmgr.ErrExists):
		t.unexpected("insert", err)
	case t.get(k) == 0 && !t.over:
		t.failed("%v: insert says that %s exists, and get that it does not", t.pending.ID(), t.keys[k])
	}
}

func (t *txn) delete(k history.Key) {
	if err := t.tx.Delete(t.keys[k]); err != nil {
		t.unexpected("delete", err)
		return
	}
	t.pending.Delete(k)
}

// savepoint makes a savepoint, or goes back to one.
func (t *txn) savepoint() {
	if len(t.saved) == 0 {
		t.saved = append(t.saved, savedPoint{t.pending.Mark(), t.tx.Savepoint()})
		return
	}
	s := t.saved[0]
	if err := t.tx.RollbackTo(s.point); err != nil {
		t.unexpected("roll back to savepoint", err)
		return
	}
	t.pending.RollbackTo(s.mark)
}
