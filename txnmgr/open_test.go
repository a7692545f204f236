package txnmgr_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestMain lets no test leave a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a manager, over the kind of store that is asked for, that is closed when
// the test ends.
func open(t testing.TB, opts txnmgr.Options) *txnmgr.Manager {
	t.Helper()
	m, err := txnmgr.Open(context.Background(), over(t, opts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return m
}

// openWith opens a manager of a store with the given keys and values, in turn.
func openWith(t testing.TB, pairs ...string) *txnmgr.Manager {
	t.Helper()
	m := open(t, txnmgr.Options{})
	put(t, m, pairs...)
	return m
}

// put commits keys and values, given in turn.
func put(t testing.TB, m *txnmgr.Manager, pairs ...string) {
	t.Helper()
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := tx.Put([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// begin begins an update transaction.
func begin(t testing.TB, m *txnmgr.Manager, opts ...txnmgr.TxnOption) *txnmgr.Txn {
	t.Helper()
	tx, err := m.Begin(context.Background(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// beginRead begins a read-only transaction.
func beginRead(t testing.TB, m *txnmgr.Manager, opts ...txnmgr.TxnOption) txnmgr.ReadTxn {
	t.Helper()
	tx, err := m.BeginRead(context.Background(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// contents is what a new transaction finds in the store, as "a=1 b=2".
func contents(t testing.TB, m *txnmgr.Manager) string {
	t.Helper()
	tx := beginRead(t, m)
	defer tx.Close()
	return join(tx.Scan(nil, nil))
}

// join writes the pairs of a scan as "a=1 b=2".
func join(pairs iter.Seq2[[]byte, []byte]) string {
	var words []string
	for key, value := range pairs {
		words = append(words, string(key)+"="+string(value))
	}
	return strings.Join(words, " ")
}

// wantErr fails unless err matches every target; without targets err must be nil.
func wantErr(t testing.TB, what string, err error, targets ...error) {
	t.Helper()
	if len(targets) == 0 && err != nil {
		t.Errorf("%s: %v, want no error", what, err)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%s: %v, want an error that matches %q", what, err, target)
		}
	}
}

// want fails unless got is as wanted.
func want[T comparable](t testing.TB, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: %v, want %v", what, got, wanted)
	}
}
