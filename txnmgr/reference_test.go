package txnmgr_test

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/internal/script"
	"github.com/tierceldb/tiercel/txnmgr"
)

// reference is the plainest store with the guarantees of a Manager: one mutex, a
// full copy of everything for each transaction, and for each key the number of
// the commit that last changed it. It says what a Manager must answer, conflicts
// included, and is slow.
type reference struct {
	mu      sync.Mutex
	commits uint64
	values  map[string]string
	changed map[string]uint64 // also for keys that are deleted now
}

func openReference(*testing.T) script.Store {
	return &reference{values: map[string]string{}, changed: map[string]uint64{}}
}

func (r *reference) Begin(how script.How) (script.Txn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &referenceTxn{
		store:    r,
		level:    how.Level,
		began:    r.commits,
		snapshot: maps.Clone(r.values),
		writes:   map[string]referenceWrite{},
		named:    map[string]int{},
	}, nil
}

func (r *reference) Purge()                   {}
func (r *reference) Outcome(err error) string { return outcome(err) }

// Counts is what is left when nobody is active: one version of each key (I10).
func (r *reference) Counts() (objects, versions int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.values)), int64(len(r.values))
}

// referenceTxn is a transaction of the reference store.
type referenceTxn struct {
	store    *reference
	level    string
	began    uint64 // the number of commits it sees
	snapshot map[string]string
	writes   map[string]referenceWrite
	read     []script.Range // what it has seen; a key is the range of that key alone
	saved    []map[string]referenceWrite
	named    map[string]int // where in saved
	done     bool
	stopped  error // what stopped a scan
}

// referenceWrite is a buffered write.
type referenceWrite struct {
	value   string
	deleted bool
}

// usable returns the error of a transaction that has ended, or cannot write.
func (t *referenceTxn) usable() error {
	if t.level == "read" {
		return errReadOnly
	}
	return t.open()
}

func (t *referenceTxn) open() error {
	if t.done {
		return txnmgr.ErrTxnDone
	}
	return nil
}

// only is the range that holds one key.
func only(key string) script.Range { return script.Range{Lo: key, Hi: key + "\x00"} }

func within(r script.Range, key string) bool {
	return key >= r.Lo && (r.Hi == "" || key < r.Hi)
}

func (t *referenceTxn) Get(key string) (string, error) {
	if err := t.open(); err != nil {
		return "", err
	}
	if w, own := t.writes[key]; own {
		if w.deleted {
			return "", txnmgr.ErrNotFound
		}
		return w.value, nil
	}
	t.read = append(t.read, only(key))
	value, found := t.snapshot[key]
	if !found {
		return "", txnmgr.ErrNotFound
	}
	return value, nil
}

func (t *referenceTxn) write(key string, w referenceWrite) error {
	if err := t.usable(); err != nil {
		return err
	}
	t.writes[key] = w
	return nil
}

func (t *referenceTxn) Put(key, value string) error {
	return t.write(key, referenceWrite{value: value})
}

func (t *referenceTxn) Delete(key string) error {
	return t.write(key, referenceWrite{deleted: true})
}

// Insert has seen that the key is absent, even if its write is taken back.
func (t *referenceTxn) Insert(key, value string) error {
	if err := t.usable(); err != nil {
		return err
	}
	if _, err := t.Get(key); err == nil {
		return txnmgr.ErrExists
	}
	return t.Put(key, value)
}

// Scan looks for the next key at each step, in the snapshot with the writes as
// they are then.
func (t *referenceTxn) Scan(r script.Range) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		rest := r
		for t.scannable() {
			key, value, found := t.first(rest)
			if !found {
				t.read = append(t.read, r)
				return
			}
			t.read = append(t.read, upTo(r, key))
			if !yield(key, value) {
				return
			}
			rest = behind(rest, key)
		}
	}
}

func (t *referenceTxn) scannable() bool {
	if err := t.open(); err != nil {
		t.stopped = err
		return false
	}
	return true
}

func (t *referenceTxn) Err() error { return t.stopped }

// first returns the first pair of a range, in its order.
func (t *referenceTxn) first(r script.Range) (key, value string, found bool) {
	view := maps.Clone(t.snapshot)
	for key, w := range t.writes {
		view[key] = w.value
		if w.deleted {
			delete(view, key)
		}
	}
	maps.DeleteFunc(view, func(key, _ string) bool { return !within(r, key) })
	if len(view) == 0 {
		return "", "", false
	}
	keys := slices.Sorted(maps.Keys(view))
	key = keys[0]
	if r.Order == script.Descending {
		key = keys[len(keys)-1]
	}
	return key, view[key], true
}

// upTo is the part of a range that is read once key is.
func upTo(r script.Range, key string) script.Range {
	if r.Order == script.Descending {
		r.Lo = key
	} else {
		r.Hi = key + "\x00"
	}
	return r
}

// behind is the part of a range that comes after key, in its order. There is no
// range before the empty key, so that is written as one that holds nothing.
func behind(r script.Range, key string) script.Range {
	switch {
	case r.Order == script.Ascending:
		r.Lo = key + "\x00"
	case key == "":
		r.Lo, r.Hi = "\x00", "\x00"
	default:
		r.Hi = key
	}
	return r
}

func (t *referenceTxn) Savepoint(name string) error {
	if t.level == "read" {
		return errReadOnly
	}
	t.saved = append(t.saved, maps.Clone(t.writes))
	t.named[name] = len(t.saved) - 1
	return nil
}

func (t *referenceTxn) RollbackTo(name string) error {
	if err := t.usable(); err != nil {
		return err
	}
	at, found := t.named[name]
	if !found {
		return txnmgr.ErrBadSavepoint
	}
	t.writes = maps.Clone(t.saved[at])
	t.saved = t.saved[:at+1]
	maps.DeleteFunc(t.named, func(_ string, i int) bool { return i > at })
	return nil
}

func (t *referenceTxn) Commit() error {
	if t.level == "read" {
		return t.Rollback()
	}
	if err := t.open(); err != nil {
		return err
	}
	t.done = true
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.conflicts() {
		return txnmgr.ErrConflict
	}
	t.apply()
	return nil
}

// conflicts applies the rules: a key written, and under Serializable a key or a
// range read, must not have been committed to since the snapshot. Who has
// written nothing never conflicts.
func (t *referenceTxn) conflicts() bool {
	if len(t.writes) == 0 {
		return false
	}
	for key, commit := range t.store.changed {
		if commit <= t.began {
			continue
		}
		if _, written := t.writes[key]; written {
			return true
		}
		seen := func(r script.Range) bool { return within(r, key) }
		if t.level == "serializable" && slices.ContainsFunc(t.read, seen) {
			return true
		}
	}
	return false
}

func (t *referenceTxn) apply() {
	t.store.commits++
	for key, w := range t.writes {
		t.store.changed[key] = t.store.commits
		t.store.values[key] = w.value
		if w.deleted {
			delete(t.store.values, key)
		}
	}
}

func (t *referenceTxn) Rollback() error {
	t.done = true
	return nil
}

var errReadOnly = errors.New("the transaction is read-only")
