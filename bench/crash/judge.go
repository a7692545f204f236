package crash

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tierceldb/tiercel/bench/checked"
	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
)

// judgement is what came of looking at one life.
type judgement struct {
	report   history.Report
	survived int // commits that were not acknowledged, and did
	lost     int // acknowledged with no more than their place in the order, and did not
}

// judge checks a life against what the next one found. What is prepared is in
// prepared.
func (l *life) judge(next *found, prepared map[string]*fate, log *findings) judgement {
	l.survival(next, prepared, log)
	j := l.count()
	l.checkProtected(prepared, log)
	l.checkPrefix(next, log)
	l.checkReads(log)
	l.bound()
	l.fill(log)
	h := l.history()
	j.report = h.Check(history.Serializable)
	for _, a := range j.report.Anomalies {
		log.add(checked.Invariant(a.Fault), a.Name(), "%s", strings.TrimSpace(a.Schedule))
	}
	l.compare(next, log)
	return j
}

// count counts what survived. Each commit has one timestamp, and they have no gaps; so
// that tells which is the newest that did.
func (l *life) count() (j judgement) {
	l.newest = l.found.Snapshot
	for _, f := range l.fates {
		if f.survived {
			l.newest++
		}
		if f.survived && !f.acked {
			j.survived++
		}
		if f.promised() && !f.survived {
			j.lost++
		}
	}
	return j
}

// checkPrefix looks for a commit that survived although an earlier one did not, and
// the other way round, and for timestamps that might be used again.
func (l *life) checkPrefix(next *found, log *findings) {
	for _, f := range l.fates {
		ts := f.txn.Commit
		if ts == 0 || !f.happened {
			continue
		}
		if f.survived != (ts <= l.newest) {
			log.add("I6", notPrefix, "%v, committed at %d: survived %v, and %d commits after %d did",
				f.txn.ID, ts, f.survived, l.newest-l.found.Snapshot, l.found.Snapshot)
		}
		if ts > next.Snapshot {
			log.add("I1", timeReused, "%v committed at %d, and the next life begins at %d", f.txn.ID, ts, next.Snapshot)
		}
	}
}

// checkProtected looks for commits that survived although they write what somebody who
// is prepared writes, or has read at Serializable, and did not see: they had to wait
// for its end.
func (l *life) checkProtected(prepared map[string]*fate, log *findings) {
	for _, p := range prepared {
		for _, f := range l.fates {
			if !f.survived || max(f.txn.Commit, f.txn.Snapshot+1) <= p.txn.Snapshot {
				continue
			}
			for _, w := range f.txn.Writes {
				if p.protects(w.Key) {
					log.add("I7", lostPrepared, "%s is prepared and protects key %d, which %v has written since", p.xid, w.Key, f.txn.ID)
				}
			}
		}
	}
}

// checkReads looks for transactions that were told something by the end of their
// life that has not survived. They may if others did not wait for the disk.
func (l *life) checkReads(log *findings) {
	if l.load.Async > 0 {
		return
	}
	for _, f := range l.fates {
		if f.stage != isOver || f.happened {
			continue
		}
		for _, r := range f.txn.Reads {
			if w := l.byID[r.Version.Writer()]; w != nil && !w.survived {
				log.add("I6", lostRead, "%v, which had ended well, read %v", f.txn.ID, r.Version)
			}
		}
	}
}

// history returns the history of the life.
func (l *life) history() *history.History {
	h := &history.History{Before: l.found.Values, After: l.found.Snapshot}
	for _, k := range mix.NewKeys(l.load.Keys) {
		h.Names = append(h.Names, string(k))
	}
	for _, f := range l.fates {
		switch {
		case f.happened:
			h.Txns = append(h.Txns, f.withoutUnclear(f.asCommitted()))
		case f.stage == isOver && !f.guest:
			h.Txns = append(h.Txns, f.withoutUnclear(f.txn))
		case l.counts(f):
			h.Txns = append(h.Txns, f.withoutUnclear(f.asRolledBack()))
		}
	}
	return h
}

// compare checks that the next life has found exactly what the commits that survived
// have left.
func (l *life) compare(next *found, log *findings) {
	want := map[history.Key]history.Version{}
	for _, r := range l.found.Values {
		want[r.Key] = r.Version
	}
	commits := slices.DeleteFunc(slices.Clone(l.fates), func(f *fate) bool { return !f.survived })
	slices.SortFunc(commits, func(a, b *fate) int { return cmp.Compare(a.txn.Commit, b.txn.Commit) })
	for _, f := range commits {
		for _, w := range f.txn.Writes {
			if want[w.Key] = w.Version(f.txn.ID); w.Tombstone {
				delete(want, w.Key)
			}
		}
	}
	got := map[history.Key]history.Version{}
	for _, r := range next.Values {
		got[r.Key] = r.Version
	}
	for k, name := range mix.NewKeys(l.load.Keys) {
		if g, w := got[history.Key(k)], want[history.Key(k)]; g != w {
			log.add("I6", halfCommit, "%s is %v, and should be %v", name, l.describe(g), l.describe(w))
		}
	}
}

// describe names a version and says when it was committed.
func (l *life) describe(v history.Version) string {
	f := l.byID[v.Writer()]
	if f == nil {
		return v.String()
	}
	return v.String() + " " + f.when()
}
