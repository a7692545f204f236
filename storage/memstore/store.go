// Package memstore is a storage.Engine in memory. What is in it is gone with the
// process; what a crash would leave behind can be asked for all the same (Crash),
// so that whatever keeps its data in an engine can be tested against the loss of
// what the engine had not yet made durable.
package memstore

import (
	"bytes"
	"errors"
	"sync"

	"github.com/tidwall/btree"

	"github.com/tierceldb/tiercel/storage"
)

// ErrClosed is what a closed engine says.
var ErrClosed = errors.New("memstore: closed")

// Options are how an engine is opened. The zero value is an engine that loses
// nothing.
type Options struct {
	// PersistEvery is after how many calls of Apply what was applied would survive a
	// crash: 0 and 1 are at once, 10 at each tenth. Below 0 it never does by itself,
	// so that only Sync makes it.
	PersistEvery int
}

// Store is the engine. A tree in which a write copies the nodes it changes is
// behind one lock, so that a scan and a crash take what they need by copying the
// root.
type Store struct {
	every int

	mu       sync.RWMutex // protects following fields
	now      state
	kept     state // what a crash would leave
	unkept   int   // calls of Apply since
	isClosed bool
}

var _ storage.Engine = (*Store)(nil)

// state is the content after some Apply.
type state struct {
	tree *btree.BTreeG[entry]
	mark storage.Mark
}

// entry is what is stored for a key. The slices are never modified.
type entry struct {
	key, value []byte
	ts         uint64
}

func less(a, b entry) bool { return bytes.Compare(a.key, b.key) < 0 }

// Open makes an empty engine.
func Open(opts Options) *Store {
	tree := btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
	return from(state{tree: tree}, max(opts.PersistEvery, -1))
}

// from makes an engine that goes on from a state that nobody else writes to.
func from(s state, every int) *Store {
	return &Store{every: every, now: s, kept: s.copy()}
}

func (s state) copy() state { return state{tree: s.tree.Copy(), mark: s.mark} }

// Crash returns another engine, with the same options, that has what would have
// survived if the machine had stopped now, or when the engine was closed. This one
// is not changed by it.
func (s *Store) Crash() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return from(s.kept.copy(), s.every)
}

// Mark returns the mark of the last Apply.
func (s *Store) Mark() storage.Mark {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.now.mark
}

// Persisted returns the applied timestamp that Crash would go back to.
func (s *Store) Persisted() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kept.mark.Applied
}

// Sync lets Crash keep everything that was applied.
func (s *Store) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return ErrClosed
	}
	s.keep()
	return nil
}

// keep makes the content survive. The lock is held.
func (s *Store) keep() { s.kept, s.unkept = s.now.copy(), 0 }

// Apply copies the keys and values.
func (s *Store) Apply(changes []storage.Change, mark storage.Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return ErrClosed
	}
	for i := range changes {
		s.now.apply(&changes[i])
	}
	s.now.mark = mark
	if s.unkept++; s.every >= 0 && s.unkept >= s.every {
		s.keep()
	}
	return nil
}

func (s *state) apply(c *storage.Change) {
	if c.Delete {
		s.tree.Delete(entry{key: c.Key})
		return
	}
	s.tree.Set(entry{key: bytes.Clone(c.Key), value: bytes.Clone(c.Value), ts: c.TS})
}

// Load calls found outside the lock: what was found is never modified.
func (s *Store) Load(key []byte, found func(value []byte, ts uint64)) error {
	s.mu.RLock()
	e, ok := s.now.tree.Get(entry{key: key})
	closed := s.isClosed
	s.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	if ok {
		found(e.value, e.ts)
	}
	return nil
}

// Close keeps what would survive for Crash, and nothing else.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isClosed = true
	s.now = s.kept.copy()
	return nil
}
