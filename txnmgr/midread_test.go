package txnmgr_test

import (
	"context"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// meddler is a context in which something happens when a transaction looks whether
// it has ended: after the transaction has found that it is still open, and before
// it reads.
type meddler struct {
	context.Context
	meddle func()
}

// Err does what is to happen, once.
func (m *meddler) Err() error {
	if fn := m.meddle; fn != nil {
		m.meddle = nil
		fn()
	}
	return m.Context.Err()
}

// TestEndAmidCall: a transaction is ended, and what it sees is purged, within a call
// that has found it open. The call says that it has ended, and not that a key is
// absent which the snapshot shows.
func TestEndAmidCall(t *testing.T) {
	calls := map[string]func(r txnmgr.Reader) error{
		"get": func(r txnmgr.Reader) error {
			_, err := r.Get([]byte("a"))
			return err
		},
		"scan": func(r txnmgr.Reader) error {
			for range r.Scan(nil, nil) {
				continue
			}
			return r.Err()
		},
	}
	for name, call := range calls {
		t.Run("read-only/"+name, func(t *testing.T) {
			m, ctx := meddled(t)
			tx, err := m.BeginRead(ctx)
			wantErr(t, "BeginRead", err)
			wantErr(t, name, endsAmid(t, m, ctx, tx, call), txnmgr.ErrClosed)
		})
		t.Run("update/"+name, func(t *testing.T) {
			m, ctx := meddled(t)
			tx, err := m.Begin(ctx)
			wantErr(t, "Begin", err)
			wantErr(t, name, endsAmid(t, m, ctx, tx, call), txnmgr.ErrClosed)
		})
	}
}

func meddled(t *testing.T) (*txnmgr.Manager, *meddler) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return openWith(t, "a", "1"), &meddler{Context: ctx}
}

// endsAmid deletes what r sees, and closes and purges within the call.
func endsAmid(t *testing.T, m *txnmgr.Manager, ctx *meddler, r txnmgr.Reader, call func(txnmgr.Reader) error) error {
	err := m.Update(t.Context(), func(tx *txnmgr.Txn) error { return tx.Delete([]byte("a")) })
	wantErr(t, "Delete", err)
	ctx.meddle = func() {
		m.Close()
		m.Purge()
	}
	return call(r)
}
