package txnmgr

import (
	"bytes"
	"unsafe"

	"github.com/tidwall/btree"

	"github.com/tierceldb/tiercel/deps"
)

// The write set is the list in the transaction's record, in the order of the first
// write of each key, and once that is long a tree over it: key → position.

// shortList is how many writes are compared one by one.
const shortList = 16

// asString views a key as a string without a copy. Keys do not change.
func asString(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

func (tx *Txn) index() *btree.Map[string, int] {
	if tx.extra == nil {
		return nil
	}
	return tx.extra.index
}

// find returns the position of the write to key, or -1.
func (tx *Txn) find(key []byte, hash uint64) int {
	if index := tx.index(); index != nil {
		if i, found := index.Get(asString(key)); found {
			return i
		}
		return -1
	}
	for i := range tx.rec.Writes {
		if tx.rec.Writes[i].Object.Is(key, hash) {
			return i
		}
	}
	return -1
}

// add appends a write to a key that is not in the set.
func (tx *Txn) add(w deps.Write) {
	tx.rec.Add(w)
	switch index := tx.index(); {
	case index != nil:
		index.Set(asString(w.Object.Key()), len(tx.rec.Writes)-1)
	case len(tx.rec.Writes) > shortList:
		index = new(btree.Map[string, int])
		for i := range tx.rec.Writes {
			index.Set(asString(tx.rec.Writes[i].Object.Key()), i)
		}
		tx.extras().index = index
	}
}

// drop takes the last write off the list.
func (tx *Txn) drop() {
	last := len(tx.rec.Writes) - 1
	if index := tx.index(); index != nil {
		index.Delete(asString(tx.rec.Writes[last].Object.Key()))
	}
	tx.rec.Writes[last] = deps.Write{}
	tx.rec.Writes = tx.rec.Writes[:last]
}

// nextWrite returns the position of the first write in what is left of a scan, or -1.
func (tx *Txn) nextWrite(in *span) int {
	index := tx.index()
	if index == nil {
		best := -1
		for i := range tx.rec.Writes {
			key := tx.rec.Writes[i].Object.Key()
			if in.has(key) && (best < 0 || in.before(key, tx.rec.Writes[best].Object.Key())) {
				best = i
			}
		}
		return best
	}
	found := -1
	take := func(key string, i int) bool {
		k := unsafe.Slice(unsafe.StringData(key), len(key))
		if in.has(k) {
			found = i
			return false
		}
		return in.isAtEdge(k)
	}
	switch {
	case !in.down:
		index.Ascend(asString(in.lo), take)
	case in.hi == nil:
		index.Reverse(take)
	default:
		index.Descend(asString(in.hi), take)
	}
	return found
}

// span is what is left of the range of a scan: lo ≤ key < hi, with hi nil for the
// end; or lo < key once something at lo was yielded.
type span struct {
	lo, hi []byte
	passed bool // lo itself is done; only upwards
	down   bool
}

func (in *span) has(key []byte) bool {
	if c := bytes.Compare(key, in.lo); c < 0 || c == 0 && in.passed {
		return false
	}
	return in.hi == nil || bytes.Compare(key, in.hi) < 0
}

// isAtEdge reports whether key is the end from which the walk starts, and excluded.
func (in *span) isAtEdge(key []byte) bool {
	if in.down {
		return bytes.Equal(key, in.hi)
	}
	return in.passed && bytes.Equal(key, in.lo)
}

// before reports whether a comes before b in the direction of the scan.
func (in *span) before(a, b []byte) bool {
	if in.down {
		a, b = b, a
	}
	return bytes.Compare(a, b) < 0
}

// pass makes key the last that is done.
func (in *span) pass(key []byte) {
	if in.down {
		in.hi = key
	} else {
		in.lo, in.passed = key, true
	}
}
