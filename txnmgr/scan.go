package txnmgr

import (
	"bytes"
	"iter"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// Scan goes over the keys lo ≤ key < hi in ascending order, the transaction's own
// writes included: also those that are made, while it runs, ahead of where it is.
// hi nil means to the end; a hi that is empty, or not above lo, makes the range
// empty. Several scans may run at once. Keys and values stay valid for ever, have
// len = cap, and must not be modified. A scan that ends early because the
// transaction is over says so in Err.
//
// A serializable transaction has read the range up to the last key that it was
// given, or to hi if it was given them all.
func (tx *Txn) Scan(lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		tx.scan(span{lo: bytes.Clone(lo), hi: bytes.Clone(hi)}, yield)
	}
}

// ScanDescending goes over the same range as Scan, greatest key first.
func (tx *Txn) ScanDescending(lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		tx.scan(span{lo: bytes.Clone(lo), hi: bytes.Clone(hi), down: true}, yield)
	}
}

// merge is a scan of an update transaction: what the store has at the snapshot,
// and the transaction's own writes, in one order.
type merge struct {
	tx    *Txn
	left  span // what is not done yet
	at    storage.Cursor
	read  int // number of the range in the read set, or -1
	whole deps.Range

	// The next of the store, found but not yet done; nil: look for it.
	object  *storage.Object
	version *storage.Version
}

func (tx *Txn) scan(in span, yield func(key, value []byte) bool) {
	if !tx.enterScan() {
		return
	}
	tx.observed = true
	s := &merge{tx: tx, left: in, read: -1, whole: deps.Range{Lo: in.lo, Hi: in.hi}}
	if in.down {
		s.at = tx.m.store.Descend(in.lo, in.hi)
	} else {
		s.at = tx.m.store.Ascend(in.lo, in.hi)
	}
	for {
		key, version := s.next()
		s.record(key)
		tx.leave()
		if key == nil || !yield(key, version.Value()) || !tx.enterScan() {
			return
		}
	}
}

// enterScan is enter for a scan, which has no error to return.
func (tx *Txn) enterScan() bool {
	err := tx.enter()
	for err == ErrConcurrentUse {
		if calls := tx.calls.Load(); tx.calls.CompareAndSwap(calls, calls|stopped) {
			break
		}
	}
	return err == nil
}

// next returns the next key and version, or nil at the end. Own writes are looked
// for afresh each time, so those made since the last call count.
func (s *merge) next() ([]byte, *storage.Version) {
	for {
		if s.object == nil {
			s.find()
		}
		if s.tx.isOver() { // only now, as in ReadTxn.Get
			return nil, nil
		}
		key, version := s.first()
		if key == nil {
			return nil, nil
		}
		s.left.pass(key)
		if !version.Tombstone() {
			return key, version
		}
	}
}

// first takes the next of both sides. An own write hides what the store has.
func (s *merge) first() (key []byte, version *storage.Version) {
	own := s.tx.nextWrite(&s.left)
	if own < 0 {
		if s.object == nil {
			return nil, nil
		}
		key, version = s.object.Key(), s.version
		s.object = nil
		return key, version
	}
	w := &s.tx.rec.Writes[own]
	if s.object != nil {
		if s.left.before(s.object.Key(), w.Object.Key()) {
			key, version = s.object.Key(), s.version
			s.object = nil
			return key, version
		}
		if !s.left.before(w.Object.Key(), s.object.Key()) {
			s.object = nil
		}
	}
	return w.Object.Key(), w.Version
}

// find moves on to the next object of the store with a value at the snapshot.
func (s *merge) find() {
	for o := s.at.Next(); o != nil; o = s.at.Next() {
		if v := o.Visible(s.tx.rec.Snapshot); v != nil && !v.Tombstone() {
			s.object, s.version = o, v
			return
		}
	}
}

// record enters what has been read by now in the read set: before the key is
// given to the user, who may commit.
func (s *merge) record(key []byte) {
	if !s.tx.serializable {
		return
	}
	if s.read < 0 {
		s.read = s.tx.rec.Reads.AddRange(s.whole)
	}
	r := s.tx.rec.Reads.Range(s.read)
	switch {
	case key == nil:
		*r = s.whole
	case s.left.down:
		*r = deps.Range{Lo: key, Hi: s.whole.Hi}
	default:
		*r = deps.Range{Lo: s.whole.Lo, Hi: key, Closed: true}
	}
}
