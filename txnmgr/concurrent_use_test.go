package txnmgr_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/txnmgr"
)

// gate is a context that holds up whoever looks at it while it is shut, and so
// keeps a call on a transaction from ending.
type gate struct {
	context.Context
	shut atomic.Bool
	pass chan struct{}
}

func newGate(t *testing.T) *gate {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return &gate{Context: ctx, pass: make(chan struct{})}
}

func (g *gate) Err() error {
	if g.shut.CompareAndSwap(true, false) { // holds up one caller
		<-g.pass
	}
	return g.Context.Err()
}

// heldUp starts a call on tx that does not end before the result is called.
func heldUp(g *gate, tx *txnmgr.Txn) (letGo func()) {
	g.shut.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() { tx.Get([]byte("a")) })
	synctest.Wait()
	return func() {
		close(g.pass)
		wg.Wait()
	}
}

// TestConcurrentUse: while one goroutine is in a call, every other call is
// refused, and changes nothing.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, g := openWith(t, "a", "1"), newGate(t)
		tx, err := m.Begin(g)
		wantErr(t, "Begin", err)
		sp := tx.Savepoint()
		letGo := heldUp(g, tx)
		for name, call := range calls() {
			if name != "scan" && name != "scan descending" && name != "rollback to" {
				wantErr(t, name, call(tx), txnmgr.ErrConcurrentUse)
			}
		}
		wantErr(t, "RollbackTo", tx.RollbackTo(sp), txnmgr.ErrConcurrentUse)
		wantErr(t, "Rollback", tx.Rollback(), txnmgr.ErrConcurrentUse)
		letGo()
		wantErr(t, "Put after", tx.Put([]byte("b"), []byte("2")))
		wantErr(t, "Commit after", tx.Commit())
		want(t, "contents", contents(t, m), "a=1 b=2")
	})
}

// TestScanMeetsConcurrentUse: a scan that another call stops must not look like
// one that came to its end.
func TestScanMeetsConcurrentUse(t *testing.T) {
	for _, name := range []string{"scan", "scan descending"} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { stopScan(t, calls()[name]) }) })
	}
}

func stopScan(t *testing.T, scan func(*txnmgr.Txn) error) {
	m, g := openWith(t, "a", "1", "b", "2"), newGate(t)
	tx, err := m.Begin(g)
	wantErr(t, "Begin", err)
	letGo := heldUp(g, tx)
	wantErr(t, "scan", scan(tx), txnmgr.ErrConcurrentUse)
	letGo()
	wantErr(t, "Rollback", tx.Rollback())
}

// TestUpdateEndsWithCallRunning: a goroutine that fn has left behind, in a call on
// the transaction, does not keep it open.
func TestUpdateEndsWithCallRunning(t *testing.T) {
	for name, result := range map[string]error{"commit": nil, "rollback": errOwn} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { leaveCallBehind(t, result) }) })
	}
}

func leaveCallBehind(t *testing.T, result error) {
	m, g := openWith(t, "a", "1"), newGate(t)
	var letGo func()
	err := m.Update(g, func(tx *txnmgr.Txn) error {
		wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
		letGo = heldUp(g, tx)
		return result
	})
	if err == nil {
		t.Error("Update committed beside a running call")
	}
	letGo()
	want(t, "active", m.Stats().Active, 0)
	want(t, "contents", contents(t, m), "a=1")
}
