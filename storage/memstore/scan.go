package memstore

import (
	"bytes"

	"github.com/tidwall/btree"

	"github.com/tierceldb/tiercel/storage"
)

// Scan copies the root of the tree; Apply copies what it changes from then on.
func (s *Store) Scan(lo, hi []byte, order storage.Order) (storage.Iterator, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return nil, ErrClosed
	}
	it := &iterator{lo: bytes.Clone(lo), hi: bytes.Clone(hi), order: order}
	it.bounded = hi != nil
	it.cursor = s.now.tree.Copy().Iter()
	return it, nil
}

// iterator walks over a copy of the tree that nobody writes to.
type iterator struct {
	cursor  btree.IterG[entry]
	lo, hi  []byte
	bounded bool // by hi
	order   storage.Order
	begun   bool
	done    bool
	at      entry
}

var _ storage.Iterator = (*iterator)(nil)

// Next stays at the end once it is there.
func (it *iterator) Next() bool {
	if it.done {
		return false
	}
	if ok := it.move(); !ok || !it.inside(it.cursor.Item().key) {
		it.done, it.at = true, entry{}
		return false
	}
	it.at = it.cursor.Item()
	return true
}

// move goes to the next key of the tree, wherever the bounds are.
func (it *iterator) move() bool {
	begun := it.begun
	it.begun = true
	switch {
	case it.order == storage.Descending && begun:
		return it.cursor.Prev()
	case it.order == storage.Descending:
		return it.last()
	case begun:
		return it.cursor.Next()
	}
	return it.cursor.Seek(entry{key: it.lo})
}

// last goes to the greatest key below hi.
func (it *iterator) last() bool {
	if it.bounded && it.cursor.Seek(entry{key: it.hi}) {
		return it.cursor.Prev()
	}
	return it.cursor.Last()
}

// inside looks at the bound that a scan in this order runs into.
func (it *iterator) inside(key []byte) bool {
	if it.order == storage.Descending {
		return bytes.Compare(key, it.lo) >= 0
	}
	return !it.bounded || bytes.Compare(key, it.hi) < 0
}

// Key is that of the entry Next moved to.
func (it *iterator) Key() []byte { return it.at.key }

// Value is that of the same entry.
func (it *iterator) Value() []byte { return it.at.value }

// TS is that of the same entry.
func (it *iterator) TS() uint64 { return it.at.ts }

// Err is always nil: memory does not fail.
func (it *iterator) Err() error { return nil }

// Close lets the copy go.
func (it *iterator) Close() error {
	it.cursor.Release()
	it.done = true
	return nil
}
