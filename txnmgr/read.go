package txnmgr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/pebblestore"
)

// Reader is what read-only and update transactions have in common.
type Reader interface {
	// The methods are documented at ReadTxn and Txn.
	Get(key []byte) ([]byte, error)
	Scan(lo, hi []byte) iter.Seq2[[]byte, []byte]
	ScanDescending(lo, hi []byte) iter.Seq2[[]byte, []byte]
	Err() error
	Snapshot() uint64
}

var (
	_ Reader = ReadTxn{}
	_ Reader = (*Txn)(nil)
)

// ReadTxn is a read-only transaction: everything that was committed before it
// began, and nothing else. It is a small value that may be copied, and used by
// many goroutines; the first Close ends all copies. The zero ReadTxn is over.
//
// What it does, it does without a lock and without waiting for anybody (I5), but for
// the object store, if what it reads is not in memory.
type ReadTxn struct {
	// Four words, because the compiler keeps a struct of up to four in registers.
	// A fifth and a sixth cost as much as the rest of begin and end: 46 ns
	// together, against 29 with four.
	slot     *deps.Slot
	gen      uint64
	snapshot uint64
	in       *scope
}

// scope is where a read-only transaction reads, and what it has to look at in
// every call. Those that have nothing to look at share their manager's.
type scope struct {
	store *storage.Store
	ctx   context.Context // nil: nothing to look at
	// cached says that the store has a cache, which wants to know of some reads what
	// was read.
	cached bool
}

// Get returns the value of the key. It stays valid for ever, has len = cap, and
// must not be modified.
//
// The errors are ErrNotFound, and ErrTxnDone, possibly with the cause of a forced
// end. What is not in memory is read from the object store, which may say ErrCorrupt
// or an error of the file system.
func (tx ReadTxn) Get(key []byte) ([]byte, error) {
	if tx.slot == nil || tx.in.ctx != nil {
		if err := tx.look(); err != nil {
			return nil, err
		}
	}
	var v *storage.Version
	hash := tx.in.store.Hash(key)
	o := tx.in.store.Lookup(key, hash)
	if o != nil {
		if v = o.Head(); v != nil && !v.IsStampedBy(tx.snapshot) {
			v = storage.Visible(v, tx.snapshot)
		}
	}
	if tx.in.cached {
		if v == nil {
			return tx.find(bytes.Clone(key), hash) // so that the caller's can stay on the stack
		}
		if (hash^tx.gen)%touchEvery == 0 {
			tx.in.store.Touch(hash)
		}
	}
	// Only now: a transaction that was over may have met a purged chain.
	if tx.slot.Gen() != tx.gen {
		return nil, tx.ended()
	}
	if invariants.Enabled && o != nil {
		tx.checkChain(o)
	}
	if v == nil || v.Tombstone() {
		return nil, ErrNotFound
	}
	return v.Value(), nil
}

// touchEvery is how many reads from memory go by for one that the cache is told of:
// to tell it of all would cost more than they do.
const touchEvery = 16

// find is Get of what memory does not have.
func (tx ReadTxn) find(key []byte, hash uint64) ([]byte, error) {
	_, v, err := tx.in.store.Find(tx.in.ctx, key, hash, tx.snapshot)
	if tx.slot.Gen() != tx.gen { // only now, as in Get
		return nil, tx.ended()
	}
	if err != nil {
		if tx.in.ctx != nil {
			if err := tx.look(); err != nil {
				return nil, err
			}
		}
		return nil, readError(err)
	}
	if v == nil || v.Tombstone() {
		return nil, ErrNotFound
	}
	return v.Value(), nil
}

// readError puts into words why the object store could not be read.
func readError(err error) error {
	switch {
	case errors.Is(err, storage.ErrDetached):
		return ErrClosed
	case errors.Is(err, pebblestore.ErrCorrupt):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return fmt.Errorf("tiercel: read: %w", err)
}

// look ends the transaction if it has exceeded its limits.
func (tx ReadTxn) look() error {
	if tx.slot == nil {
		return ErrTxnDone
	}
	if tx.slot.Gen() != tx.gen {
		return tx.ended()
	}
	if err := exceeded(tx.in.ctx); err != nil {
		tx.slot.Force(tx.gen, err)
		return err
	}
	return nil
}

// forced returns why the transaction was ended by force, if it was.
func (tx ReadTxn) forced() error {
	if tx.slot.Gen() == tx.gen {
		return nil
	}
	return tx.slot.Cause(tx.gen)
}

// ended returns what a transaction that is over says.
func (tx ReadTxn) ended() error { return endedBy(tx.slot.Cause(tx.gen)) }

// endedBy is the error of a transaction that is over, by force if there is a cause.
func endedBy(cause error) error {
	if cause != nil {
		return cause
	}
	return ErrTxnDone
}

func (tx ReadTxn) checkChain(o *storage.Object) {
	breach := storage.CheckChain(o.Head(), tx.snapshot)
	if breach != "" && tx.slot.Gen() == tx.gen {
		invariants.Violated("%s (key %q, snapshot %d)", breach, o.Key(), tx.snapshot)
	}
}

// Scan goes over the keys lo ≤ key < hi in ascending order. hi nil means to the
// end; a hi that is empty, or not above lo, makes the range empty. Keys and values
// stay valid for ever, have len = cap, and must not be modified. A scan that ends
// early because the transaction is over says so in Err.
func (tx ReadTxn) Scan(lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		if tx.began() {
			if tx.in.cached {
				tx.sight(bytes.Clone(lo), bytes.Clone(hi), storage.Ascending, yield)
				return
			}
			tx.walk(tx.in.store.Ascend(lo, hi), yield)
		}
	}
}

// ScanDescending goes over the same range as Scan, greatest key first.
func (tx ReadTxn) ScanDescending(lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		if tx.began() {
			if tx.in.cached {
				tx.sight(bytes.Clone(lo), bytes.Clone(hi), storage.Descending, yield)
				return
			}
			tx.walk(tx.in.store.Descend(lo, hi), yield)
		}
	}
}

// began reports whether this is not the zero ReadTxn.
func (tx ReadTxn) began() bool { return tx.slot != nil }

// A scan looks at so many objects at a time: few at first, for those that want
// one key, and then more.
const firstLook, nextLooks = 4, 16

// walk loads the heads of a batch of chains first, and looks at the versions then.
// Finishing one object before the next would be two cache misses in a row for
// each; so the processor waits for those of a batch together.
func (tx ReadTxn) walk(at storage.Cursor, yield func(key, value []byte) bool) {
	var versions [nextLooks]*storage.Version
	for n := firstLook; ; n = nextLooks {
		objects := at.Take(n)
		if len(objects) == 0 {
			return
		}
		for i, o := range objects {
			versions[i%nextLooks] = o.Head()
		}
		for i := range objects {
			if v := versions[i%nextLooks]; v != nil && !v.IsStampedBy(tx.snapshot) {
				versions[i%nextLooks] = storage.Visible(v, tx.snapshot)
			}
		}
		for i := range objects {
			if at.Down() {
				i = len(objects) - 1 - i
			}
			if !tx.give(objects[i], versions[i%nextLooks], yield) {
				return
			}
		}
	}
}

// sight is walk over memory and engine together. If the engine cannot be read the
// transaction is ended, since a scan has nowhere else to say so.
func (tx ReadTxn) sight(lo, hi []byte, order storage.Order, yield func(key, value []byte) bool) {
	at := tx.in.store.Sight(lo, hi, order, tx.snapshot)
	defer at.Close()
	for {
		key, v, err := at.Next()
		if tx.in.ctx != nil && tx.look() != nil || tx.slot.Gen() != tx.gen {
			return
		}
		if err != nil {
			tx.slot.Force(tx.gen, &endError{cause: readError(err)})
			return
		}
		if v == nil || !yield(key, v.Value()) {
			return
		}
	}
}

// give hands an object to the user of a scan, if it has a value. It reports
// whether the scan goes on.
func (tx ReadTxn) give(o *storage.Object, v *storage.Version, yield func(key, value []byte) bool) bool {
	if tx.in.ctx != nil && tx.look() != nil || tx.slot.Gen() != tx.gen {
		return false
	}
	if invariants.Enabled {
		tx.checkChain(o)
	}
	return v == nil || v.Tombstone() || yield(o.Key(), v.Value())
}

// Err returns nil while the transaction is open: then no Scan was stopped. Else
// it returns ErrTxnDone, possibly with the cause of a forced end. That the object store
// could not be read, which a Scan cannot say, is such a cause.
func (tx ReadTxn) Err() error {
	if tx.slot == nil {
		return ErrTxnDone
	}
	if tx.slot.Gen() != tx.gen {
		return tx.ended()
	}
	return nil
}

// Snapshot returns the commit timestamp at which the transaction reads.
func (tx ReadTxn) Snapshot() uint64 { return tx.snapshot }

// Close ends the transaction. It always returns nil, and may be called again.
func (tx ReadTxn) Close() error {
	if tx.slot != nil {
		tx.slot.End(tx.gen, tx.snapshot)
	}
	return nil
}

// PrefixEnd returns the first key after all keys that begin with prefix, so that
// Scan(prefix, PrefixEnd(prefix)) goes over these. It returns nil, the end, if
// there is no such key: for the empty prefix, and one of 0xFF bytes only.
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xFF {
			end := append(make([]byte, 0, i+1), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
