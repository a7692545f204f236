package pebblestore

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tierceldb/tiercel/storage"
)

// Scan is an iterator of Pebble, which sees the tables and memtables that there
// were when it was made, and keeps them until it is closed.
func (s *Store) Scan(lo, hi []byte, order storage.Order) (storage.Iterator, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	opts := &pebble.IterOptions{LowerBound: appendKey(nil, lo), UpperBound: []byte{endByte}}
	if hi != nil {
		opts.UpperBound = appendKey(nil, hi)
	}
	if bytes.Compare(opts.LowerBound, opts.UpperBound) > 0 {
		opts.UpperBound = opts.LowerBound
	}
	in, err := s.db.NewIter(opts)
	if err != nil {
		return nil, corrupt(err)
	}
	it := &iterator{in: in, begin: in.First, next: in.Next}
	if order == storage.Descending {
		it.begin, it.next = in.Last, in.Prev
	}
	return it, nil
}

// iterator takes the encoding off what Pebble finds.
type iterator struct {
	in          *pebble.Iterator
	begin, next func() bool // begin is nil once it was called
	done        bool

	value []byte
	ts    uint64
	err   error
}

var _ storage.Iterator = (*iterator)(nil)

// Next stays at the end once it is there.
func (it *iterator) Next() bool {
	if it.done || !it.move() {
		it.done, it.value, it.ts = true, nil, 0
		return false
	}
	return true
}

func (it *iterator) move() bool {
	step := it.next
	if it.begin != nil {
		step, it.begin = it.begin, nil
	}
	if !step() {
		it.err = corrupt(it.in.Error())
		return false
	}
	stored, err := it.in.ValueAndErr()
	if err == nil {
		it.value, it.ts, err = splitValue(stored)
	}
	it.err = corrupt(err)
	return err == nil
}

// Key is nil when the iterator stands on none.
func (it *iterator) Key() []byte {
	if it.done || it.begin != nil {
		return nil
	}
	return it.in.Key()[1:]
}

// Value is the one stored with the key.
func (it *iterator) Value() []byte { return it.value }

// TS is the one stored with the key.
func (it *iterator) TS() uint64 { return it.ts }

// Err matches ErrCorrupt if a table turned out to be.
func (it *iterator) Err() error { return it.err }

// Close lets tables and memtables go.
func (it *iterator) Close() error {
	it.done = true
	err := it.in.Close()
	if it.err != nil {
		return nil // it was reported
	}
	return corrupt(err)
}
