package script

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
)

var (
	errAbsent    = errors.New("absent")
	errExists    = errors.New("exists")
	errDone      = errors.New("done")
	errSavepoint = errors.New("no savepoint")
	errLevel     = errors.New("no such level")
	errLocked    = errors.New("locked")
	errTimeout   = errors.New("timeout")
	errUnknown   = errors.New("unknown xid")
)

// lockedStore is the plainest store that makes transactions wait: one lock, held
// by a transaction from its first write to its end.
type lockedStore struct {
	idle chan struct{} // holds one while nobody holds the lock

	mu       sync.Mutex // protects following fields
	holder   string
	values   map[string]string
	prepared map[string]*lockedTxn
}

func newLockedStore() *lockedStore {
	s := &lockedStore{idle: make(chan struct{}, 1), values: map[string]string{}, prepared: map[string]*lockedTxn{}}
	s.idle <- struct{}{}
	return s
}

func (s *lockedStore) Begin(how How) (Txn, error) {
	if how.Level == "bogus" {
		return nil, errLevel
	}
	t := &lockedTxn{store: s, name: how.Name, ctx: how.Ctx, savepoints: map[string]map[string]string{}}
	if how.Timeout > 0 {
		t.deadline = time.Now().Add(how.Timeout)
	}
	return t, nil
}

func (s *lockedStore) Locks() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holder
}

func (s *lockedStore) Prepared() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(slices.Sorted(maps.Keys(s.prepared)))
}

func (s *lockedStore) CommitPrepared(xid string) error   { return s.finish(xid, (*lockedTxn).Commit) }
func (s *lockedStore) RollbackPrepared(xid string) error { return s.finish(xid, (*lockedTxn).Rollback) }

func (s *lockedStore) finish(xid string, end func(*lockedTxn) error) error {
	s.mu.Lock()
	t := s.prepared[xid]
	delete(s.prepared, xid)
	s.mu.Unlock()
	if t == nil {
		return errUnknown
	}
	return end(t)
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
	name       string
	ctx        context.Context
	deadline   time.Time
	before     map[string]string // nil until the first write
	savepoints map[string]map[string]string
	done       bool
}

// own waits for the lock.
func (t *lockedTxn) own(ctx context.Context, l Lock) error {
	if t.before != nil {
		return nil
	}
	late := make(<-chan time.Time)
	switch {
	case l.Patience == UntilTimeout:
		late = time.After(l.Timeout)
	case l.Patience != Wait && t.store.Locks() != "":
		return errLocked
	}
	select {
	case <-t.store.idle:
	case <-late:
		return errTimeout
	case <-ctx.Done():
		return ctx.Err()
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	t.store.holder = t.name
	t.before = maps.Clone(t.store.values)
	return nil
}

func (t *lockedTxn) over() bool {
	return t.done || !t.deadline.IsZero() && !time.Now().Before(t.deadline)
}

func (t *lockedTxn) Lock(ctx context.Context, _ string, l Lock) error {
	if t.over() {
		return errDone
	}
	return t.own(ctx, l)
}

func (t *lockedTxn) GetForUpdate(ctx context.Context, key string, l Lock) (string, error) {
	if err := t.Lock(ctx, key, l); err != nil {
		return "", err
	}
	return t.Get(key)
}

func (t *lockedTxn) Prepare(ctx context.Context, xid string, limit time.Duration) error {
	if err := t.own(ctx, Lock{}); err != nil {
		return err
	}
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	t.store.prepared[xid] = t
	if limit > 0 {
		time.AfterFunc(limit, func() { t.store.RollbackPrepared(xid) })
	}
	return nil
}

func (t *lockedTxn) write(change func(values map[string]string) error) error {
	if err := t.Lock(context.Background(), "", Lock{}); err != nil {
		return err
	}
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
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
		t.store.holder = ""
		t.store.idle <- struct{}{}
	}
	return nil
}
