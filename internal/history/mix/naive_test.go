package mix

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/tierceldb/tiercel/internal/history"
)

// naive is a store with one mutex and a full copy for every transaction. It is
// right, unless a bug is put into it.
type naive struct {
	mu      sync.Mutex // protects following fields
	last    uint64
	values  map[string][]byte
	changed map[string]uint64 // by key: the commit that last changed it
	old     map[string][]byte // some earlier values
	bug     bug

	locks    map[string]map[*naiveTxn]Mode
	prepared *naiveTxn
	byXID    map[string]*naiveTxn
}

// bug is what stores have been known to do.
type bug int

const (
	noBug             bug = iota
	noConflicts           // who commits last wins
	noReadValidation      // reads may have changed at commit
	noRangeValidation     // ranges may have
	dirtyRead             // what is not committed yet is seen
	staleBegin            // some snapshots are old
	tornCommit            // a commit becomes visible bit by bit
	fadingKey             // a scan passes over a key
	unrepeatable          // a get returns the newest
	forgetfulOwn          // the second write to a key is lost
	commitAfterError      // OnCommit is called although there is a conflict
	deafInsert            // Insert replaces what is there
	barge                 // locks keep nobody out
	unprotected           // nor does what is prepared
	numBugs
)

func (b bug) String() string {
	return [numBugs]string{
		"no bug", "no conflicts", "no read validation", "no range validation", "dirty read", "stale begin",
		"torn commit", "fading key", "unrepeatable", "forgetful own", "commit after error", "deaf insert", "barge", "unprotected",
	}[b]
}

var (
	errAbsent   = errors.New("absent")
	errExists   = errors.New("exists")
	errConflict = errors.New("conflict")
	errOver     = errors.New("over")
)

func newNaive(b bug) *naive {
	return &naive{
		last: 1, values: map[string][]byte{}, changed: map[string]uint64{}, bug: b,
		locks: map[string]map[*naiveTxn]Mode{}, byXID: map[string]*naiveTxn{},
	}
}

func (s *naive) Judge(err error) Meaning {
	switch {
	case errors.Is(err, errAbsent):
		return NotFound
	case errors.Is(err, errExists):
		return Exists
	case errors.Is(err, errConflict):
		return Conflict
	case errors.Is(err, errOver):
		return Ended
	case errors.Is(err, errLocked):
		return Locked
	case errors.Is(err, errStuck):
		return Deadlock
	}
	return Unexpected
}

func (s *naive) begin(ctx context.Context, how How) *naiveTxn {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &naiveTxn{store: s, ctx: ctx, level: how.Level, snapshot: s.last, values: maps.Clone(s.values)}
	if s.bug == staleBegin && s.last%50 == 0 && s.old != nil {
		t.values = maps.Clone(s.old)
	}
	if s.last%40 == 0 {
		s.old = maps.Clone(s.values)
	}
	return t
}

func (s *naive) Begin(ctx context.Context, how How) (Writer, error) { return s.begin(ctx, how), nil }

func (s *naive) BeginRead(ctx context.Context, how How) (Reader, error) {
	return s.begin(ctx, how), nil
}

func (s *naive) Update(ctx context.Context, how How, fn func(Writer) error) error {
	var err error
	for range 3 {
		t := s.begin(ctx, how)
		if err = fn(t); err != nil {
			return err
		}
		if err = t.Commit(); !errors.Is(err, errConflict) {
			return err
		}
	}
	return err
}

// naiveTxn is a transaction on it.
type naiveTxn struct {
	store    *naive
	ctx      context.Context
	level    history.Level
	snapshot uint64
	values   map[string][]byte // as at the snapshot, with its own writes
	written  map[string]bool
	read     []func(string) bool
	notices  []func(uint64)
	done     bool
	observed bool // it has seen something of the snapshot
	voted    bool // it is prepared
}

func (t *naiveTxn) Err() error {
	if t.done || t.ctx.Err() != nil {
		return errOver
	}
	return nil
}

func (t *naiveTxn) Snapshot() uint64 {
	t.observed = true
	return t.snapshot
}

func (t *naiveTxn) Close() error {
	t.done = true
	t.release()
	return nil
}

func (t *naiveTxn) Get(key []byte) ([]byte, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	t.observed = true
	k := string(key)
	if !t.written[k] {
		t.read = append(t.read, func(other string) bool { return other == k })
	}
	values := t.values
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.store.bug == unrepeatable && !t.written[k] {
		values = t.store.values
	}
	if val, found := values[k]; found {
		return val, nil
	}
	return nil, errAbsent
}

func (t *naiveTxn) Scan(lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return t.scan(lo, hi, func([][]byte) {})
}

func (t *naiveTxn) ScanDescending(lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return t.scan(lo, hi, slices.Reverse[[][]byte])
}

// scan goes over all keys there could be, so as to see what is written meanwhile.
func (t *naiveTxn) scan(lo, hi []byte, order func([][]byte)) iter.Seq2[[]byte, []byte] {
	within := func(k string) bool { return k >= string(lo) && (hi == nil || k < string(hi)) }
	all := slices.Clone(NewKeys(testKeys)[:testKeys])
	order(all)
	return func(yield func(key, val []byte) bool) {
		t.observed = true
		if t.store.bug != noRangeValidation {
			t.read = append(t.read, within)
		}
		for n, key := range all {
			val, found := t.values[string(key)]
			hidden := t.store.bug == fadingKey && n == 3 && t.snapshot%20 == 0 && !t.written[string(key)]
			if t.Err() != nil || found && !hidden && within(string(key)) && !yield(key, val) {
				return
			}
		}
	}
}

func (t *naiveTxn) write(key []byte, change func(k string)) error {
	if err := t.Err(); err != nil {
		return err
	}
	if t.written == nil {
		t.written = map[string]bool{}
	}
	if t.store.bug == forgetfulOwn && t.written[string(key)] {
		return nil
	}
	t.written[string(key)] = true
	change(string(key))
	if t.store.bug == dirtyRead {
		t.store.mu.Lock()
		defer t.store.mu.Unlock()
		if val, found := t.values[string(key)]; found {
			t.store.values[string(key)] = val
		}
	}
	return nil
}

func (t *naiveTxn) Put(key, val []byte) error {
	return t.write(key, func(k string) { t.values[k] = bytes.Clone(val) })
}

func (t *naiveTxn) Delete(key []byte) error {
	return t.write(key, func(k string) { delete(t.values, k) })
}

func (t *naiveTxn) Insert(key, val []byte) error {
	_, err := t.Get(key)
	if err == nil && t.store.bug != deafInsert {
		return errExists
	}
	if err != nil && !errors.Is(err, errAbsent) {
		return err
	}
	return t.Put(key, val)
}

func (t *naiveTxn) Savepoint() func() error {
	values, written := maps.Clone(t.values), maps.Clone(t.written)
	return func() error {
		t.values, t.written = maps.Clone(values), maps.Clone(written)
		return t.Err()
	}
}

func (t *naiveTxn) OnCommit(fn func(uint64)) { t.notices = append(t.notices, fn) }

func (t *naiveTxn) Commit() error {
	if err := t.Err(); err != nil && !t.voted {
		return err
	}
	ts, err := t.commit()
	t.Close()
	if err == nil || t.store.bug == commitAfterError {
		for _, fn := range t.notices {
			fn(ts)
		}
	}
	return err
}

func (t *naiveTxn) commit() (uint64, error) {
	s := t.store
	if len(t.written) == 0 {
		return t.snapshot, nil
	}
	if t.voted {
		s.mu.Lock()
	} else if err := t.vote(); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	if !t.voted && t.conflicts() {
		return s.last, errConflict
	}
	s.last++
	for k := range t.written {
		s.changed[k] = s.last
		s.values[k] = t.values[k]
		if _, found := t.values[k]; !found {
			delete(s.values, k)
		}
		if s.bug == tornCommit {
			s.mu.Unlock()
			runtime.Gosched()
			s.mu.Lock()
		}
	}
	return s.last, nil
}

// conflicts is first committer wins, and at Serializable that nothing read has changed.
func (t *naiveTxn) conflicts() bool {
	s := t.store
	for k, ts := range s.changed {
		if ts <= t.snapshot {
			continue
		}
		if t.written[k] && s.bug != noConflicts {
			return true
		}
		read := slices.ContainsFunc(t.read, func(within func(string) bool) bool { return within(k) })
		if t.level == history.Serializable && read && s.bug != noReadValidation {
			return true
		}
	}
	return false
}
