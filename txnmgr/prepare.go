package txnmgr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/txnmgr/durable"
)

// Errors of two-phase commit.
var (
	// ErrPrepared says that the transaction is prepared: it can be finished, and
	// nothing else.
	ErrPrepared = errors.New("tiercel: transaction is prepared; Commit or Rollback it")
	// ErrXIDInUse says that another transaction is prepared under the same xid.
	ErrXIDInUse = errors.New("tiercel: another transaction is prepared under this xid")
	// ErrUnknownXID says that no transaction is prepared under the xid: it never was,
	// or is finished, or was rolled back at its limit.
	ErrUnknownXID = errors.New("tiercel: no transaction is prepared under this xid; it may be finished, or rolled back at its limit")
)

// PrepareOption changes one Prepare.
type PrepareOption func(*prepareConfig) error

// prepareConfig is what the options of one Prepare add up to.
type prepareConfig struct{ limit time.Duration }

// WithLimit bounds how long the transaction stays prepared: if it is not finished
// within d, which must be positive, it is rolled back, and its handle says
// ErrTimeout. Without the option there is no limit, and the finish cannot fail.
func WithLimit(d time.Duration) PrepareOption {
	return func(c *prepareConfig) error {
		if d <= 0 {
			return fmt.Errorf("%w: limit %v of a prepared transaction; it must be positive, and without the option there is none", ErrBadOption, d)
		}
		c.limit = d
		return nil
	}
}

// Prepare is the first phase of a two-phase commit. When it has returned nil, the
// transaction owns the objects that it writes, what it read is protected from
// change (if it is serializable), and the finish cannot fail: by Commit or Rollback
// of the handle, or by the xid, which must not be empty, from any goroutine.
// Everything else returns ErrPrepared.
//
// The commit timestamp is drawn at the finish. Until then others who want to write
// what this one writes or has read wait; everybody else goes on, and no reader
// waits. The transaction gives its snapshot back, so it keeps nothing from being
// purged; no limit of its own ends it any more, but for WithLimit. A client that
// prepares two transactions of which one writes what the other has read or writes
// waits for itself.
//
// With a log Prepare returns when it is durable: whatever happens to the process, the
// transaction is prepared again when the store is opened, with all that it protects, and
// is finished by its xid (Manager.Prepared has them all).
//
// The errors are ErrNilContext, ErrBadOption, ErrXIDInUse, ErrManaged and
// ErrConcurrentUse, which leave the transaction as it was, and those of Commit and
// ctx's, after which it is over.
func (tx *Txn) Prepare(ctx context.Context, xid string, opts ...PrepareOption) error {
	if ctx == nil {
		return ErrNilContext
	}
	if xid == "" {
		return fmt.Errorf("%w: empty xid", ErrBadOption)
	}
	var config prepareConfig
	for i, opt := range opts {
		if opt == nil {
			return fmt.Errorf("%w: PrepareOption number %d is nil", ErrBadOption, i+1)
		}
		if err := opt(&config); err != nil {
			return err
		}
	}
	if tx != nil && tx.managed && tx.rec.IsOpen() {
		return ErrManaged
	}
	if err := tx.enter(); err != nil {
		return err
	}
	defer tx.leave()
	return tx.prepare(ctx, &deps.Prepared{XID: xid, Limit: config.limit})
}

func (tx *Txn) prepare(ctx context.Context, p *deps.Prepared) error {
	if err := ctx.Err(); err != nil {
		return tx.endBy(err)
	}
	x, m := tx.extras(), tx.m
	p.OnCommit = x.onCommit
	var unlogged error
	if m.durable != nil {
		if err := tx.admit(ctx, p.XID); err != nil {
			return err
		}
		p.Log = func() error { unlogged = m.durable.LogPrepared(p); return unlogged }
		p.Drop = func() { m.durable.Dropped(p) }
	}
	err := m.deps.Prepare(tx.rec, p, deps.Patience{Txn: tx.limits, Call: ctx})
	switch {
	case err == nil:
		x.prepared = p
		return nil
	case errors.Is(unlogged, durable.ErrNotLogged):
		m.deps.Abandon(p)
		m.durable.Withdraw(tx.rec)
		if p.Wrote() {
			m.rolledBack.Inc()
		}
		x.failed = tx.endOf(refusal(unlogged))
		return x.failed
	case unlogged != nil:
		// The log may have it, and will never have its end. Who waits for it can go on:
		// that will not be in the log.
		m.deps.Abandon(p)
		x.prepared = p
		return m.unknown(unlogged)
	}
	if m.durable != nil {
		m.durable.Withdraw(tx.rec)
	}
	if errors.Is(err, deps.ErrXIDInUse) {
		return fmt.Errorf("%w: %q", ErrXIDInUse, p.XID)
	}
	return tx.notCommitted(err)
}

// endOfPrepared returns what the handle of a transaction says that was prepared.
func (m *Manager) endOfPrepared(p *deps.Prepared) error {
	switch {
	case m.deps.Expired(p):
		return &endError{cause: ErrTimeout}
	case p.Record().IsPrepared():
		return ErrPrepared
	}
	return ErrTxnDone
}

// commitPrepared is Commit of the handle.
func (m *Manager) commitPrepared(p *deps.Prepared) error {
	if err := m.deps.TakeThis(p); err != nil {
		return m.notTaken(p, err)
	}
	return m.finishPrepared(p)
}

// rollbackPrepared is Rollback of the handle.
func (m *Manager) rollbackPrepared(p *deps.Prepared) error {
	switch err := m.deps.TakeThis(p); {
	case errors.Is(err, deps.ErrClosed):
		return ErrClosed
	case err == nil:
		return m.dropPrepared(p)
	}
	return nil
}

// dropPrepared returns when the log has it, too.
func (m *Manager) dropPrepared(p *deps.Prepared) error {
	m.deps.RollbackPrepared(p)
	if p.Wrote() { // else it counts as one that only read, which is over
		m.rolledBack.Inc()
	}
	if m.durable == nil {
		return nil
	}
	return m.unknown(m.durable.WaitNotes())
}

func (m *Manager) notTaken(p *deps.Prepared, err error) error {
	if errors.Is(err, deps.ErrClosed) {
		return ErrClosed
	}
	if err := m.endOfPrepared(p); err != ErrPrepared {
		return err
	}
	return ErrTxnDone // somebody else is about to finish it
}

func (m *Manager) finishPrepared(p *deps.Prepared) error {
	if m.durable != nil {
		m.durable.Finishing(p)
	}
	ts := m.deps.CommitPrepared(p)
	if m.durable != nil {
		if err := m.durable.Finished(p, ts); err != nil {
			return m.unknown(err)
		}
	}
	for _, fn := range p.OnCommit {
		fn(ts)
	}
	return nil
}

// CommitPrepared commits the transaction that was prepared under the xid. The
// functions given to OnCommit run here. The context is looked at only before.
//
// The errors are ErrNilContext, the context's, ErrUnknownXID, ErrClosed, and with a
// log ErrCommitUnknown.
func (m *Manager) CommitPrepared(ctx context.Context, xid string) error {
	p, err := m.takePrepared(ctx, xid)
	if err != nil {
		return err
	}
	return m.finishPrepared(p)
}

// RollbackPrepared rolls the transaction back that was prepared under the xid. The
// errors are those of CommitPrepared.
func (m *Manager) RollbackPrepared(ctx context.Context, xid string) error {
	p, err := m.takePrepared(ctx, xid)
	if err != nil {
		return err
	}
	return m.dropPrepared(p)
}

func (m *Manager) takePrepared(ctx context.Context, xid string) (*deps.Prepared, error) {
	if ctx == nil {
		return nil, ErrNilContext
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := m.deps.Take(xid)
	switch {
	case errors.Is(err, deps.ErrUnknownXID):
		return nil, fmt.Errorf("%w: %.64q", ErrUnknownXID, xid)
	case err != nil:
		return nil, ErrClosed
	}
	return p, nil
}

// PreparedInfo describes a prepared transaction.
type PreparedInfo struct {
	XID   string        // given to Prepare
	Label string        // given by WithLabel
	Since time.Time     // when it was prepared
	Limit time.Duration // given by WithLimit, or 0
	Keys  [][]byte      // that it writes, in order
}

// Prepared returns the transactions that are prepared and not finished, oldest
// first. After Close they cannot be finished any more. With a log they are prepared
// again after the next Open, also after a crash; with a manager in memory they are
// gone with it.
func (m *Manager) Prepared() []PreparedInfo {
	list := m.deps.Prepared()
	infos := make([]PreparedInfo, len(list))
	for i, p := range list {
		infos[i] = PreparedInfo{XID: p.XID, Label: p.Record().Label(), Since: p.Since, Limit: p.Limit}
		for _, w := range p.Record().Writes {
			infos[i].Keys = append(infos[i].Keys, w.Object.Key())
		}
	}
	return infos
}
