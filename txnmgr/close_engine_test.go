package txnmgr_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// slowEngine takes its time for each Apply.
type slowEngine struct {
	*memstore.Store
	delay time.Duration
}

func (e *slowEngine) Apply(changes []storage.Change, mark storage.Mark) error {
	time.Sleep(e.delay)
	return e.Store.Apply(changes, mark)
}

// TestCloseWithoutLog: after Close an engine without a log has everything, however long
// that takes; or Close says that it has not.
func TestCloseWithoutLog(t *testing.T) {
	for _, delay := range []time.Duration{10 * time.Second, time.Hour} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { closeWithoutLog(t, &slowEngine{memstore.Open(memstore.Options{}), delay}) })
		})
	}
}

func closeWithoutLog(t *testing.T, engine *slowEngine) {
	m, err := txnmgr.Open(context.Background(), txnmgr.Options{Engine: engine, LogBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	const count = 12
	for n := range count {
		put(t, m, fmt.Sprint("key", n), string(make([]byte, 4000)))
	}
	closed := m.Close()
	kept := 0
	for n := range count {
		wantErr(t, "Load", engine.Crash().Load(fmt.Append(nil, "key", n), func([]byte, uint64) { kept++ }))
	}
	if (kept == count) != (closed == nil) {
		t.Errorf("the engine has %d of %d keys, and Close returned %v", kept, count, closed)
	}
	if engine.delay < time.Minute {
		wantErr(t, "Close", closed)
	}
}

// TestPreparedWithoutLog: the commit of what was prepared comes to an engine without a
// log without another one.
func TestPreparedWithoutLog(t *testing.T) {
	m, err := txnmgr.Open(context.Background(), txnmgr.Options{Engine: memstore.Open(memstore.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		tx := prepared(t, m, "x", nil, []string{fmt.Sprint("key", n)})
		wantErr(t, "Commit", tx.Commit())
		until(t, "to be applied", func() bool { return m.Stats().Unapplied == 0 })
	}
	wantErr(t, "Close", m.Close())
}
