package peer

import (
	"errors"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// pebbleStore is Pebble: a log-structured merge tree in Go, the store of
// CockroachDB. Its batches have no isolation; a client that nobody disturbs needs
// none.
type pebbleStore struct {
	db    *pebble.DB
	cache *pebble.Cache
}

// bitsPerKey of the Bloom filters: one lookup in a hundred is for nothing.
const bitsPerKey = 10

const (
	// memTables of the same size are filled before writes have to wait, so that
	// together they are as large as a log may become elsewhere.
	memTables = 4
	// inCache: the part of a small cache that a memtable may take.
	inCache = 8
)

// openPebble gives Pebble as much memory as others have: where that is scarce, all
// in all CacheBytes, else a cache, and memtables as large as a log.
func openPebble(c Config) (Store, error) {
	size, memTable := c.CacheBytes, c.CacheBytes/inCache
	if size == 0 {
		size, memTable = ample+c.log(), c.log()/memTables
	}
	cache := pebble.NewCache(size) // memtables are taken off it
	o := &pebble.Options{
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                uint64(memTable),
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                4096,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 3 },
		Logger:                      quietPebble{},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bitsPerKey)
	}
	db, err := pebble.Open(c.Dir, o)
	if err != nil {
		cache.Unref()
		return nil, err
	}
	return &pebbleStore{db, cache}, nil
}

// quietPebble says only why the process ends.
type quietPebble struct{}

// Infof says nothing.
func (quietPebble) Infof(string, ...any) {}

// Errorf says nothing: whoever called Pebble gets the error.
func (quietPebble) Errorf(string, ...any) {}

// Fatalf ends the process.
func (quietPebble) Fatalf(format string, args ...any) { pebble.DefaultLogger.Fatalf(format, args...) }

// pebbleTx reads what is committed and writes into a batch.
type pebbleTx struct {
	db    *pebble.DB
	batch *pebble.Batch
	open  io.Closer // of the value that was returned last
}

// Get reads what was committed before.
func (t *pebbleTx) Get(key []byte) ([]byte, error) {
	if err := t.release(); err != nil {
		return nil, err
	}
	value, closer, err := t.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, ErrNotFound
	}
	t.open = closer
	return value, err
}

// Put adds to the batch.
func (t *pebbleTx) Put(key, value []byte) error { return t.batch.Set(key, value, nil) }

func (t *pebbleTx) release() error {
	if t.open == nil {
		return nil
	}
	closer := t.open
	t.open = nil
	return closer.Close()
}

// Update commits a batch and syncs it.
func (s *pebbleStore) Update(fn func(tx Tx) error) error {
	tx := pebbleTx{db: s.db, batch: s.db.NewBatch()}
	if err := errors.Join(fn(&tx), tx.release()); err != nil {
		return errors.Join(err, tx.batch.Close())
	}
	return errors.Join(tx.batch.Commit(pebble.Sync), tx.batch.Close())
}

// Select reads in a snapshot.
func (s *pebbleStore) Select(key []byte, look func(value []byte)) error {
	snapshot := s.db.NewSnapshot()
	value, closer, err := snapshot.Get(key)
	if err != nil {
		snapshot.Close()
		return err
	}
	look(value)
	if err := closer.Close(); err != nil {
		snapshot.Close()
		return err
	}
	return snapshot.Close()
}

// Rest returns when the memtables are written and nothing is being compacted.
func (s *pebbleStore) Rest() error {
	if err := s.db.Flush(); err != nil {
		return err
	}
	for s.db.Metrics().Compact.NumInProgress > 0 {
		time.Sleep(look)
	}
	return nil
}

// Close closes the database and gives its cache up.
func (s *pebbleStore) Close() error {
	defer s.cache.Unref()
	return s.db.Close()
}
