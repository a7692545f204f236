package txnmgr

import (
	"context"
	"errors"

	"github.com/tierceldb/tiercel/deps"
)

// Commit makes all writes visible at once, or none. When it has returned nil,
// every transaction that begins sees them (I4). Whatever it returns, the
// transaction is over, but for ErrManaged and ErrConcurrentUse, which do nothing.
// After Prepare it finishes what was prepared.
//
// The errors are ErrConflict as a *ConflictError, ErrDeadlock as a *DeadlockError,
// ErrManaged, ErrConcurrentUse, and ErrTxnDone, possibly with the cause of a forced
// end, which is a *WaitError if it had to wait for others. Once the timestamp is drawn, the context is not looked at any more. With a log
// there are ErrLogFailed, ErrEngineFailed, ErrTxnTooLarge and the error of a full
// disk, which have rolled it back, and ErrCommitUnknown.
func (tx *Txn) Commit() error {
	if tx != nil && tx.managed && tx.rec.IsOpen() {
		return ErrManaged
	}
	return tx.commit()
}

func (tx *Txn) commit() error {
	err := tx.enter()
	if err == ErrPrepared {
		return tx.m.commitPrepared(tx.extra.prepared)
	}
	if err != nil {
		return err
	}
	ts, err := tx.finish()
	if err != nil {
		tx.leave()
		return err
	}
	if tx.extra != nil {
		for _, fn := range tx.extra.onCommit {
			fn(ts)
		}
	}
	return nil // and stays busy: nothing will be done here any more
}

// finish ends the transaction and returns the timestamp that OnCommit is told.
func (tx *Txn) finish() (uint64, error) {
	if len(tx.rec.Writes) == 0 {
		if !tx.m.deps.Rollback(tx.rec) {
			return 0, tx.ended()
		}
		return tx.rec.Snapshot, tx.confirm()
	}
	ts, err := tx.order()
	if err != nil {
		return 0, err
	}
	return ts, tx.endure(ts)
}

// order commits the transaction, which has written something, but need not be
// durable yet.
func (tx *Txn) order() (uint64, error) {
	if tx.m.durable != nil {
		if err := tx.admit(context.Background(), ""); err != nil {
			return 0, err
		}
	}
	ts, err := tx.m.deps.Commit(tx.limits, tx.rec)
	if err != nil {
		if tx.m.durable != nil {
			tx.m.durable.Withdraw(tx.rec)
		}
		return 0, tx.notCommitted(err)
	}
	return ts, nil
}

// notCommitted returns what Commit and Prepare say after the dependency manager
// said err and ended the transaction.
func (tx *Txn) notCommitted(err error) error {
	var clash *deps.Conflict
	switch {
	case tx.rec.Cause() != nil:
		return tx.ended() // whatever came first, it was ended from outside
	case errors.As(err, &clash):
		tx.m.conflicts.Inc()
		err = tx.m.conflictError(tx.rec, clash)
	case errors.Is(err, deps.ErrEnded):
		return tx.ended() // counted by whoever ended it
	default:
		err = tx.endOf(err)
		tx.extras().failed = err
	}
	tx.m.rolledBack.Inc()
	return err
}

// endOf returns what the handle says after the dependency manager ended a wait of
// the transaction with err.
func (tx *Txn) endOf(err error) error {
	var circle *deps.Deadlock
	var waited *deps.Waited
	switch {
	case errors.As(err, &circle):
		err = deadlockError(circle)
	case errors.As(err, &waited):
		err = tx.waitError(waited)
	}
	return &endError{cause: err}
}

// Rollback forgets all writes and ends the transaction, also after Prepare. After
// the end it does nothing and returns nil. The errors are ErrManaged and ErrConcurrentUse.
func (tx *Txn) Rollback() error {
	if tx != nil && tx.managed && tx.rec.IsOpen() {
		return ErrManaged
	}
	return tx.rollback()
}

func (tx *Txn) rollback() error {
	switch err := tx.enter(); {
	case errors.Is(err, ErrConcurrentUse):
		return err
	case err == ErrPrepared:
		return tx.m.rollbackPrepared(tx.extra.prepared)
	case err != nil:
		return nil
	}
	defer tx.leave()
	if tx.m.deps.Rollback(tx.rec) {
		tx.m.rolledBack.Inc()
	}
	tx.rec.Writes, tx.rec.Reads = nil, deps.ReadSet{}
	tx.extra = nil
	return nil
}
