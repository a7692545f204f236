package peer

import (
	"context"
	"errors"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// tiercelStore is Tiercel, with the isolation and durability that it has unless told
// otherwise: serializable, and on the disk.
type tiercelStore struct{ m *txnmgr.Manager }

func openTiercel(c Config) (Store, error) {
	m, err := txnmgr.Open(context.Background(), txnmgr.Options{Dir: c.Dir, CacheBytes: c.cache(), LogBytes: c.log()})
	if err != nil {
		return nil, err
	}
	return tiercelStore{m}, nil
}

type tiercelTx struct{ tx *txnmgr.Txn }

// Get reads at the transaction's snapshot.
func (t tiercelTx) Get(key []byte) ([]byte, error) {
	value, err := t.tx.Get(key)
	if errors.Is(err, txnmgr.ErrNotFound) {
		return nil, ErrNotFound
	}
	return value, err
}

// Put writes at the commit.
func (t tiercelTx) Put(key, value []byte) error { return t.tx.Put(key, value) }

// Update runs a transaction.
func (s tiercelStore) Update(fn func(tx Tx) error) error {
	return s.m.Update(context.Background(), func(tx *txnmgr.Txn) error { return fn(tiercelTx{tx}) })
}

// Select runs a read-only transaction.
func (s tiercelStore) Select(key []byte, look func(value []byte)) error {
	return s.m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		value, err := tx.Get(key)
		if err != nil {
			return err
		}
		look(value)
		return nil
	})
}

// Rest returns when everything is in the object store.
func (s tiercelStore) Rest() error {
	for {
		st := s.m.Stats()
		if st.Failure != nil || st.Unapplied == 0 {
			return st.Failure
		}
		time.Sleep(look)
	}
}

// Close closes the manager.
func (s tiercelStore) Close() error { return s.m.Close() }
