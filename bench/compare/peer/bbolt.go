package peer

import (
	"path/filepath"

	"go.etcd.io/bbolt"
)

// bboltStore is bbolt: a B+ tree in one file, copied on write, with one writer at a
// time. Its Batch combines what many clients want into one transaction.
type bboltStore struct {
	db     *bbolt.DB
	update func(func(*bbolt.Tx) error) error
}

// bucket is the name of the one bucket.
const bucket = "objects"

// openBbolt lets a batch begin as soon as all clients wait for it.
func openBbolt(c Config) (Store, error) {
	db, err := bbolt.Open(filepath.Join(c.Dir, "bbolt.db"), 0o600, &bbolt.Options{
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: 1 << 30,
	})
	if err != nil {
		return nil, err
	}
	db.MaxBatchSize = c.Clients
	s := bboltStore{db, db.Update}
	if c.Clients > 1 {
		s.update = db.Batch
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte(bucket))
		return err
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

type bboltTx struct{ bucket *bbolt.Bucket }

// Get reads from the tree.
func (t bboltTx) Get(key []byte) ([]byte, error) {
	value := t.bucket.Get(key)
	if value == nil {
		return nil, ErrNotFound
	}
	return value, nil
}

// Put writes into the tree, which keeps the value until the commit: with others of
// a batch, after fn has returned, so that it has to be one of its own.
func (t bboltTx) Put(key, value []byte) error {
	return t.bucket.Put(key, append([]byte(nil), value...))
}

// Update runs a transaction, in a batch if there are several clients.
func (s bboltStore) Update(fn func(tx Tx) error) error {
	return s.update(func(tx *bbolt.Tx) error { return fn(bboltTx{tx.Bucket([]byte(bucket))}) })
}

// Select runs a read-only transaction.
func (s bboltStore) Select(key []byte, look func(value []byte)) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		value := tx.Bucket([]byte(bucket)).Get(key)
		if value == nil {
			return ErrNotFound
		}
		look(value)
		return nil
	})
}

// Rest returns at once: bbolt does nothing by itself.
func (bboltStore) Rest() error { return nil }

// Close closes the file.
func (s bboltStore) Close() error { return s.db.Close() }
