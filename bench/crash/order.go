package crash

import (
	"cmp"
	"slices"

	"github.com/tierceldb/tiercel/internal/history"
)

// entry is a version of a key.
//
// Where it stands among the others can be told without knowing its timestamp. A
// commit that overwrites another has begun after it: of two that write one key and
// begin side by side, one fails (I7). So a commit at an unknown timestamp comes behind
// all that its snapshot has, and before all others.
type entry struct {
	of      *fate // nil: what there was before
	version history.Version
	absent  bool
}

// place is where e stands: twice the commit timestamp, or just behind twice the
// snapshot.
func (e *entry) place() uint64 {
	switch {
	case e.of == nil:
		return 0
	case e.of.txn.Commit != 0:
		return 2 * e.of.txn.Commit
	}
	return 2*e.of.txn.Snapshot + 1
}

// isOpen reports whether the timestamp of e is not known.
func (e *entry) isOpen() bool { return e.of != nil && e.of.txn.Commit == 0 }

// earliest and latest are what is known of the timestamp.
func (e *entry) earliest() uint64 {
	switch {
	case e.of == nil:
		return 0
	case e.isOpen():
		return e.of.after + 1
	}
	return e.of.txn.Commit
}

func (e *entry) latest() uint64 {
	switch {
	case e.of == nil:
		return 0
	case e.isOpen():
		return e.of.upTo
	}
	return e.of.txn.Commit
}

// seen is what somebody has read of a key.
type seen struct {
	snapshot uint64
	version  history.Version // 0: nothing
}

// key is what is known of one key.
type key struct {
	entries []entry // oldest first
	maybe   []entry // of commits that nobody may have seen
	seen    []seen
}

// versions gathers what is known of the keys that somebody has written at an unknown
// timestamp.
type versions map[history.Key]*key

// newVersions gathers what the commits of a life have written, and what was read of it.
func newVersions(l *life) versions {
	vs := versions{}
	for _, f := range l.fates {
		if f.mayHaveCommitted() && f.txn.Commit == 0 {
			for _, w := range f.txn.Writes {
				vs[w.Key] = &key{}
			}
		}
	}
	for k := range vs {
		vs[k].entries = []entry{{absent: true}}
	}
	for _, r := range l.found.Values {
		if k := vs[r.Key]; k != nil {
			k.entries[0] = entry{version: r.Version}
		}
	}
	for _, f := range l.fates {
		vs.addWrites(f)
		if !f.guest {
			vs.addReads(f)
		}
	}
	for _, k := range vs {
		k.sort()
	}
	return vs
}

// mayHaveCommitted reports whether a transaction may have committed.
func (f *fate) mayHaveCommitted() bool { return f.happened || f.stage == wanting }

func (vs versions) addWrites(f *fate) {
	if !f.mayHaveCommitted() {
		return
	}
	for _, w := range f.txn.Writes {
		k := vs[w.Key]
		if k == nil {
			continue
		}
		e := entry{of: f, version: w.Version(f.txn.ID), absent: w.Tombstone}
		if f.happened {
			k.entries = append(k.entries, e)
		} else {
			k.maybe = append(k.maybe, e)
		}
	}
}

func (vs versions) addReads(f *fate) {
	for _, r := range f.txn.Reads {
		if k := vs[r.Key]; k != nil {
			k.seen = append(k.seen, seen{f.txn.Snapshot, r.Version})
		}
	}
	for _, r := range f.txn.Empty {
		for n, k := range vs {
			if r.Lo <= n && n < r.Hi {
				k.seen = append(k.seen, seen{f.txn.Snapshot, 0})
			}
		}
	}
}

func (k *key) sort() {
	slices.SortStableFunc(k.entries, func(a, b entry) int { return cmp.Compare(a.place(), b.place()) })
}

// bound narrows down the unknown timestamps by what was written next, and by what was
// read. It reports whether a commit turned out to have happened.
func (k *key) bound() (more bool) {
	for n := 1; n < len(k.entries); n++ {
		if e, next := &k.entries[n-1], &k.entries[n]; e.isOpen() {
			if e.of.upTo = min(e.of.upTo, next.place()/2); !next.isOpen() {
				e.of.upTo = min(e.of.upTo, next.latest()-1)
			}
		}
	}
	for _, s := range k.seen {
		first, last := k.find(s)
		if first < 0 {
			more = k.admit(s) || more
			continue
		}
		if e := &k.entries[first]; e.isOpen() {
			e.of.upTo = min(e.of.upTo, s.snapshot)
		}
		if last+1 < len(k.entries) {
			if e := &k.entries[last+1]; e.isOpen() {
				e.of.after = max(e.of.after, s.snapshot)
			}
		}
	}
	return more
}

// find returns the entries that somebody may have seen: one, or several in a row that
// look alike; -1 if there are none.
func (k *key) find(s seen) (first, last int) {
	first = -1
	for n := range k.entries {
		e := &k.entries[n]
		if s.version != 0 && e.version == s.version && !e.absent {
			return n, n
		}
		if s.version != 0 || !e.absent || e.earliest() > s.snapshot {
			continue
		}
		if n+1 < len(k.entries) && k.entries[n+1].latest() <= s.snapshot {
			continue
		}
		if first < 0 {
			first = n
		}
		last = n
	}
	return first, last
}

// admit takes what somebody has seen for a sign that a commit happened.
func (k *key) admit(s seen) bool {
	for n := range k.maybe {
		e := &k.maybe[n]
		if e.of.happened || e.of.txn.Snapshot >= s.snapshot {
			continue
		}
		if s.version == 0 && e.absent || s.version != 0 && s.version == e.version && !e.absent {
			e.of.happened = true
			return true
		}
	}
	return false
}

// bound narrows down all unknown timestamps, and finds out who has committed, by what
// others have read.
func (l *life) bound() {
	for _, f := range l.fates {
		if f.txn.Commit == 0 {
			f.after = max(f.after, f.txn.Snapshot, l.found.Snapshot)
		}
	}
	for more := true; more; {
		more = false
		for _, k := range newVersions(l) {
			more = k.bound() || more
		}
	}
}
