package txnmgr_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// stuckEngine does not get on with an Apply until it is closed, and then that fails, or
// has worked after all. It counts the calls that come after Close.
type stuckEngine struct {
	*memstore.Store
	stuck  atomic.Bool // from now on
	closed chan struct{}
	result error
	late   atomic.Int32
}

func (e *stuckEngine) look() {
	select {
	case <-e.closed:
		e.late.Inc()
	default:
	}
}

func (e *stuckEngine) Apply(changes []storage.Change, mark storage.Mark) error {
	e.look()
	if !e.stuck.Load() {
		return e.Store.Apply(changes, mark)
	}
	<-e.closed
	return e.result
}

func (e *stuckEngine) Mark() storage.Mark { e.look(); return e.Store.Mark() }
func (e *stuckEngine) Persisted() uint64  { e.look(); return e.Store.Persisted() }
func (e *stuckEngine) Sync() error        { e.look(); return e.Store.Sync() }

func (e *stuckEngine) Close() error {
	close(e.closed)
	return e.Store.Close()
}

// TestForcedClose: nobody calls an engine that was closed because it did not get on.
func TestForcedClose(t *testing.T) {
	for _, result := range []error{nil, memstore.ErrClosed} {
		for _, dir := range []string{"", "store"} {
			t.Run(fmt.Sprintf("dir=%s,Apply=%v", dir, result), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { forceClose(t, dir, result) })
			})
		}
	}
}

func forceClose(t *testing.T, dir string, result error) {
	e := &stuckEngine{Store: memstore.Open(memstore.Options{}), closed: make(chan struct{}), result: result}
	m, err := txnmgr.Open(fsys.With(context.Background(), faultfs.New()), txnmgr.Options{Dir: dir, Engine: e, LogBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	e.stuck.Store(true)
	for n := range 12 {
		put(t, m, fmt.Sprint("key", n), string(make([]byte, 4000)))
	}
	m.Close() // says what is missing in the engine, if there is no log to have it
	want(t, "calls after Close", e.late.Load(), 0)
}
