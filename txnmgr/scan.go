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
	sight *storage.Sight // in place of at, if there is an engine
	err   error          // that stopped sight
	read  int            // number of the range in the read set, or -1
	whole deps.Range

	// The next of the store, found but not yet done; nil: look for it.
	key     []byte
	version *storage.Version
}

func (tx *Txn) scan(in span, yield func(key, value []byte) bool) {
	if !tx.enterScan() {
		return
	}
	tx.observed = true
	s := &merge{tx: tx, left: in, read: -1, whole: deps.Range{Lo: in.lo, Hi: in.hi}}
	s.open(in)
	defer s.close()
	for {
		key, version := s.next()
		if s.err != nil {
			tx.leave()
			return
		}
		s.record(key)
		tx.leave()
		if key == nil || !yield(key, version.Value()) || !tx.enterScan() {
			return
		}
	}
}

// open begins the walk over the store.
func (s *merge) open(in span) {
	store := s.tx.m.store
	switch {
	case s.tx.m.durable != nil && in.down:
		s.sight = store.Sight(in.lo, in.hi, storage.Descending, s.tx.rec.Snapshot)
	case s.tx.m.durable != nil:
		s.sight = store.Sight(in.lo, in.hi, storage.Ascending, s.tx.rec.Snapshot)
	case in.down:
		s.at = store.Descend(in.lo, in.hi)
	default:
		s.at = store.Ascend(in.lo, in.hi)
	}
}

func (s *merge) close() {
	if s.sight != nil {
		s.sight.Close()
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
		if s.version == nil {
			s.find()
		}
		if s.tx.isOver() { // only now, as in ReadTxn.Get
			return nil, nil
		}
		if s.err != nil {
			slot, gen := s.tx.rec.Slot()
			s.tx.m.deps.Force(slot, gen, &endError{cause: readError(s.err)})
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
		return s.take()
	}
	w := &s.tx.rec.Writes[own]
	if s.version != nil {
		if s.left.before(s.key, w.Object.Key()) {
			return s.take()
		}
		if !s.left.before(w.Object.Key(), s.key) {
			s.take()
		}
	}
	return w.Object.Key(), w.Version
}

// take takes what was found in the store, if it was.
func (s *merge) take() (key []byte, version *storage.Version) {
	key, version = s.key, s.version
	s.key, s.version = nil, nil
	return key, version
}

// find moves on to the next key of the store with a value at the snapshot.
func (s *merge) find() {
	if s.sight != nil {
		s.key, s.version, s.err = s.sight.Next()
		s.tx.seen = max(s.tx.seen, s.sight.Newest())
		return
	}
	for o := s.at.Next(); o != nil; o = s.at.Next() {
		if v := o.Visible(s.tx.rec.Snapshot); v != nil && !v.Tombstone() {
			s.key, s.version = o.Key(), v
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
