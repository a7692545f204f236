package mix

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"time"
)

var (
	errLocked = errors.New("locked")
	errStuck  = errors.New("stuck")
)

// attempts is how often a lock is tried before its transaction is taken for stuck.
const attempts = 300

// excludes reports whether two transactions cannot have a key in these modes at once.
func excludes(a, b Mode) bool {
	switch min(a, b) {
	case KeyShare:
		return max(a, b) == Update
	case Share:
		return max(a, b) > Share
	}
	return true
}

// tryLock locks a key, unless others hold it. before is the mode in which t held it,
// less than any if it did not.
func (s *naive) tryLock(t *naiveTxn, k string, mode Mode) (before Mode, locked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, held := range s.locks[k] {
		if other != t && excludes(held, mode) && s.bug != barge {
			return 0, false
		}
	}
	before, held := s.locks[k][t]
	if !held {
		before = -1
	}
	if s.locks[k] == nil {
		s.locks[k] = map[*naiveTxn]Mode{}
	}
	s.locks[k][t] = max(before, mode)
	return before, true
}

// lower takes a key back to the mode in which t held it before.
func (s *naive) lower(t *naiveTxn, k string, before Mode) {
	if s.locks[k][t] = before; before < 0 {
		delete(s.locks[k], t)
	}
}

// acquire locks a key, and tries for a while if it is to wait.
func (t *naiveTxn) acquire(k string, l Lock) (before Mode, err error) {
	for range attempts {
		before, locked := t.store.tryLock(t, k, l.Mode)
		if locked {
			return before, nil
		}
		if l.Patience != 0 {
			return 0, errLocked
		}
		runtime.Gosched()
	}
	t.Close()
	return 0, errStuck
}

// release lets go of everything.
func (t *naiveTxn) release() {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	for k := range t.store.locks {
		delete(t.store.locks[k], t)
	}
	if t.store.prepared == t {
		t.store.prepared = nil
	}
}

func (t *naiveTxn) Lock(key []byte, l Lock) error {
	if err := t.Err(); err != nil {
		return err
	}
	k := string(key)
	before, err := t.acquire(k, l)
	if err != nil {
		return err
	}
	s := t.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.observed && len(t.written) == 0 {
		t.snapshot, t.values = s.last, maps.Clone(s.values)
	}
	if s.changed[k] > t.snapshot {
		s.lower(t, k, before)
		return errConflict
	}
	return nil
}

func (t *naiveTxn) GetForUpdate(key []byte, l Lock) ([]byte, error) {
	if err := t.Lock(key, l); err != nil {
		return nil, err
	}
	return t.Get(key)
}

// vote locks what is written, and waits until nothing is prepared. It returns with
// the store's mutex held.
func (t *naiveTxn) vote() error {
	for _, k := range slices.Sorted(maps.Keys(t.written)) {
		if _, err := t.acquire(k, Lock{Mode: Update}); err != nil {
			return err
		}
	}
	s := t.store
	s.mu.Lock()
	for s.prepared != nil && s.bug != unprotected {
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	return nil
}

// Prepare keeps all others from committing; the limit is never reached.
func (t *naiveTxn) Prepare(xid string, _ time.Duration) error {
	if err := t.Err(); err != nil {
		return err
	}
	if err := t.vote(); err != nil {
		return err
	}
	s := t.store
	clashes := t.conflicts()
	if !clashes {
		t.voted = true
		s.prepared, s.byXID[xid] = t, t
	}
	s.mu.Unlock()
	if clashes {
		t.Close()
		return errConflict
	}
	return nil
}

func (t *naiveTxn) take(xid string) *naiveTxn {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	p := t.store.byXID[xid]
	delete(t.store.byXID, xid)
	return p
}

func (t *naiveTxn) CommitPrepared(xid string) error   { return t.take(xid).Commit() }
func (t *naiveTxn) RollbackPrepared(xid string) error { return t.take(xid).Close() }
