package txnmgr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// LockMode is how Txn.Lock locks a key. The modes, and which of them exclude each
// other, are those of PostgreSQL's row locks (its manual, "Explicit Locking").
//
//	                  ForKeyShare  ForShare  ForNoKeyUpdate  ForUpdate
//	ForKeyShare                                                  ✗
//	ForShare                                        ✗            ✗
//	ForNoKeyUpdate                    ✗             ✗            ✗
//	ForUpdate              ✗          ✗             ✗            ✗
//
// A commit locks what it writes likewise: ForNoKeyUpdate where it replaces a value,
// and ForUpdate where it puts the first or deletes the last.
type LockMode int

const (
	// ForKeyShare keeps the key from coming and going: for who refers to it.
	ForKeyShare = LockMode(storage.KeyShare)
	// ForShare keeps the value from changing.
	ForShare = LockMode(storage.Share)
	// ForNoKeyUpdate is for who is going to replace the value.
	ForNoKeyUpdate = LockMode(storage.NoKeyUpdate)
	// ForUpdate is for who is going to delete the key, or to do anything else.
	ForUpdate = LockMode(storage.Update)
)

// String returns "key share", "share", "no key update" or "update".
func (m LockMode) String() string {
	if m.check() != nil {
		return fmt.Sprintf("LockMode(%d)", int(m))
	}
	return storage.LockMode(m).String()
}

func (m LockMode) check() error {
	if m < ForKeyShare || m > ForUpdate {
		return fmt.Errorf("%w: lock mode %d; use ForKeyShare, ForShare, ForNoKeyUpdate or ForUpdate", ErrBadOption, int(m))
	}
	return nil
}

// LockOption says how long Txn.Lock waits: NoWait, SkipLocked, or what LockTimeout
// returns. Without one it waits as long as the contexts allow.
type LockOption int64

const (
	// NoWait is not to wait: the error says who holds the lock.
	NoWait LockOption = -1
	// SkipLocked is not to wait, and not to care who holds the lock: the error is
	// ErrLocked itself, which costs nothing. It is for queues of work.
	SkipLocked LockOption = -2

	badTimeout LockOption = math.MinInt64
)

// LockTimeout is to wait no longer than d, which must be positive.
func LockTimeout(d time.Duration) LockOption {
	if d <= 0 {
		return badTimeout
	}
	return LockOption(d)
}

func lockOption(opts []LockOption) (LockOption, error) {
	switch {
	case len(opts) == 0:
		return 0, nil
	case len(opts) > 1:
		return 0, fmt.Errorf("%w: %d lock options; use one of NoWait, SkipLocked and LockTimeout", ErrBadOption, len(opts))
	case opts[0] == badTimeout:
		return 0, fmt.Errorf("%w: LockTimeout must be positive; use NoWait for not to wait", ErrBadOption)
	case opts[0] == 0 || opts[0] < SkipLocked:
		return 0, fmt.Errorf("%w: lock option %d; use NoWait, SkipLocked, or LockTimeout of a positive time", ErrBadOption, int64(opts[0]))
	}
	return opts[0], nil
}

// Lock locks the key, whether it has a value or not, until the end of the
// transaction or a RollbackTo. A lock that the transaction holds already is made
// stronger if need be. Who waits is served first come, first served; who makes a
// lock stronger comes before those who have none of it.
//
// If nothing was read before, the transaction reads at a snapshot that is taken when
// it has the lock; so who locks first and then reads meets no conflict over the
// key. Else the lock is no use if the key was changed since the snapshot: that is an
// ErrConflict.
//
// A transaction that only locks ends like a read-only one. Locking is no read: it
// proves nothing at commit.
//
// The errors are ErrNilContext, ErrBadOption, ErrKeyTooLarge, ErrConcurrentUse;
// ErrLocked (matching ErrTimeout too after LockTimeout), a *ConflictError, and ctx's (as
// a *WaitError if it had to wait), which leave the transaction as it was; ErrDeadlock as a *DeadlockError, which has
// rolled it back; and ErrTxnDone, possibly with the cause of a forced end.
func (tx *Txn) Lock(ctx context.Context, key []byte, mode LockMode, opts ...LockOption) error {
	if ctx == nil {
		return ErrNilContext
	}
	if err := mode.check(); err != nil {
		return err
	}
	how, err := lockOption(opts)
	if err != nil {
		return err
	}
	if err := checkSizes(key, nil); err != nil {
		return err
	}
	if err := tx.enter(); err != nil {
		return err
	}
	defer tx.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	return tx.lock(ctx, key, storage.LockMode(mode), how)
}

// GetForUpdate is Lock with ForUpdate, and then Get.
func (tx *Txn) GetForUpdate(ctx context.Context, key []byte, opts ...LockOption) ([]byte, error) {
	if err := tx.Lock(ctx, key, ForUpdate, opts...); err != nil {
		return nil, err
	}
	return tx.Get(key)
}

func (tx *Txn) lock(ctx context.Context, key []byte, mode storage.LockMode, how LockOption) error {
	before := tx.rec.Locks()
	o, hash := tx.object(key)
	if tx.m.durable != nil && (o == nil || o.Head() == nil || o.IsDead()) {
		var err error
		if o, err = tx.m.durable.Promote(tx.limits, key, hash); err != nil {
			return readError(err)
		}
	}
	if o == nil {
		o = storage.NewObject(key, hash)
	}
	o, err := tx.m.deps.Lock(tx.rec, o, mode, deps.Patience{Txn: tx.limits, Call: ctx, For: time.Duration(how)})
	if err != nil {
		return tx.notLocked(ctx, o, mode, how, err)
	}
	if !tx.observed {
		tx.m.deps.Refresh(tx.rec)
		tx.last = nil // it may be dead, and its key have another object at the new snapshot
	}
	clash := tx.m.deps.ChangedSince(tx.rec, o, mode)
	if tx.isOver() { // only now, as in ReadTxn.Get
		return tx.ended()
	}
	if clash != nil {
		tx.m.conflicts.Inc()
		err = tx.m.conflictError(tx.rec, clash)
		tx.m.deps.UnlockTo(tx.rec, before)
	}
	return err
}

// notLocked returns what Lock says after the dependency manager said err.
func (tx *Txn) notLocked(ctx context.Context, o *storage.Object, mode storage.LockMode, how LockOption, err error) error {
	var waited *deps.Waited
	switch {
	case errors.Is(err, deps.ErrOwned) && how == SkipLocked:
		return ErrLocked
	case errors.Is(err, deps.ErrOwned):
		return tx.lockError(o, mode, how)
	case errors.As(err, &waited) && ctx.Err() != nil && errors.Is(err, ctx.Err()) && !tx.hasExceeded() && tx.look() == nil:
		return tx.waitError(waited)
	}
	return tx.endBy(err)
}

// hasExceeded reports whether the transaction's own time is over, not that of a call.
func (tx *Txn) hasExceeded() bool { return tx.limits != nil && exceeded(tx.limits) != nil }

// endBy ends the transaction because the dependency manager ended a wait with err.
func (tx *Txn) endBy(err error) error {
	if errors.Is(err, deps.ErrEnded) || !tx.m.deps.Rollback(tx.rec) {
		return tx.ended()
	}
	tx.m.rolledBack.Inc()
	err = tx.endOf(err)
	tx.extras().failed = err
	return err
}

// Errors of locking.
var (
	// ErrLocked says that others hold a lock, and that Lock was told not to wait, or
	// not longer. But for SkipLocked the error is a *LockError.
	ErrLocked = errors.New("tiercel: locked by another transaction")
	// ErrDeadlock says that transactions waited for each other in a circle, and that
	// this one, which had done the least work, was rolled back for the others to go on.
	// Update does it again. The error is a *DeadlockError.
	ErrDeadlock = errors.New("tiercel: deadlock")
)

// LockError says who holds a lock that was asked for. It matches ErrLocked, and
// after LockTimeout ErrTimeout.
type LockError struct {
	Key      []byte       // that was asked for
	Mode     LockMode     // likewise
	Holders  []LockHolder // others
	TimedOut bool         // after LockTimeout
}

// Error names the key and the holders.
func (e *LockError) Error() string {
	text := fmt.Sprintf("%v: key %q for %v", ErrLocked, e.Key, e.Mode)
	if e.TimedOut {
		text += ", waited in vain"
	}
	return text + heldBy(e.Holders)
}

// heldBy names holders, if there are any.
func heldBy(holders []LockHolder) string {
	var names []string
	for _, h := range holders {
		names = append(names, h.String())
	}
	if len(names) == 0 {
		return ""
	}
	return "; held by " + strings.Join(names, ", ")
}

// Is reports whether target is ErrLocked, or ErrTimeout after one.
func (e *LockError) Is(target error) bool {
	return target == ErrLocked || e.TimedOut && target == ErrTimeout
}

func (tx *Txn) lockError(o *storage.Object, mode storage.LockMode, how LockOption) error {
	others := holders(tx.m.deps.HoldersOf(o, tx.rec))
	return &LockError{Key: o.Key(), Mode: LockMode(mode), Holders: others, TimedOut: how > 0}
}

// WaitError says what a transaction waited for when its time was over, or a context's.
// It matches Cause. If the transaction was ended by it, the error matches ErrTxnDone too.
type WaitError struct {
	Key     []byte       // that others hold; nil if it was the end of a prepared transaction
	Holders []LockHolder // who held it when the wait was over; then the prepared one
	Cause   error        // ErrTimeout, or the context's
}

// Error names the key and the holders.
func (e *WaitError) Error() string {
	if e.Key == nil && len(e.Holders) > 0 {
		return fmt.Sprintf("%v, waiting for %s", e.Cause, e.Holders[0].name())
	}
	return fmt.Sprintf("%v, waiting for key %q%s", e.Cause, e.Key, heldBy(e.Holders))
}

// Unwrap returns Cause.
func (e *WaitError) Unwrap() error { return e.Cause }

func (tx *Txn) waitError(w *deps.Waited) *WaitError {
	e := &WaitError{Cause: w.Why}
	if w.Why == deps.ErrDeadline {
		e.Cause = ErrTimeout
	}
	if p := w.Behind; p != nil {
		e.Holders = []LockHolder{{Label: p.Record().Label(), XID: p.XID}}
	} else {
		e.Key, e.Holders = w.Object.Key(), holders(tx.m.deps.HoldersOf(w.Object, tx.rec))
	}
	return e
}

// DeadlockError has the circle: each waited for the next, and the last for the
// first, which is the one that was rolled back. It matches ErrDeadlock.
type DeadlockError struct {
	Cycle []DeadlockWait // begins with the one that was rolled back
}

// DeadlockWait is one transaction in a circle.
type DeadlockWait struct {
	Label  string // of the transaction
	Key    []byte // it waited for
	Mode   LockMode
	HeldBy string // the label of who held it, or was before it in the queue
}

// Error describes the circle in one line.
func (e *DeadlockError) Error() string {
	var waits []string
	for _, w := range e.Cycle {
		waits = append(waits, fmt.Sprintf("transaction%s waits for key %q (%v) of transaction%s",
			quoted(w.Label), w.Key, w.Mode, quoted(w.HeldBy)))
	}
	return fmt.Sprintf("%v: %s", ErrDeadlock, strings.Join(waits, "; "))
}

// Is reports whether target is ErrDeadlock.
func (e *DeadlockError) Is(target error) bool { return target == ErrDeadlock }

func deadlockError(d *deps.Deadlock) *DeadlockError {
	e := new(DeadlockError)
	for _, w := range d.Circle {
		e.Cycle = append(e.Cycle, DeadlockWait{Label: w.Label, Key: w.Key, Mode: LockMode(w.Mode), HeldBy: w.For})
	}
	return e
}

// LockInfo is a key that is locked.
type LockInfo struct {
	Key     []byte       // empty for the lock of the whole store
	Holders []LockHolder // in no order
	Queue   []LockWaiter // first come first
}

// LockHolder is a transaction that holds a lock.
type LockHolder struct {
	Label string // given by WithLabel
	XID   string // of a prepared transaction
	Mode  LockMode
}

// String describes the holder in a few words.
func (h LockHolder) String() string { return fmt.Sprintf("%s for %v", h.name(), h.Mode) }

func (h LockHolder) name() string {
	text := "transaction" + quoted(h.Label)
	if h.XID != "" {
		text = fmt.Sprintf("prepared %s %q", text, h.XID)
	}
	return text
}

// LockWaiter is a transaction that waits for a lock.
type LockWaiter struct {
	Label   string        // given by WithLabel
	Mode    LockMode      // that it wants
	Waiting time.Duration // until now
}

// Locks returns what is locked by Txn.Lock or by prepared transactions, and what is
// waited for, by key. It stops nobody, so that what it says of a busy manager is not
// of one moment. A commit that nobody waits for is not in it. It goes over all
// transaction objects.
func (m *Manager) Locks() []LockInfo {
	list := m.deps.Locks()
	infos := make([]LockInfo, len(list))
	for i, l := range list {
		infos[i] = LockInfo{Key: l.Key, Holders: holders(l.Holders)}
		for _, w := range l.Queue {
			infos[i].Queue = append(infos[i].Queue, LockWaiter{Label: w.Label, Mode: LockMode(w.Mode), Waiting: w.Waiting})
		}
	}
	return infos
}

func holders(list []deps.LockHolder) (out []LockHolder) {
	for _, h := range list {
		out = append(out, LockHolder{Label: h.Label, XID: h.XID, Mode: LockMode(h.Mode)})
	}
	return out
}
