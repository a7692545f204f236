package txnmgr

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/txnmgr/durable"
)

// Durability is what a commit waits for.
type Durability int

const (
	// Sync, the default: a commit returns when it is on the disk, and survives a crash.
	// Read-only transactions see nothing that does not.
	Sync Durability = iota
	// Async: a commit returns, and can be read by all, as soon as its order is fixed.
	// It is on the disk soon after; a crash before that loses it, and with it nothing
	// that was committed earlier, and everything that was committed later.
	// Manager.Sync waits for it.
	Async
)

// String returns "sync" or "async".
func (d Durability) String() string {
	switch d {
	case Sync:
		return "sync"
	case Async:
		return "async"
	}
	return fmt.Sprintf("Durability(%d)", int(d))
}

func (d Durability) check() error {
	if d != Sync && d != Async {
		return fmt.Errorf("%w: durability %v; use Sync or Async", ErrBadOption, d)
	}
	return nil
}

// WithDurability sets what the commit of an update transaction waits for. Without a
// log it makes no difference.
func WithDurability(d Durability) TxnOption {
	return func(c *txnConfig) error {
		c.durability = d
		return d.check()
	}
}

// Errors of durable stores.
var (
	// ErrLogFailed says that the commit log could not be written earlier. Nothing is
	// committed any more until the store is opened again, since nobody knows what the
	// disk has; reading goes on. The error wraps the cause.
	ErrLogFailed = errors.New("tiercel: the commit log failed, and takes no commits until the store is opened again")
	// ErrEngineFailed says that the object store under the log failed, and the log has
	// no more room without it. What was committed is in the log. The error wraps the
	// cause.
	ErrEngineFailed = errors.New("tiercel: the object store failed, and the log is full without it; open the store again")
	// ErrTxnTooLarge says that a transaction has written more than the log takes at
	// once, about 1 GiB. It was rolled back.
	ErrTxnTooLarge = errors.New("tiercel: transaction too large for the commit log; split it")
)

// admissionLook is how often a commit that is held back looks whether its
// transaction was ended, or has exceeded its limits.
const admissionLook = 10 * time.Millisecond

// admit counts a commit with what log and engine have to do, before its vote, and
// waits if that is too much, for as long as the context of the call allows. The error
// is what the handle says; the transaction is over then.
func (tx *Txn) admit(ctx context.Context, xid string) error {
	turn, err := tx.m.durable.Admit(tx.rec, xid)
	if err == nil && turn != nil {
		if err = tx.await(ctx, turn); err == nil {
			err = tx.m.durable.Reserve(tx.rec)
		}
	}
	if err == nil {
		return nil
	}
	return tx.endBy(refusal(err))
}

// await waits for the turn.
func (tx *Txn) await(ctx context.Context, turn *durable.Admission) error {
	tick := time.NewTicker(admissionLook)
	defer tick.Stop()
	for {
		select {
		case <-turn.Come():
			return nil
		case <-turn.Broken():
			turn.GiveUp()
			return tx.m.durable.EngineFailed()
		case <-ctx.Done():
			turn.GiveUp()
			return heldBack(ctx.Err())
		case <-tick.C:
			if tx.isEndedHeldBack() {
				turn.GiveUp()
				return deps.ErrEnded
			}
			if err := turn.Look(); err != nil {
				turn.GiveUp()
				return err
			}
		}
	}
}

// heldBack says what a commit waited for that does not wait any longer.
func heldBack(err error) error {
	return fmt.Errorf("%w, waiting for the object store to catch up (Options.LogBytes, Stats.Failure)", err)
}

// isEndedHeldBack ends the transaction if it has exceeded its limits, and reports whether
// it is over.
func (tx *Txn) isEndedHeldBack() bool {
	if tx.limits == nil {
		return !tx.rec.IsOpen()
	}
	err := exceeded(tx.limits)
	if err != nil {
		slot, gen := tx.rec.Slot()
		tx.m.deps.Force(slot, gen, &endError{cause: heldBack(errors.Unwrap(err))})
	}
	return err != nil || !tx.rec.IsOpen()
}

// refusal puts into words why a commit was not admitted.
func refusal(err error) error {
	switch {
	case errors.Is(err, deps.ErrEnded):
		return err
	case errors.Is(err, durable.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTxnTooLarge, err)
	case errors.Is(err, durable.ErrEngine):
		return fmt.Errorf("%w: %w", ErrEngineFailed, err)
	case errors.Is(err, durable.ErrNoRoom) && errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("tiercel: there is no room for the transaction on the disk: %w", err)
	case errors.Is(err, durable.ErrNoRoom):
		return fmt.Errorf("tiercel: the commit log cannot be made longer for the transaction: %w", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", ErrLogFailed, err)
}

// endure returns when the commit at ts is as durable as the transaction wants.
func (tx *Txn) endure(ts uint64) error {
	m := tx.m
	if m.durable == nil {
		return nil
	}
	if tx.async {
		m.deps.Acknowledge(tx.rec)
		m.durable.Soon()
		return nil
	}
	return m.unknown(m.durable.Wait(ts))
}

// unknown puts the failure of the log into words, for a commit that it was to have.
func (m *Manager) unknown(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, durable.ErrClosed) {
		err = ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
}

// confirm returns when everything that a transaction which wrote nothing has seen is
// readable by all.
func (tx *Txn) confirm() error {
	m := tx.m
	if m.durable == nil || tx.seen <= m.deps.Readable() {
		return nil
	}
	return m.unknown(m.durable.Wait(tx.seen))
}

// CommitThen is Commit, but that it does not wait for the disk: it returns nil once
// the order of the commit is fixed, and done is called, by another goroutine and in
// commit order, with nil when the commit is durable, or with an ErrCommitUnknown. The
// functions given to OnCommit run just before done is called with nil. Others that
// begin for update see the commit when CommitThen has returned; read-only
// transactions see it when it is durable. done should return soon: the next one waits
// for it.
//
// The errors are ErrNilFunc, which does nothing, and those of Commit; done is not
// called then. If the transaction wrote nothing, or everything is in memory, done is
// called before CommitThen returns.
func (tx *Txn) CommitThen(done func(error)) error {
	if done == nil {
		return ErrNilFunc
	}
	if tx != nil && tx.managed && tx.rec.IsOpen() {
		return ErrManaged
	}
	if tx == nil || tx.rec == nil || tx.m.durable == nil || len(tx.rec.Writes) == 0 || !tx.rec.IsOpen() {
		if err := tx.commit(); err != nil {
			return err
		}
		done(nil)
		return nil
	}
	if err := tx.enter(); err != nil {
		return err
	}
	ts, err := tx.order()
	if err != nil {
		tx.leave()
		return err
	}
	if tx.async {
		tx.m.deps.Acknowledge(tx.rec)
	}
	var onCommit []func(uint64)
	if tx.extra != nil {
		onCommit = tx.extra.onCommit
	}
	m := tx.m
	m.durable.Then(ts, func(err error) {
		if err == nil {
			for _, fn := range onCommit {
				fn(ts)
			}
		}
		done(m.unknown(err))
	})
	return nil
}

// Sync returns nil when everything that was committed before it was called survives
// a crash: what was committed with Async or CommitThen. Without a log there is
// nothing to wait for.
//
// The errors are ErrNilContext, the context's, and ErrCommitUnknown.
func (m *Manager) Sync(ctx context.Context) error {
	if ctx == nil {
		return ErrNilContext
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.durable == nil {
		return nil
	}
	err := m.durable.WaitFor(ctx, m.deps.Visible())
	if err != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	return m.unknown(err)
}
