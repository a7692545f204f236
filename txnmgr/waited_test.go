package txnmgr_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestWaitedInVain: whoever waits until its time is over, or its context is cancelled,
// is told for what.
func TestWaitedInVain(t *testing.T) {
	const key = "falcon"
	ctx := context.Background()
	put := func(tx *txnmgr.Txn) error { return tx.Put([]byte(key), nil) }
	lock := func(tx *txnmgr.Txn) error { return tx.Lock(ctx, []byte(key), txnmgr.ForUpdate) }
	type holder func(t *testing.T, m *txnmgr.Manager) txnmgr.LockHolder
	locked := func(t *testing.T, m *txnmgr.Manager) txnmgr.LockHolder {
		tx := begin(t, m, txnmgr.WithLabel("keeper"))
		wantErr(t, "Lock", lock(tx))
		return txnmgr.LockHolder{Label: "keeper", Mode: txnmgr.ForUpdate}
	}
	prepared := func(t *testing.T, m *txnmgr.Manager) txnmgr.LockHolder {
		tx := begin(t, m, txnmgr.WithLabel("sleeper"))
		wantErr(t, "Put", put(tx))
		wantErr(t, "Prepare", tx.Prepare(ctx, "x1"))
		return txnmgr.LockHolder{Label: "sleeper", XID: "x1", Mode: txnmgr.ForUpdate}
	}
	for name, c := range map[string]struct {
		holder holder
		do     func(tx *txnmgr.Txn) error
		text   string
	}{
		"a commit, for a lock":                 {locked, put, `waiting for key "falcon"; held by transaction "keeper" for update`},
		"a commit, for what is prepared":       {prepared, put, `waiting for key "falcon"; held by prepared transaction "sleeper" "x1" for update`},
		"a lock, for a lock":                   {locked, lock, `waiting for key "falcon"; held by transaction "keeper" for update`},
		"a lock, for what a prepared one will": {prepared, lock, `waiting for key "falcon"; held by prepared transaction "sleeper" "x1" for update`},
	} {
		for limit, cause := range map[string]error{"context": context.DeadlineExceeded, "timeout": txnmgr.ErrTimeout} {
			t.Run(name+"/"+limit, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, err := txnmgr.Open(ctx, txnmgr.Options{})
					wantErr(t, "Open", err)
					defer m.Close()
					who := c.holder(t, m)
					within, options := ctx, []txnmgr.TxnOption{txnmgr.WithTimeout(time.Second)}
					if limit == "context" {
						var cancel context.CancelFunc
						within, cancel = context.WithTimeout(ctx, time.Second)
						defer cancel()
						options = nil
					}
					err = m.Update(within, c.do, options...)
					var waited *txnmgr.WaitError
					if !errors.As(err, &waited) || !errors.Is(err, cause) || !errors.Is(err, txnmgr.ErrTxnDone) {
						t.Fatalf("%v", err)
					}
					if string(waited.Key) != key || len(waited.Holders) != 1 || waited.Holders[0] != who {
						t.Errorf("%q, held by %v", waited.Key, waited.Holders)
					}
					want(t, "text", err.Error(), "tiercel: transaction was ended: "+cause.Error()+", "+c.text)
				})
			})
		}
	}
}
