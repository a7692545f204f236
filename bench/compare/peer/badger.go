package peer

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// badgerStore is Badger: a log-structured merge tree in Go with serializable
// transactions.
type badgerStore struct{ db *badger.DB }

// openBadger leaves all but the syncs and the cache at the defaults.
func openBadger(c Config) (Store, error) {
	o := badger.DefaultOptions(c.Dir).WithSyncWrites(true).WithLogger(nil).WithMetricsEnabled(false)
	if c.CacheBytes > 0 {
		o = o.WithBlockCacheSize(c.CacheBytes)
	}
	db, err := badger.Open(o)
	if err != nil {
		return nil, err
	}
	return badgerStore{db}, nil
}

type badgerTx struct{ txn *badger.Txn }

// Get reads at the transaction's snapshot.
func (t badgerTx) Get(key []byte) ([]byte, error) {
	item, err := t.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// Put writes at the commit. Badger keeps the slices until then, and the client
// writes into them again.
func (t badgerTx) Put(key, value []byte) error {
	kept := make([]byte, len(key)+len(value))
	n := copy(kept, key)
	copy(kept[n:], value)
	return t.txn.Set(kept[:n:n], kept[n:])
}

// Update runs a transaction.
func (s badgerStore) Update(fn func(tx Tx) error) error {
	return s.db.Update(func(txn *badger.Txn) error { return fn(badgerTx{txn}) })
}

// Select runs a read-only transaction.
func (s badgerStore) Select(key []byte, look func(value []byte)) error {
	return s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if err != nil {
			return err
		}
		return item.Value(func(value []byte) error {
			look(value)
			return nil
		})
	})
}

// Rest returns at once: Badger does not tell what it is busy with.
func (badgerStore) Rest() error { return nil }

// Close closes the database.
func (s badgerStore) Close() error { return s.db.Close() }
