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
	by       *fate
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
		if l.counts(f) {
			vs.addGaps(f)
		}
	}
	for _, k := range vs {
		k.sort()
	}
	return vs
}

// counts reports whether the history can have what f has read. What came to nothing,
// and has seen what did not survive, is left out: of that it is not known what there
// was, and it is of no consequence.
func (l *life) counts(f *fate) bool {
	return !f.guest && (f.stage == isOver || f.happened || f.txn.Snapshot <= l.newest)
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

// addReads adds what f has found.
func (vs versions) addReads(f *fate) {
	for _, r := range f.txn.Reads {
		if k := vs[r.Key]; k != nil && r.Version != 0 {
			k.seen = append(k.seen, seen{f, f.txn.Snapshot, r.Version})
		}
	}
}

// addGaps adds where f has found nothing. That does not say why.
func (vs versions) addGaps(f *fate) {
	for _, r := range f.txn.Reads {
		if k := vs[r.Key]; k != nil && r.Version == 0 {
			k.seen = append(k.seen, seen{f, f.txn.Snapshot, 0})
		}
	}
	for _, r := range f.txn.Empty {
		for n, k := range vs {
			if r.Lo <= n && n < r.Hi {
				k.seen = append(k.seen, seen{f, f.txn.Snapshot, 0})
			}
		}
	}
}

func (k *key) sort() {
	slices.SortStableFunc(k.entries, func(a, b entry) int { return cmp.Compare(a.place(), b.place()) })
}

// bound narrows down the unknown timestamps by what was written next, and by what was
// read. It returns what cannot have been read, unless somebody has committed of whom
// nobody knows, and what may have been read for more than one reason: of that nothing
// follows.
func (k *key) bound() (unexplained, unclear []seen) {
	for n := 1; n < len(k.entries); n++ {
		if e, next := &k.entries[n-1], &k.entries[n]; e.isOpen() {
			if e.of.upTo = min(e.of.upTo, next.place()/2); !next.isOpen() {
				e.of.upTo = min(e.of.upTo, next.latest()-1)
			}
		}
	}
	for _, s := range k.seen {
		switch first, last := k.find(s); {
		case first < 0:
			unexplained = append(unexplained, s)
		case k.isUnclear(s, first, last):
			unclear = append(unclear, s)
		default:
			k.boundBy(s, first, last)
		}
	}
	return unexplained, unclear
}

// boundBy narrows down by what was read, which is one of those entries.
func (k *key) boundBy(s seen, first, last int) {
	if e := &k.entries[first]; e.isOpen() {
		e.of.upTo = min(e.of.upTo, s.snapshot)
	}
	if last+1 < len(k.entries) {
		if e := &k.entries[last+1]; e.isOpen() {
			e.of.after = max(e.of.after, s.snapshot)
		}
	}
	if s.version != 0 {
		k.later(&k.entries[first], s.snapshot)
	}
}

// isUnclear reports whether who has found nothing may have seen, in place of one of
// those entries, what somebody removed of whom it is not known whether he committed:
// before the first of them, or something that is behind the last.
func (k *key) isUnclear(s seen, first, last int) bool {
	if s.version != 0 {
		return false
	}
	return slices.ContainsFunc(k.explain(s), func(m *entry) bool {
		return m.place() < k.entries[first].place() ||
			last+1 < len(k.entries) && m.place() > k.entries[last+1].place()
	})
}

// later says that what comes behind e, if it ever happened, did so after a snapshot.
func (k *key) later(e *entry, snapshot uint64) {
	for n := range k.maybe {
		if m := &k.maybe[n]; m.place() > e.place() {
			m.of.after = max(m.of.after, snapshot)
		}
	}
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

// explain returns what somebody may have seen of those who may have committed.
func (k *key) explain(s seen) (what []*entry) {
	for n := range k.maybe {
		e := &k.maybe[n]
		fits := s.version == 0 && e.absent || s.version != 0 && s.version == e.version && !e.absent
		if fits && e.of.after < s.snapshot && !k.isOver(e, s.snapshot) {
			what = append(what, e)
		}
	}
	return what
}

// isOver reports whether a snapshot has something that is behind e.
func (k *key) isOver(e *entry, snapshot uint64) bool {
	return slices.ContainsFunc(k.entries, func(next entry) bool {
		return next.place() > e.place() && next.latest() <= snapshot
	})
}

// bound narrows down all unknown timestamps, and finds out who has committed, by what
// others have read.
func (l *life) bound() {
	for _, f := range l.fates {
		f.after = max(f.after, f.txn.Snapshot, l.found.Snapshot)
		if f.survived {
			f.upTo = min(f.upTo, l.newest)
		} else {
			f.after = max(f.after, l.newest)
		}
	}
	for before := []span(nil); !slices.Equal(before, l.spans()); {
		before = l.spans()
		l.boundOnce()
	}
	for _, f := range l.fates {
		if f.guest && f.happened && f.txn.Commit == 0 && f.txn.Level == history.Serializable {
			l.protect(f)
		}
	}
}

// span is what is known of when somebody committed.
type span struct {
	after, upTo uint64
	happened    bool
}

func (l *life) spans() []span {
	all := make([]span, len(l.fates))
	for n, f := range l.fates {
		all[n] = span{f.after, f.upTo, f.happened}
	}
	return all
}

// boundOnce narrows down all unknown timestamps. Who alone can have committed what
// somebody has seen, did. What may have several reasons is left out of the history.
func (l *life) boundOnce() {
	for _, f := range l.fates {
		f.unclear = nil
	}
	for n, k := range newVersions(l) {
		unexplained, unclear := k.bound()
		for _, s := range unexplained {
			switch who := k.explain(s); len(who) {
			case 0: // the checker finds it, too
			case 1:
				who[0].of.happened = true
			default:
				unclear = append(unclear, s)
			}
		}
		for _, s := range unclear {
			s.by.unclear = append(s.by.unclear, n)
		}
	}
}

// protect has all who write what the prepared f has read come behind it: they had to
// wait for its end.
func (l *life) protect(f *fate) {
	for _, w := range l.fates {
		if w == f || !w.happened || !slices.ContainsFunc(w.txn.Writes, func(w history.Write) bool { return f.hasRead(w.Key) }) {
			continue
		}
		if w.txn.Commit != 0 {
			f.upTo = min(f.upTo, w.txn.Commit-1)
			continue
		}
		w.after = max(w.after, f.after+1)
		f.upTo = min(f.upTo, w.upTo-1)
	}
}
