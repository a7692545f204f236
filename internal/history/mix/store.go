package mix

import (
	"context"
	"iter"
	"time"

	"github.com/tierceldb/tiercel/internal/history"
)

// Store is what the transactions run on.
type Store interface {
	Begin(ctx context.Context, how How) (Writer, error)
	BeginRead(ctx context.Context, how How) (Reader, error)
	// Update runs fn in an update transaction and commits it, again and again while
	// there are conflicts.
	Update(ctx context.Context, how How, fn func(Writer) error) error
	// Judge says what an error of the store means.
	Judge(err error) Meaning
}

// How says how a transaction is to be run.
type How struct {
	Level   history.Level
	Timeout time.Duration // 0: none
}

// Reader is a transaction that reads. Its methods are those of txnmgr.Reader.
type Reader interface {
	Get(key []byte) ([]byte, error)
	Scan(lo, hi []byte) iter.Seq2[[]byte, []byte]
	ScanDescending(lo, hi []byte) iter.Seq2[[]byte, []byte]
	Err() error
	Snapshot() uint64
	// Close ends the transaction without effects.
	Close() error
}

// Writer is an update transaction. Its methods are those of txnmgr.Txn, but for
// Savepoint, which returns what rolls back to it.
type Writer interface {
	Reader
	Put(key, value []byte) error
	Insert(key, value []byte) error
	Delete(key []byte) error
	Savepoint() (rollBack func() error)
	Commit() error
	OnCommit(fn func(commitTS uint64))
}

// Meaning is what an error of a store means.
type Meaning int

// The meanings.
const (
	Unexpected Meaning = iota
	NotFound           // the key has no value
	Exists             // the key has a value
	Conflict           // the transaction was rolled back, and may be tried again; after a Lock it is open
	Deadlock           // the transaction was rolled back, and may be tried again
	Locked             // others hold the lock, and it was not to wait; the transaction is open
	Ended              // the transaction was ended from outside
	Closed             // so was the store
)
