package peer

import (
	"cmp"
	"errors"
	"time"
)

var (
	// ErrNotFound says that there is no object with the key.
	ErrNotFound = errors.New("no such object")
	// ErrNoObjects says that the limit has no objects, only a log.
	ErrNoObjects = errors.New("the bare log has no objects")
)

// Store is a store to be measured. Many goroutines use it at once.
type Store interface {
	// Update runs a transaction, and returns when it would survive a crash. Stores
	// that combine transactions may run fn again, after a failure of another one.
	Update(fn func(tx Tx) error) error

	// Select gets one object in a read-only transaction of its own, and calls look
	// with its value, which is valid during the call only.
	Select(key []byte, look func(value []byte)) error

	// Rest returns when what the store does by itself after transactions is done: it
	// is as it would be after a while without any.
	Rest() error

	// Close is for when nobody uses the store any more.
	Close() error
}

// Tx is a transaction that writes.
type Tx interface {
	// Get returns the value of an object, valid until the next call of any method,
	// or ErrNotFound, or ErrNoObjects.
	Get(key []byte) ([]byte, error)
	// Put sets the value of an object.
	Put(key, value []byte) error
}

// Config says how a store will be used.
type Config struct {
	Dir        string // an empty folder of its own, or one that the store was in before
	Clients    int    // how many call Update at the same time
	CacheBytes int64  // memory for caches and write buffers; 0: as much as makes sense
	LogBytes   int64  // how much may be committed that is in a log and in memory only; 0: 256 MiB
}

// ample is the memory of a store that need not save any, and so long is a log.
const ample = 256 << 20

// look is how long to wait before looking again whether a store is at rest.
const look = 10 * time.Millisecond

func (c Config) cache() int64 { return cmp.Or(c.CacheBytes, ample) }

func (c Config) log() int64 { return cmp.Or(c.LogBytes, ample) }

// Contestant is a kind of store.
type Contestant struct {
	Name string                      // as in tables and on the command line
	Open func(Config) (Store, error) // what is in the folder, if anything is
}

// The names of the contestants.
const (
	Limit   = "limit"
	Tiercel = "tiercel"
	Pebble  = "pebble"
	Badger  = "badger"
	Bbolt   = "bbolt"
)

// All lists the contestants, the limit first.
func All() []Contestant {
	return []Contestant{
		{Limit, openLimit},
		{Tiercel, openTiercel},
		{Pebble, openPebble},
		{Badger, openBadger},
		{Bbolt, openBbolt},
	}
}

// Named returns a contestant, or false if there is none of that name.
func Named(name string) (Contestant, bool) {
	for _, c := range All() {
		if c.Name == name {
			return c, true
		}
	}
	return Contestant{}, false
}
