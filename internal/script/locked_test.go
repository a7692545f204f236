package script

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
)

var (
	errAbsent    = errors.New("absent")
	errExists    = errors.New("exists")
	errDone      = errors.New("done")
	errSavepoint = errors.New("no savepoint")
	errLevel     = errors.New("no such level")
)

// lockedStore is the plainest store that makes transactions wait: one lock, held
// by a transaction from its first write to its end.
type lockedStore struct {
	mu     sync.Mutex
	idle   *sync.Cond // the lock was given back
	locked bool
	values map[string]string
}

func newLockedStore() *lockedStore {
	s := &lockedStore{values: map[string]string{}}
	s.idle = sync.NewCond(&s.mu)
	return s
}

func (s *lockedStore) Begin(level string) (Txn, error) {
	if level == "bogus" {
		return nil, errLevel
	}
	return &lockedTxn{store: s, savepoints: map[string]map[string]string{}}, nil
}

func (s *lockedStore) Purge()                   {}
func (s *lockedStore) Outcome(err error) string { return err.Error() }

func (s *lockedStore) Counts() (objects, versions int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.values)), int64(len(s.values))
}

// lockedTxn writes in place and remembers what was there before.
type lockedTxn struct {
	store      *lockedStore
	before     map[string]string // nil until the first write
	savepoints map[string]map[string]string
	done       bool
}

// own waits for the lock.
func (t *lockedTxn) own() {
	if t.before != nil {
		return
	}
	for t.store.locked {
		t.store.idle.Wait()
	}
	t.store.locked = true
	t.before = maps.Clone(t.store.values)
}

func (t *lockedTxn) write(change func(values map[string]string) error) error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.done {
		return errDone
	}
	t.own()
	return change(t.store.values)
}

func (t *lockedTxn) Get(key string) (string, error) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	value, found := t.store.values[key]
	if !found {
		return "", errAbsent
	}
	return value, nil
}

func (t *lockedTxn) Put(key, value string) error {
	return t.write(func(values map[string]string) error {
		values[key] = value
		return nil
	})
}

func (t *lockedTxn) Insert(key, value string) error {
	return t.write(func(values map[string]string) error {
		if _, found := values[key]; found {
			return errExists
		}
		values[key] = value
		return nil
	})
}

func (t *lockedTxn) Delete(key string) error {
	return t.write(func(values map[string]string) error {
		delete(values, key)
		return nil
	})
}

// Scan looks for the next key at each step, so that it sees every write ahead of it.
func (t *lockedTxn) Scan(r Range) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for key, found := t.next(r); found; key, found = t.next(r) {
			if !yield(key, t.store.values[key]) {
				return
			}
			if r.Order == Ascending {
				r.Lo = key + "\x00"
			} else {
				r.Hi = key
			}
		}
	}
}

// next returns the first key of a range, in its order.
func (t *lockedTxn) next(r Range) (string, bool) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	var keys []string
	for key := range t.store.values {
		if key >= r.Lo && (r.Hi == "" || key < r.Hi) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return "", false
	}
	if r.Order == Descending {
		return slices.Max(keys), true
	}
	return slices.Min(keys), true
}

func (t *lockedTxn) Err() error { return nil }

func (t *lockedTxn) Savepoint(name string) error {
	return t.write(func(values map[string]string) error {
		t.savepoints[name] = maps.Clone(values)
		return nil
	})
}

func (t *lockedTxn) RollbackTo(name string) error {
	return t.write(func(map[string]string) error {
		saved, found := t.savepoints[name]
		if !found {
			return errSavepoint
		}
		t.store.values = maps.Clone(saved)
		return nil
	})
}

func (t *lockedTxn) Commit() error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	return t.end()
}

func (t *lockedTxn) Rollback() error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if !t.done && t.before != nil {
		t.store.values = t.before
	}
	t.end()
	return nil
}

func (t *lockedTxn) end() error {
	if t.done {
		return errDone
	}
	t.done = true
	if t.before != nil {
		t.store.locked = false
		t.store.idle.Signal()
	}
	return nil
}
