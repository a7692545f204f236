// Package pebblestore is the storage.Engine of a durable store: a Pebble database
// (github.com/cockroachdb/pebble), a tree of sorted tables, in a directory.
//
// The database has no log of its own, for the commit log is one. What is applied is
// in memory first, in a memtable, and survives a crash once the memtable has been
// written to a table. The mark is written like a key, in the same batch as the
// changes, and memtables become tables in the order in which they were filled, so
// what a crash leaves is what was applied up to some Apply.
//
// Errors of the file system. A table that cannot be written, because the disk is
// full for example, is written again until it works: meanwhile Apply goes on, and
// waits when too much is in memory (Options.MemTableBytes), Sync returns the error,
// and Stats has it. An error with any of the other files is the end of writing: see
// ErrFailed. Reading goes on in both cases, and Close never waits for a file system
// that does not work.
package pebblestore

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage"
)

// Store is an open database.
type Store struct {
	db      *pebble.DB
	guard   *guard
	events  *events
	sampler *sampler
	options Options

	keys sync.Pool // of *[]byte: keys as they are stored, while one is looked up

	mark      atomic.Pointer[storage.Mark]
	refreshes sync.Mutex // one refresh of what follows at a time
	_         pad.Align64
	persisted atomic.Uint64
	_         pad.Align64
	seen      atomic.Uint64 // events.flushes at the last refresh
	_         pad.Align64
	flushed   atomic.Uint64 // number of the last Apply that is in tables
	_         pad.Align64
	applies   atomic.Uint64 // number of the last Apply that was not refused
	_         pad.Align64
	synced    atomic.Uint64 // applies at the start of a Sync that is through

	// calls is held by every call that may wait or that looks at more than one key,
	// shared, and by Close.
	calls   sync.RWMutex
	closed  atomic.Bool
	closing chan struct{} // closed when Close begins
	once    sync.Once

	publishing sync.Mutex // held while a batch becomes visible, and at the start of a flush

	backlog backlog
	_       pad.Align64
	stalls  atomic.Uint64 // times that Apply waited
}

var _ storage.Engine = (*Store)(nil)

// Open opens the database in a directory, or makes one. Only one process can have
// it open: the error for any other, or for a second Open in this one, matches
// fsys.ErrLocked.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	dir, err := resolve(opts.FS, dir)
	if err == nil {
		err = check(opts.FS, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("pebblestore: open %s: %w", dir, err)
	}
	s := &Store{options: opts, guard: newGuard(opts.FS), closing: make(chan struct{})}
	s.events, s.sampler = newEvents(s.guard), newSampler()
	s.backlog.grain = opts.MemTableBytes / 16
	s.keys.New = func() any { return new([]byte) }
	if err := s.open(dir); err != nil {
		return nil, fmt.Errorf("pebblestore: open %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) open(dir string) (err error) {
	p := s.options.pebble(s.guard)
	p.Logger, p.EventListener = logger{s.guard}, s.events.listener()
	if s.db, err = openPebble(dir, p); err != nil {
		return errors.Join(s.guard.cause(), err)
	}
	s.sampler.sample(s.db)
	go s.sampler.run(s)
	s.guard.arm()
	if err = s.guard.cause(); err == nil {
		err = s.readMark()
	}
	if err != nil {
		s.Close() // err is what counts
	}
	return err
}

// openPebble turns a panic into an error: a damaged file that no checksum covers
// can bring Pebble that far.
func openPebble(dir string, p *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("%w: panic: %v", ErrCorrupt, r)
		}
	}()
	db, err = pebble.Open(dir, p)
	return db, incomplete(err)
}

// readMark finds out what survived.
func (s *Store) readMark() error {
	m, err := loadMark(s.db, nil)
	if err != nil {
		return err
	}
	s.mark.Store(&m.mark)
	s.persisted.Store(m.mark.Applied)
	s.flushed.Store(m.number)
	s.applies.Store(m.number)
	s.synced.Store(m.number)
	return nil
}

// loadMark reads the mark, which a database that is not empty must have.
func loadMark(db *pebble.DB, opts *pebble.IterOptions) (m numbered, err error) {
	it, err := db.NewIter(opts)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.First() {
		return m, corrupt(it.Error())
	}
	if key := it.Key(); len(key) != 1 || key[0] != markByte {
		return m, fmt.Errorf("%w: it has a key %.40q, but no mark", ErrVersion, key)
	}
	stored, err := it.ValueAndErr()
	if err != nil {
		return m, corrupt(err)
	}
	return splitMark(stored)
}

// Mark returns the mark of the last Apply, or of the last that survived when the
// store was opened.
func (s *Store) Mark() storage.Mark { return *s.mark.Load() }

// Load is Pebble's Get: found gets the value where Pebble has it.
func (s *Store) Load(key []byte, found func(value []byte, ts uint64)) error {
	if s.closed.Load() {
		return ErrClosed
	}
	stored := s.keys.Get().(*[]byte)
	*stored = appendKey((*stored)[:0], key)
	err := s.load(*stored, found)
	s.keys.Put(stored)
	return err
}

func (s *Store) load(stored []byte, found func(value []byte, ts uint64)) error {
	got, closer, err := s.db.Get(stored)
	if err == pebble.ErrNotFound { //nolint:errorlint // it is never wrapped, and this is the fast path
		return nil
	}
	if err != nil {
		return corrupt(err)
	}
	value, ts, err := splitValue(got)
	if err == nil {
		found(value, ts)
	}
	if closing := closer.Close(); err == nil {
		err = closing
	}
	return err
}

// Close gives up what is in memory only, and waits for nothing but what is being
// written to tables, if that can be written. It returns the failure that ended
// writing, if one did. Calling it again does nothing.
func (s *Store) Close() (err error) {
	s.once.Do(func() {
		close(s.closing)
		s.guard.release()
		s.calls.Lock()
		defer s.calls.Unlock()
		<-s.sampler.ended
		s.sampler.closeSnapshots()
		s.closed.Store(true)
		err = s.db.Close()
		if failure := s.guard.err(); failure != nil {
			// What Pebble misses after that follows from it.
			err = failure
		}
	})
	return err
}
