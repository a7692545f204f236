package locking

import (
	"context"
	"errors"

	"github.com/tierceldb/tiercel/txnmgr"
)

// database is the library of the textbook; every call is a transaction. Contexts
// are such as cannot be cancelled, which cost nothing to look at.
type database struct{ m *txnmgr.Manager }

// fetch returns the data of a record, or nil.
func (d database) fetch(key []byte) ([]byte, error) {
	tx, err := d.m.BeginRead(context.Background())
	if err != nil {
		return nil, err
	}
	defer tx.Close()
	data, err := tx.Get(key)
	if errors.Is(err, txnmgr.ErrNotFound) {
		return nil, nil
	}
	return data, err
}

// insert stores a record, unless it is there already.
func (d database) insert(key, data []byte) (stored bool, err error) {
	return d.change(key, absent, func(tx *txnmgr.Txn) error { return tx.Put(key, data) })
}

// replace stores a record if it is there already.
func (d database) replace(key, data []byte) (stored bool, err error) {
	return d.change(key, present, func(tx *txnmgr.Txn) error { return tx.Put(key, data) })
}

// remove deletes a record, if it is there.
func (d database) remove(key []byte) (removed bool, err error) {
	return d.change(key, present, func(tx *txnmgr.Txn) error { return tx.Delete(key) })
}

// state is whether a record is there.
type state int

const (
	absent state = iota
	present
)

// change locks a record and writes it if its state is as expected.
func (d database) change(key []byte, expected state, write func(*txnmgr.Txn) error) (bool, error) {
	tx, err := d.m.Begin(context.Background())
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if err := tx.Lock(context.Background(), key, txnmgr.ForUpdate); err != nil {
		return false, err
	}
	found := present
	if _, err := tx.Get(key); errors.Is(err, txnmgr.ErrNotFound) {
		found = absent
	} else if err != nil {
		return false, err
	}
	if found != expected {
		return false, tx.Rollback()
	}
	if err := write(tx); err != nil {
		return false, err
	}
	return true, tx.Commit()
}
