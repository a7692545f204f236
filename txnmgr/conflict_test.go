package txnmgr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestConflictError: it says which key, what kind, the three values, both labels
// and both timestamps. The other transaction commits between the snapshot of
// mine and its commit.
func TestConflictError(t *testing.T) {
	k := []byte("k")
	get := func(tx *txnmgr.Txn) { tx.Get(k) }
	insertOther := func(tx *txnmgr.Txn) { tx.Insert([]byte("other"), nil) }
	putMine := func(tx *txnmgr.Txn) { tx.Put(k, []byte("mine")) }
	putTheirs := func(tx *txnmgr.Txn) { tx.Put(k, []byte("theirs")) }
	remove := func(tx *txnmgr.Txn) { tx.Delete(k) }
	scan := func(tx *txnmgr.Txn) { join(tx.Scan([]byte("j"), []byte("l"))) }
	both := func(a, b func(*txnmgr.Txn)) func(*txnmgr.Txn) {
		return func(tx *txnmgr.Txn) { a(tx); b(tx) }
	}
	base, mineV, theirsV := []byte("base"), []byte("mine"), []byte("theirs")
	for _, c := range []struct {
		name                      string
		before                    []string
		mine, theirs              func(*txnmgr.Txn)
		kind                      txnmgr.ConflictKind
		base, wantMine, theirsNow []byte
	}{
		{"put and put", []string{"k", "base"}, putMine, putTheirs, txnmgr.WriteWrite, base, mineV, theirsV},
		{"put and delete", []string{"k", "base"}, putMine, remove, txnmgr.WriteWrite, base, mineV, nil},
		{"delete and put", []string{"k", "base"}, remove, putTheirs, txnmgr.WriteWrite, base, nil, theirsV},
		{"insert and insert", nil, putMine, putTheirs, txnmgr.WriteWrite, nil, mineV, theirsV},
		{"read and put", []string{"k", "base"}, both(get, insertOther), putTheirs, txnmgr.ReadWrite, base, nil, theirsV},
		{"read and delete", []string{"k", "base"}, both(get, insertOther), remove, txnmgr.ReadWrite, base, nil, nil},
		{"absence and insert", nil, both(get, insertOther), putTheirs, txnmgr.ReadWrite, nil, nil, theirsV},
		{"range and insert", nil, both(scan, insertOther), putTheirs, txnmgr.RangeWrite, nil, nil, theirsV},
		{"range and delete", []string{"k", "base"}, both(scan, insertOther), remove, txnmgr.RangeWrite, base, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, snapshot, ts := clash(t, openWith(t, c.before...), c.mine, c.theirs)
			want(t, "key", string(got.Key), "k")
			want(t, "kind", got.Kind, c.kind)
			wantBytes(t, "base", got.Base, c.base)
			wantBytes(t, "mine", got.Mine, c.wantMine)
			wantBytes(t, "theirs", got.Theirs, c.theirsNow)
			want(t, "snapshot", got.Snapshot, snapshot)
			want(t, "commit timestamp", got.CommitTS, ts)
			want(t, "label", got.Label, "mine")
			want(t, "other label", got.OtherLabel, "theirs")
		})
	}
}

// clash makes a conflict and returns it, with the snapshot of the one who lost
// and the commit timestamp of the one who won.
func clash(t *testing.T, m *txnmgr.Manager, mine, theirs func(*txnmgr.Txn)) (*txnmgr.ConflictError, uint64, uint64) {
	t.Helper()
	tx := begin(t, m, txnmgr.WithLabel("mine"))
	mine(tx)
	var ts uint64
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		tx.OnCommit(func(at uint64) { ts = at })
		theirs(tx)
		return nil
	}, txnmgr.WithLabel("theirs"))
	wantErr(t, "Update", err)
	snapshot := tx.Snapshot()
	err = tx.Commit()
	wantErr(t, "Commit", err, txnmgr.ErrConflict)
	var conflict *txnmgr.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("%T is no *ConflictError", err)
	}
	return conflict, snapshot, ts
}

// wantBytes tells nil from empty.
func wantBytes(t *testing.T, what string, got, wanted []byte) {
	t.Helper()
	if !bytes.Equal(got, wanted) || (got == nil) != (wanted == nil) {
		t.Errorf("%s: %q (nil: %t), want %q (nil: %t)", what, got, got == nil, wanted, wanted == nil)
	}
}

// TestConflictNamesTheNewest: of several commits in between, theirs is the last.
func TestConflictNamesTheNewest(t *testing.T) {
	m := openWith(t, "k", "base")
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("k"), []byte("mine")))
	put(t, m, "k", "first")
	put(t, m, "k", "second")
	m.Purge()
	var conflict *txnmgr.ConflictError
	if err := tx.Commit(); !errors.As(err, &conflict) {
		t.Fatalf("Commit: %v, want a *ConflictError", err)
	}
	want(t, "base", string(conflict.Base), "base")
	want(t, "theirs", string(conflict.Theirs), "second")
	want(t, "label", conflict.Label+conflict.OtherLabel, "")
}

// TestConflictBaseAgainstPurge: base is what the transaction read, although its
// snapshot keeps nothing from being purged once it has lost. An old reader keeps
// a version below it that must not be taken for it.
func TestConflictBaseAgainstPurge(t *testing.T) {
	m := openWith(t, "k", "ancient")
	old := beginRead(t, m)
	defer old.Close()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				m.Purge()
			}
		}
	})
	for i := range rounds(20_000) {
		put(t, m, "k", fmt.Sprintf("base %d", i))
		tx := begin(t, m)
		base, err := tx.Get([]byte("k"))
		wantErr(t, "Get", err)
		wantErr(t, "Put", tx.Put([]byte("k"), []byte("mine")))
		put(t, m, "k", "theirs")
		var conflict *txnmgr.ConflictError
		if err := tx.Commit(); !errors.As(err, &conflict) {
			t.Fatalf("Commit: %v, want a *ConflictError", err)
		}
		if !bytes.Equal(conflict.Base, base) {
			t.Fatalf("round %d: base %q, want %q", i, conflict.Base, base)
		}
	}
	close(done)
	wg.Wait()
}

// TestConflictText: what is printed names everything needed to find the culprits.
func TestConflictText(t *testing.T) {
	err := &txnmgr.ConflictError{
		Key: []byte("stock/7"), Kind: txnmgr.RangeWrite,
		Snapshot: 41, CommitTS: 43, Label: "reorder", OtherLabel: "sale",
	}
	for _, part := range []string{"stock/7", "range-write", "41", "43", "reorder", "sale"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	wantErr(t, "ConflictError", err, txnmgr.ErrConflict)
}

func TestKindNames(t *testing.T) {
	for kind, name := range map[txnmgr.ConflictKind]string{
		txnmgr.WriteWrite: "write-write", txnmgr.ReadWrite: "read-write", txnmgr.RangeWrite: "range-write",
	} {
		want(t, "kind", kind.String(), name)
	}
	for level, name := range map[txnmgr.Isolation]string{
		txnmgr.Serializable: "serializable", txnmgr.Snapshot: "snapshot",
	} {
		want(t, "isolation", level.String(), name)
	}
}

func TestIsRetryable(t *testing.T) {
	conflict := &txnmgr.ConflictError{Key: []byte("k")}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{txnmgr.ErrConflict, true},
		{conflict, true},
		{fmt.Errorf("while moving money: %w", conflict), true},
		{txnmgr.ErrCommitUnknown, false},
		{errors.Join(conflict, txnmgr.ErrCommitUnknown), false},
		{txnmgr.ErrTxnDone, false},
		{txnmgr.ErrTimeout, false},
		{txnmgr.ErrClosed, false},
		{txnmgr.ErrExists, false},
		{txnmgr.ErrNotFound, false},
		{txnmgr.ErrManaged, false},
		{txnmgr.ErrConcurrentUse, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
		{errOwn, false},
	} {
		want(t, fmt.Sprintf("IsRetryable(%v)", c.err), txnmgr.IsRetryable(c.err), c.want)
	}
}
