package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/txnmgr"
)

// exclude is the table of the manual of PostgreSQL, "Row-Level Locks", which is
// symmetric: whether one transaction can have a row in mode a while another has it in b.
func exclude(a, b txnmgr.LockMode) bool {
	return map[txnmgr.LockMode]string{
		//                     k s n u: key share, share, no key update, update
		txnmgr.ForKeyShare:    "...!",
		txnmgr.ForShare:       "..!!",
		txnmgr.ForNoKeyUpdate: ".!!!",
		txnmgr.ForUpdate:      "!!!!",
	}[a][b-txnmgr.ForKeyShare] == '!'
}

// eachPair runs a test for two modes in both orders, on a key that has a value and on
// one that has none.
func eachPair(t *testing.T, test func(t *testing.T, m *txnmgr.Manager, key []byte, a, b txnmgr.LockMode)) {
	for _, key := range []string{"present", "absent"} {
		for _, a := range modes() {
			for _, b := range modes() {
				t.Run(fmt.Sprintf("%s/%v, %v", key, a, b), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						m := openWith(t, "present", "1")
						test(t, m, []byte(key), a, b)
						idle(t, m)
					})
				})
			}
		}
	}
}

// TestLockModesNoWait: each pair of modes goes together or does not, as in the table,
// and who is refused is told by whom.
func TestLockModesNoWait(t *testing.T) {
	ctx := context.Background()
	eachPair(t, func(t *testing.T, m *txnmgr.Manager, key []byte, held, asked txnmgr.LockMode) {
		holder := begin(t, m, txnmgr.WithLabel("holder"))
		wantErr(t, "Lock", holder.Lock(ctx, key, held))
		asker := begin(t, m, txnmgr.WithLabel("asker"))
		nowait := asker.Lock(ctx, key, asked, txnmgr.NoWait)
		skip := asker.Lock(ctx, key, asked, txnmgr.SkipLocked)
		if !exclude(held, asked) {
			wantErr(t, "with NoWait", nowait)
			wantErr(t, "with SkipLocked", skip)
		} else {
			isLocked(t, nowait, key, asked, "holder", held)
			want(t, "with SkipLocked", skip, txnmgr.ErrLocked)
		}
		wantErr(t, "Commit of the holder", holder.Commit())
		wantErr(t, "afterwards", asker.Lock(ctx, key, asked, txnmgr.NoWait))
		wantErr(t, "Commit of the asker", asker.Commit())
	})
}

// isLocked checks the error of a lock that was refused because of one holder.
func isLocked(t *testing.T, err error, key []byte, asked txnmgr.LockMode, label string, held txnmgr.LockMode) {
	t.Helper()
	wantErr(t, "Lock", err, txnmgr.ErrLocked)
	var locked *txnmgr.LockError
	if !errors.As(err, &locked) {
		t.Fatalf("%T is no *LockError", err)
	}
	want(t, "key", string(locked.Key), string(key))
	want(t, "mode", locked.Mode, asked)
	want(t, "holders", holders(locked.Holders), fmt.Sprintf("%s (%v)", label, held))
	want(t, "is retryable", txnmgr.IsRetryable(err), false)
	if errors.Is(err, txnmgr.ErrTxnDone) || errors.Is(err, txnmgr.ErrTimeout) {
		t.Errorf("%v says that the transaction is over, or out of time", err)
	}
}

// TestLockModesWait: who may not have the lock waits for the holder's end, however it
// comes to it.
func TestLockModesWait(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(*txnmgr.Txn) error{"commit": (*txnmgr.Txn).Commit, "rollback": (*txnmgr.Txn).Rollback} {
		t.Run(name, func(t *testing.T) {
			eachPair(t, func(t *testing.T, m *txnmgr.Manager, key []byte, held, asked txnmgr.LockMode) {
				holder, asker := begin(t, m), begin(t, m)
				wantErr(t, "Lock", holder.Lock(ctx, key, held))
				c := start("Lock", func() error { return asker.Lock(ctx, key, asked) })
				if exclude(held, asked) {
					c.waits(t)
					want(t, "waiting", m.Stats().Waiting, 1)
				}
				wantErr(t, name, end(holder))
				c.returns(t)
				want(t, "waiting", m.Stats().Waiting, 0)
				wantErr(t, "Commit", asker.Commit())
			})
		})
	}
}

// TestLockModesUpgrade: of two modes that one transaction asks for, it holds the
// stronger one.
func TestLockModesUpgrade(t *testing.T) {
	ctx := context.Background()
	eachPair(t, func(t *testing.T, m *txnmgr.Manager, key []byte, first, second txnmgr.LockMode) {
		holder := begin(t, m, txnmgr.WithLabel("holder"))
		wantErr(t, "first", holder.Lock(ctx, key, first))
		wantErr(t, "second", holder.Lock(ctx, key, second))
		want(t, "locks", managedStore{m}.Locks(), fmt.Sprintf("%s: holder (%v)", key, max(first, second)))
		for _, asked := range modes() {
			asker := begin(t, m)
			err := asker.Lock(ctx, key, asked, txnmgr.SkipLocked)
			want(t, fmt.Sprintf("refused for %v", asked), err != nil, exclude(max(first, second), asked))
			wantErr(t, "Rollback", asker.Rollback())
		}
		wantErr(t, "Rollback", holder.Rollback())
		other := begin(t, m)
		wantErr(t, "afterwards", other.Lock(ctx, key, txnmgr.ForUpdate, txnmgr.NoWait))
		wantErr(t, "Rollback", other.Rollback())
	})
}

// TestLockModesOfCommit: a commit locks what it writes, for an update of the value or
// of all.
func TestLockModesOfCommit(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name, key string
		write     func(tx *txnmgr.Txn, key []byte) error
		mode      txnmgr.LockMode
	}{
		{"put", "present", func(tx *txnmgr.Txn, key []byte) error { return tx.Put(key, nil) }, txnmgr.ForNoKeyUpdate},
		{"delete", "present", (*txnmgr.Txn).Delete, txnmgr.ForUpdate},
		{"put the first", "absent", func(tx *txnmgr.Txn, key []byte) error { return tx.Put(key, nil) }, txnmgr.ForUpdate},
		{"insert", "absent", func(tx *txnmgr.Txn, key []byte) error { return tx.Insert(key, nil) }, txnmgr.ForUpdate},
		{"delete nothing", "absent", (*txnmgr.Txn).Delete, txnmgr.ForUpdate},
	} {
		for _, held := range modes() {
			t.Run(fmt.Sprintf("%s/%v", c.name, held), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := openWith(t, "present", "1")
					holder, writer := begin(t, m), begin(t, m)
					wantErr(t, "Lock", holder.Lock(ctx, []byte(c.key), held))
					wantErr(t, c.name, c.write(writer, []byte(c.key)))
					commit := start("Commit", writer.Commit)
					if exclude(held, c.mode) {
						commit.waits(t)
					} else {
						commit.returns(t)
					}
					wantErr(t, "Rollback", holder.Rollback())
					commit.returns(t)
					idle(t, m)
				})
			})
		}
	}
}

// TestLockModeNames: they are those of PostgreSQL, in lower case.
func TestLockModeNames(t *testing.T) {
	want(t, "modes", fmt.Sprint(modes()), "[key share share no key update update]")
	want(t, "zero", txnmgr.LockMode(0).String(), "LockMode(0)")
	want(t, "five", txnmgr.LockMode(5).String(), "LockMode(5)")
	want(t, "granularities", fmt.Sprint([]txnmgr.Granularity{txnmgr.ObjectLocks, txnmgr.CoarseLock, txnmgr.NoLocks, 3}),
		"[object coarse none Granularity(3)]")
}
