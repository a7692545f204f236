package txnmgr_test

import (
	"context"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// open opens a manager that is closed when the test ends.
func open(t testing.TB, opts txnmgr.Options) *txnmgr.Manager {
	t.Helper()
	m, err := txnmgr.Open(context.Background(), opts)
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
