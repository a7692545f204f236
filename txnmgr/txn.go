package txnmgr

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/tidwall/btree"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// Txn is an update transaction. It reads at its snapshot and sees its own writes,
// which are private until Commit. One goroutine at a time may use it; a call that
// meets another gets ErrConcurrentUse.
//
// What it reads is provisional until Commit returned nil. If it wrote nothing, it
// ends like a read-only transaction, and nothing is validated.
type Txn struct {
	m      *Manager
	rec    *deps.Record    // the manager's side of the transaction, which does not point here
	limits context.Context // to be looked at in every call; nil: nothing to look at

	calls        atomic.Uint32 // busy, stopped
	managed      bool          // by Update
	observed     bool          // something was seen of the snapshot
	serializable bool
	async        bool   // the commit does not wait for the disk
	seen         uint64 // the newest version that was read, if the manager is durable

	last  *storage.Object // of the last call with a key, which the next often has too
	extra *extra          // nil: nothing of it
}

// Bits of calls.
const (
	busy    = 1 << iota // a call is running
	stopped             // a Scan was, because another call was running
)

// extra is what few transactions have.
type extra struct {
	index      *btree.Map[string, int] // over the write set, see writes.go
	savepoints []uint64                // those that can be rolled back to, oldest first
	saves      uint64                  // savepoints ever made
	undo       []undone                // since the first savepoint
	onCommit   []func(commitTS uint64)
	failed     error // what ended it in a call of its own: a limit, a deadlock
	prepared   *deps.Prepared
}

func (tx *Txn) extras() *extra {
	if tx.extra == nil {
		tx.extra = new(extra)
	}
	return tx.extra
}

// undone says how to take one write back: by the version that was there before,
// or by dropping the key's place in the list.
type undone struct {
	at     int
	before *storage.Version
}

// enter begins a call: it keeps others out, and finds out whether the transaction
// is over or has exceeded its limits.
func (tx *Txn) enter() error {
	if tx == nil || tx.rec == nil {
		return ErrTxnDone
	}
	if calls := tx.calls.Load(); calls&busy != 0 || !tx.calls.CompareAndSwap(calls, calls|busy) {
		if !tx.rec.IsOpen() && !tx.rec.IsPrepared() {
			return endedBy(tx.rec.Cause()) // a call that ended it keeps the others out for good
		}
		return ErrConcurrentUse
	}
	err := tx.look()
	if err != nil {
		tx.leave()
	}
	return err
}

func (tx *Txn) leave() { tx.calls.Sub(busy) }

func (tx *Txn) look() error {
	if !tx.rec.IsOpen() {
		return tx.ended()
	}
	if tx.limits == nil {
		return nil
	}
	err := exceeded(tx.limits)
	if err != nil {
		slot, gen := tx.rec.Slot()
		tx.m.deps.Force(slot, gen, err)
	}
	return err
}

// ended returns what a transaction that is over says.
func (tx *Txn) ended() error {
	if x := tx.extra; x != nil && x.failed != nil {
		return x.failed
	} else if x != nil && x.prepared != nil {
		return tx.m.endOfPrepared(x.prepared)
	}
	return endedBy(tx.rec.Cause())
}

// isOver reports whether the slot is no longer the transaction's.
func (tx *Txn) isOver() bool {
	slot, gen := tx.rec.Slot()
	return slot.Gen() != gen
}

// Get returns the value of the key, the transaction's own if it wrote it. The
// value stays valid for ever, has len = cap, and must not be modified.
//
// The errors are ErrNotFound, ErrConcurrentUse, and ErrTxnDone, possibly with the
// cause of a forced end; and, of what is not in memory, those of the object store, as in
// ReadTxn.Get.
func (tx *Txn) Get(key []byte) ([]byte, error) {
	if err := tx.enter(); err != nil {
		return nil, err
	}
	defer tx.leave()
	v, err := tx.get(key)
	if err != nil {
		return nil, err
	}
	if v == nil || v.Tombstone() {
		return nil, ErrNotFound
	}
	return v.Value(), nil
}

// get returns the version that the transaction sees, or nil, and enters the key
// in the read set.
func (tx *Txn) get(key []byte) (*storage.Version, error) {
	o, hash := tx.object(key)
	if i := tx.find(key, hash); i >= 0 {
		return tx.rec.Writes[i].Version, nil
	}
	tx.observed = true
	var v *storage.Version
	var err error
	if o != nil {
		v = o.Visible(tx.rec.Snapshot)
	}
	if tx.m.durable != nil {
		o, v, err = tx.lookFurther(o, v, key, hash)
	}
	// Only now, as in ReadTxn.Get: also an object that was not found may have been
	// removed since the transaction was ended.
	if tx.isOver() {
		return nil, tx.ended()
	}
	if err != nil {
		return nil, err
	}
	switch {
	case !tx.serializable:
	case o == nil:
		tx.rec.Reads.AddAbsent(key, hash)
	default:
		tx.rec.Reads.AddObject(o)
	}
	return v, nil
}

// lookFurther goes on where memory has shown the object o and its version v, either
// of which may be nil, and remembers what was seen.
func (tx *Txn) lookFurther(o *storage.Object, v *storage.Version, key []byte, hash uint64) (*storage.Object, *storage.Version, error) {
	if v == nil {
		var err error
		if o, v, err = tx.m.store.Find(tx.limits, key, hash, tx.rec.Snapshot); err != nil {
			if err := tx.look(); err != nil {
				return nil, nil, err
			}
			return nil, nil, readError(err)
		}
		tx.last = o
	}
	tx.saw(v)
	return o, v, nil
}

// saw remembers a version, which may be nil. It matters if the transaction writes
// nothing: then it must not return before what it saw is readable.
func (tx *Txn) saw(v *storage.Version) {
	if v != nil {
		tx.seen = max(tx.seen, v.CommitTS())
	}
}

// object returns the store's object with the key, or nil, and the key's hash.
func (tx *Txn) object(key []byte) (*storage.Object, uint64) {
	if o := tx.last; o != nil && bytes.Equal(o.Key(), key) {
		return o, o.Hash()
	}
	hash := tx.m.store.Hash(key)
	o := tx.m.store.Lookup(key, hash)
	tx.last = o
	return o, hash
}

// Put sets the value of the key. It copies both. A nil value is stored as an
// empty one.
//
// The errors are ErrKeyTooLarge, ErrValueTooLarge, ErrConcurrentUse, and
// ErrTxnDone, possibly with the cause of a forced end. A conflict shows at Commit.
func (tx *Txn) Put(key, value []byte) error {
	if err := checkSizes(key, value); err != nil {
		return err
	}
	if err := tx.enter(); err != nil {
		return err
	}
	defer tx.leave()
	tx.put(key, value)
	return nil
}

// Insert is Put for a key that must have no value yet: else it returns ErrExists.
// Either way it counts as a read of the key.
func (tx *Txn) Insert(key, value []byte) error {
	if err := checkSizes(key, value); err != nil {
		return err
	}
	if err := tx.enter(); err != nil {
		return err
	}
	defer tx.leave()
	v, err := tx.get(key)
	if err != nil {
		return err
	}
	if v != nil && !v.Tombstone() {
		return ErrExists
	}
	tx.put(key, value)
	return nil
}

// Delete removes the key. If it has no value that is fine. The errors are those
// of Put.
func (tx *Txn) Delete(key []byte) error {
	if err := checkSizes(key, nil); err != nil {
		return err
	}
	if err := tx.enter(); err != nil {
		return err
	}
	defer tx.leave()
	o, hash := tx.object(key)
	if o == nil && tx.find(key, hash) < 0 {
		o = storage.NewObject(key, hash)
	}
	tx.set(key, hash, o, storage.NewTombstone(&tx.rec.State))
	return nil
}

func checkSizes(key, value []byte) error {
	if len(key) > MaxKeySize {
		return fmt.Errorf("%w: it has %d, and begins %.32q", ErrKeyTooLarge, len(key), key)
	}
	if len(value) > MaxValueSize {
		return fmt.Errorf("%w: that of key %.32q has %d", ErrValueTooLarge, key, len(value))
	}
	return nil
}

// put enters the value in the write set.
func (tx *Txn) put(key, value []byte) {
	o, hash := tx.object(key)
	if o == nil && tx.find(key, hash) < 0 {
		o, v := storage.NewWritten(key, hash, value, &tx.rec.State)
		tx.set(key, hash, o, v)
		return
	}
	tx.set(key, hash, o, storage.NewVersion(value, &tx.rec.State))
}

// set enters v in the write set, as the version of o unless the key is there
// already.
func (tx *Txn) set(key []byte, hash uint64, o *storage.Object, v *storage.Version) {
	if i := tx.find(key, hash); i >= 0 {
		tx.remember(undone{at: i, before: tx.rec.Writes[i].Version})
		tx.rec.Writes[i].Version = v
		return
	}
	tx.remember(undone{at: len(tx.rec.Writes)})
	tx.add(deps.Write{Object: o, Version: v})
}

// remember keeps what a rollback to a savepoint has to undo.
func (tx *Txn) remember(u undone) {
	if x := tx.extra; x != nil && len(x.savepoints) > 0 {
		x.undo = append(x.undo, u)
	}
}

// Savepoint is a point in a transaction that can be returned to.
type Savepoint struct {
	rec      *deps.Record
	number   uint64
	undo     int
	onCommit int
	locks    int
}

// Savepoint returns the present point. It costs nothing unless the transaction
// goes on writing.
func (tx *Txn) Savepoint() Savepoint {
	if tx.enter() != nil {
		return Savepoint{}
	}
	defer tx.leave()
	x := tx.extras()
	x.saves++
	x.savepoints = append(x.savepoints, x.saves)
	return Savepoint{rec: tx.rec, number: x.saves, undo: len(x.undo), onCommit: len(x.onCommit), locks: tx.rec.Locks()}
}

// RollbackTo undoes all writes since the savepoint, and all OnCommit, and lets go
// the locks taken since. What was read since stays read: it may have decided what
// happens next. The savepoint can be rolled back to again; later ones cannot.
//
// The errors are ErrBadSavepoint, ErrConcurrentUse, and ErrTxnDone, possibly with
// the cause of a forced end.
func (tx *Txn) RollbackTo(sp Savepoint) error {
	if err := tx.enter(); err != nil {
		return err
	}
	defer tx.leave()
	x := tx.extras()
	at := slices.Index(x.savepoints, sp.number)
	if sp.rec != tx.rec || at < 0 {
		return ErrBadSavepoint
	}
	x.savepoints = x.savepoints[:at+1]
	for i := len(x.undo) - 1; i >= sp.undo; i-- {
		if u := x.undo[i]; u.before != nil {
			tx.rec.Writes[u.at].Version = u.before
		} else {
			tx.drop()
		}
		x.undo[i] = undone{}
	}
	x.undo = x.undo[:sp.undo]
	clear(x.onCommit[sp.onCommit:])
	x.onCommit = x.onCommit[:sp.onCommit]
	tx.m.deps.UnlockTo(tx.rec, sp.locks)
	return nil
}

// OnCommit has fn called with the commit timestamp once the transaction is
// committed, by the goroutine that commits, before Commit returns nil. If the
// commit fails, or nothing was written since a savepoint that was rolled back to,
// fn is forgotten. Of a transaction that wrote nothing, the timestamp is its
// snapshot.
func (tx *Txn) OnCommit(fn func(commitTS uint64)) {
	if fn == nil || tx.enter() != nil {
		return
	}
	defer tx.leave()
	x := tx.extras()
	x.onCommit = append(x.onCommit, fn)
}

// Err returns ErrConcurrentUse if a Scan was stopped by that (or if this call was),
// and else nil while the transaction is open: then no Scan was stopped. Afterwards
// it returns ErrTxnDone, possibly with the cause of a forced end. That the object store
// could not be read, which a Scan cannot say, is such a cause.
func (tx *Txn) Err() error {
	if err := tx.enter(); err != nil {
		return err
	}
	defer tx.leave()
	if tx.calls.Load()&stopped != 0 {
		return ErrConcurrentUse
	}
	return nil
}

// Snapshot returns the commit timestamp at which the transaction reads.
func (tx *Txn) Snapshot() uint64 {
	if tx == nil || tx.rec == nil {
		return 0
	}
	if tx.enter() == nil {
		defer tx.leave()
		tx.observed = true
	}
	return tx.rec.Snapshot
}
