package txnmgr_test

import (
	"context"
	"errors"
	"time"

	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
	"github.com/tierceldb/tiercel/txnmgr"
)

// recorded is a Manager as a mix of recorded transactions uses it.
type recorded struct{ m *txnmgr.Manager }

// recordedTxn is an update transaction of it.
type recordedTxn struct {
	*txnmgr.Txn
	m *txnmgr.Manager
}

func (s recorded) options(how mix.How) []txnmgr.TxnOption {
	opts := []txnmgr.TxnOption{txnmgr.WithIsolation(txnmgr.Serializable)}
	if how.Level == history.Snapshot {
		opts[0] = txnmgr.WithIsolation(txnmgr.Snapshot)
	}
	if how.Timeout > 0 {
		opts = append(opts, txnmgr.WithTimeout(how.Timeout))
	}
	return opts
}

func (s recorded) Begin(ctx context.Context, how mix.How) (mix.Writer, error) {
	tx, err := s.m.Begin(ctx, s.options(how)...)
	return recordedTxn{tx, s.m}, err
}

func (s recorded) BeginRead(ctx context.Context, how mix.How) (mix.Reader, error) {
	if how.Timeout == 0 {
		return s.m.BeginRead(ctx)
	}
	return s.m.BeginRead(ctx, txnmgr.WithTimeout(how.Timeout))
}

func (s recorded) Update(ctx context.Context, how mix.How, fn func(mix.Writer) error) error {
	return s.m.Update(ctx, func(tx *txnmgr.Txn) error { return fn(recordedTxn{tx, s.m}) }, s.options(how)...)
}

func (recorded) Judge(err error) mix.Meaning {
	switch {
	case errors.Is(err, txnmgr.ErrNotFound):
		return mix.NotFound
	case errors.Is(err, txnmgr.ErrExists):
		return mix.Exists
	case errors.Is(err, txnmgr.ErrConflict):
		return mix.Conflict
	case errors.Is(err, txnmgr.ErrDeadlock):
		return mix.Deadlock
	case errors.Is(err, txnmgr.ErrLocked):
		return mix.Locked
	case errors.Is(err, txnmgr.ErrClosed):
		return mix.Closed
	case errors.Is(err, txnmgr.ErrUnknownXID):
		return mix.Ended
	case errors.Is(err, txnmgr.ErrTxnDone), errors.Is(err, context.Canceled), errors.Is(err, txnmgr.ErrTimeout):
		return mix.Ended
	}
	return mix.Unexpected
}

func (tx recordedTxn) Close() error { return tx.Rollback() }

func (tx recordedTxn) Savepoint() func() error {
	sp := tx.Txn.Savepoint()
	return func() error { return tx.RollbackTo(sp) }
}

func (tx recordedTxn) Lock(key []byte, l mix.Lock) error {
	return tx.Txn.Lock(context.Background(), key, modes()[l.Mode], recordedOptions(l)...)
}

func (tx recordedTxn) GetForUpdate(key []byte, l mix.Lock) ([]byte, error) {
	return tx.Txn.GetForUpdate(context.Background(), key, recordedOptions(l)...)
}

func recordedOptions(l mix.Lock) []txnmgr.LockOption {
	switch {
	case l.Patience > 0:
		return []txnmgr.LockOption{txnmgr.LockTimeout(l.Patience)}
	case l.Patience < 0:
		return []txnmgr.LockOption{txnmgr.NoWait}
	}
	return nil
}

func (tx recordedTxn) Prepare(xid string, limit time.Duration) error {
	if limit > 0 {
		return tx.Txn.Prepare(context.Background(), xid, txnmgr.WithLimit(limit))
	}
	return tx.Txn.Prepare(context.Background(), xid)
}

func (tx recordedTxn) CommitPrepared(xid string) error {
	return tx.m.CommitPrepared(context.Background(), xid)
}

func (tx recordedTxn) RollbackPrepared(xid string) error {
	return tx.m.RollbackPrepared(context.Background(), xid)
}
