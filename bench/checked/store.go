package checked

import (
	"context"
	"errors"

	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
	"github.com/tierceldb/tiercel/txnmgr"
)

// store is a manager as the mix uses it.
type store struct{ m *txnmgr.Manager }

// writer is an update transaction as the mix uses it.
type writer struct{ *txnmgr.Txn }

// Begin implements mix.Store.
func (s store) Begin(ctx context.Context, how mix.How) (mix.Writer, error) {
	tx, err := s.m.Begin(ctx, isolation(how.Level))
	return writer{tx}, err
}

// BeginRead implements mix.Store.
func (s store) BeginRead(ctx context.Context, _ mix.How) (mix.Reader, error) {
	return s.m.BeginRead(ctx)
}

// Update implements mix.Store.
func (s store) Update(ctx context.Context, how mix.How, fn func(mix.Writer) error) error {
	return s.m.Update(ctx, func(tx *txnmgr.Txn) error { return fn(writer{tx}) }, isolation(how.Level))
}

func isolation(level history.Level) txnmgr.TxnOption {
	if level == history.Snapshot {
		return txnmgr.WithIsolation(txnmgr.Snapshot)
	}
	return txnmgr.WithIsolation(txnmgr.Serializable)
}

// Judge implements mix.Store. Nobody closes the manager or sets a limit, so a
// transaction ends from outside only if the mix has cancelled it.
func (store) Judge(err error) mix.Meaning {
	switch {
	case errors.Is(err, txnmgr.ErrNotFound):
		return mix.NotFound
	case errors.Is(err, txnmgr.ErrExists):
		return mix.Exists
	case errors.Is(err, txnmgr.ErrConflict):
		return mix.Conflict
	case errors.Is(err, context.Canceled):
		return mix.Ended
	}
	return mix.Unexpected
}

// Close implements mix.Reader.
func (w writer) Close() error { return w.Rollback() }

// Savepoint implements mix.Writer.
func (w writer) Savepoint() func() error {
	sp := w.Txn.Savepoint()
	return func() error { return w.RollbackTo(sp) }
}
