package txnmgr

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/tierceldb/tiercel/deps"
)

// Update runs fn in an update transaction, and commits it if fn returns nil. If
// fn returns an error, or panics, the transaction is rolled back. After a
// conflict fn is called again, in a new transaction on a new snapshot, after a
// pause that grows at random; WithRetry and Options.Retries bound how often, and
// WithPessimistic makes the last attempt a sure one. So is it after a deadlock. fn
// must have no effects but on the transaction; OnCommit is for those.
//
// It returns what fn returned, or the error of Commit: a *ConflictError if there
// were more conflicts than retries. If the context is cancelled the error matches
// ctx.Err().
func (m *Manager) Update(ctx context.Context, fn func(tx *Txn) error, opts ...TxnOption) error {
	if ctx == nil {
		return ErrNilContext
	}
	if fn == nil {
		return ErrNilFunc
	}
	config, err := m.configure(opts)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		if config.pessimistic && attempt == config.retries {
			return m.insist(ctx, fn, config)
		}
		err := m.attempt(ctx, fn, config, nil)
		if err == nil || !IsRetryable(err) || attempt >= config.retries {
			return err
		}
		if !config.deadline.IsZero() && !time.Now().Before(config.deadline) {
			return fmt.Errorf("%w after %d conflicts, the last: %v", ErrTimeout, attempt+1, err)
		}
		m.retries.Inc()
		if stop := backOff(ctx, attempt); stop != nil {
			return fmt.Errorf("%w after %d conflicts, the last: %v", stop, attempt+1, err)
		}
	}
}

// insistence bounds how often insist is overtaken by those who were about to commit
// when it locked the store.
const insistence = 1000

// insist makes attempts while nobody else can begin to commit.
func (m *Manager) insist(ctx context.Context, fn func(tx *Txn) error, config *txnConfig) error {
	guard, err := m.begin(ctx, config)
	if err != nil {
		return err
	}
	defer guard.stepDown()
	if err := m.deps.LockStore(guard.rec, deps.Patience{Txn: guard.limits}); err != nil {
		return guard.endBy(err)
	}
	for range insistence {
		if err = m.attempt(ctx, fn, config, guard); err == nil || !IsRetryable(err) {
			return err
		}
		m.retries.Inc()
		runtime.Gosched()
	}
	return err
}

// attempt is one transaction of Update. Nothing of it is left when it returns. If
// guard is not nil, it has locked the store for it.
func (m *Manager) attempt(ctx context.Context, fn func(tx *Txn) error, config *txnConfig, guard *Txn) error {
	tx, err := m.begin(ctx, config)
	if err != nil {
		return err
	}
	if guard != nil {
		guard.rec.ActFor(tx.rec)
	}
	tx.managed = true
	defer tx.abandon()
	if err := fn(tx); err != nil {
		return err
	}
	if guard != nil {
		x := tx.extras()
		x.onCommit = slices.Insert(x.onCommit, 0, func(uint64) { guard.stepDown() })
	}
	return tx.commit()
}

// abandon ends what is not over when fn is, even if another goroutine is in the
// middle of a call: that finds out when it comes back to the transaction.
func (tx *Txn) abandon() {
	if !tx.rec.IsOpen() {
		return
	}
	if err := tx.rollback(); err != nil {
		slot, gen := tx.rec.Slot()
		tx.m.deps.Force(slot, gen, &endError{cause: err})
	}
}

const (
	// quickRetries is how many retries come after others had a chance to run, but
	// without a sleep: the commit that stood in the way is done.
	quickRetries = 6
	shortSleep   = 20 * time.Microsecond
	longSleep    = 10 * time.Millisecond
)

// backOff pauses after the attempt with the given number, from 0.
func backOff(ctx context.Context, attempt int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if attempt < quickRetries {
		for range rand.IntN(1<<attempt + 1) {
			runtime.Gosched()
		}
		return nil
	}
	ceiling := min(shortSleep<<min(attempt-quickRetries, 16), longSleep)
	timer := time.NewTimer(rand.N(ceiling) + 1)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stepDown ends a guard, whose lock of the store lasts until here even if it was
// ended by force.
func (tx *Txn) stepDown() {
	tx.abandon()
	tx.m.deps.UnlockStore(tx.rec)
}
