package txnmgr_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// crashing is an engine that remembers what a crash after each Apply would leave.
type crashing struct {
	*memstore.Store
	mu    sync.Mutex
	after []*memstore.Store
}

func (c *crashing) Apply(changes []storage.Change, mark storage.Mark) error {
	err := c.Store.Apply(changes, mark)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after = append(c.after, c.Crash())
	return err
}

// TestCrashOfEngineAlone: without a log too a crash leaves whole transactions, however
// much is applied at once: there is nothing to complete them from.
func TestCrashOfEngineAlone(t *testing.T) {
	if needsMemory(t, "the engine has to be the one that crashes, without a log") {
		return
	}
	engine := &crashing{Store: memstore.Open(memstore.Options{})}
	m := open(t, txnmgr.Options{Engine: engine})
	const keys = 12
	for _, value := range []string{"1", "2", "3"} {
		err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
			for k := range keys {
				if err := tx.Put(fmt.Append(nil, k), []byte(strings.Repeat(value, 200_000))); err != nil {
					return err
				}
			}
			return nil
		})
		wantErr(t, "Update", err)
		until(t, "to be applied", func() bool { return m.Stats().Unapplied == 0 })
	}
	wantErr(t, "Close", m.Close())
	for i, left := range engine.after {
		wantWhole(t, fmt.Sprint("crash after Apply ", i), open(t, txnmgr.Options{Engine: left}), keys)
	}
}

// wantWhole checks that all keys have values of the same transaction.
func wantWhole(t *testing.T, when string, m *txnmgr.Manager, keys int) {
	t.Helper()
	found := make(map[string]int)
	wantErr(t, when, m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		for k := range keys {
			value := "nothing"
			if v, err := tx.Get(fmt.Append(nil, k)); err == nil {
				value = string(v[:1])
			}
			found[value]++
		}
		return nil
	}))
	if len(found) != 1 {
		t.Errorf("%s: %v keys have each value", when, found)
	}
}
