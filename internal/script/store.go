package script

import (
	"context"
	"iter"
	"time"
)

// Store is what a script runs on.
type Store interface {
	// Begin starts a transaction.
	Begin(how How) (Txn, error)
	// Purge removes every version that nobody can see.
	Purge()
	// Counts returns how many objects and versions the store holds.
	Counts() (objects, versions int64)
	// Outcome returns the word by which scripts call an error.
	Outcome(err error) string
}

// How says how a transaction is to begin.
type How struct {
	Ctx     context.Context
	Name    string        // by which the script calls it
	Level   string        // what levels there are is the store's affair
	Timeout time.Duration // 0: none
}

// Txn is one transaction of a Store. All its methods are called from one goroutine,
// and Rollback also after the transaction ended.
type Txn interface {
	Get(key string) (string, error)
	Put(key, value string) error
	Insert(key, value string) error
	Delete(key string) error
	Scan(r Range) iter.Seq2[string, string]
	Err() error // the error that stopped a Scan
	Savepoint(name string) error
	RollbackTo(name string) error
	Commit() error
	Rollback() error
}

// Range is what a scan step asks for.
type Range struct {
	Lo, Hi string // Lo <= key < Hi; an empty Hi means to the end
	Order  Order
}

// Order is the direction of a scan.
type Order int

// The two directions: smallest key first, and greatest key first.
const (
	Ascending Order = iota
	Descending
)
