package txnmgr_test

import (
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestLockOfKeyThatCameAgain: Lock moves the snapshot of a transaction that has read
// nothing, also past the removal of the object that the transaction used last, and
// past the commit of another one with its key. A read finds that one.
func TestLockOfKeyThatCameAgain(t *testing.T) {
	m := openWith(t, "k", "1")
	wantErr(t, "Delete", m.Update(t.Context(), func(tx *txnmgr.Txn) error { return tx.Delete([]byte("k")) }))
	tx := begin(t, m)
	defer tx.Rollback()
	sp := tx.Savepoint()
	wantErr(t, "Lock", tx.Lock(t.Context(), []byte("k"), txnmgr.ForUpdate))
	wantErr(t, "RollbackTo", tx.RollbackTo(sp))
	m.Purge()
	put(t, m, "k", "2")
	value, err := tx.GetForUpdate(t.Context(), []byte("k"))
	wantErr(t, "GetForUpdate", err)
	want(t, "value", string(value), "2")
}
