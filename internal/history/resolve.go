package history

import (
	"fmt"
	"slices"
)

// resolver finds the version that each read of a History returned, and the faults
// that show in that already.
type resolver struct {
	*facts
	h      *History
	report *Report
	ids    map[ID]int32 // made when it is first needed, which in a good history it is not
}

// newFacts resolves a history.
func newFacts(h *History, report *Report) *facts {
	commits := inCommitOrder(h.Txns)
	f := &facts{txns: h.Txns, order: newOrder(h, commits, countKeys(h))}
	reads := 0
	f.from = make([]int32, len(h.Txns)+1)
	for i := range h.Txns {
		reads += len(h.Txns[i].Reads)
		f.from[i+1] = int32(reads)
	}
	f.at = make([]int32, 0, reads)
	r := &resolver{facts: f, h: h, report: report}
	for i := range h.Txns {
		r.resolve(int32(i))
	}
	r.checkCommits(commits)
	r.checkOwn()
	return f
}

// resolve finds out what transaction i read.
func (r *resolver) resolve(i int32) {
	t := &r.txns[i]
	for _, read := range t.Reads {
		r.at = append(r.at, r.version(i, read))
	}
	if t.Snapshot == 0 {
		return
	}
	if t.Snapshot < r.h.After {
		r.fault(StaleSnapshot, i, "its snapshot is %d, and %d was committed before it began", t.Snapshot, r.h.After)
	}
	r.gaps(i, func(k Key, p int32) {
		if shown := r.order.shown(k, t.Snapshot); p != shown {
			r.fault(OffSnapshot, i, "it did not find %s in a range, and its snapshot %d shows %s",
				r.h.name(k), t.Snapshot, r.entry(shown))
		}
	})
}

// version returns the version that a read of transaction i returned, or none.
func (r *resolver) version(i int32, read Read) int32 {
	t := &r.txns[i]
	if t.Snapshot == 0 {
		return r.search(i, read, r.order.first[read.Key])
	}
	shown := r.order.shown(read.Key, t.Snapshot)
	e := &r.order.all[shown]
	if read.Version == 0 && e.absent || read.Version != 0 && read.Version == e.version {
		return shown
	}
	p := r.search(i, read, shown)
	if p != none {
		r.fault(OffSnapshot, i, "it read %s as %v, and its snapshot %d shows %s",
			r.h.name(read.Key), read.Version, t.Snapshot, r.entry(shown))
	}
	return p
}

// search looks for a version other than the one at shown, or reports that there
// is none.
func (r *resolver) search(i int32, read Read, shown int32) int32 {
	k, v := read.Key, read.Version
	if v == 0 {
		p := r.order.nothing(k, shown)
		if p == none {
			r.fault(Garbage, i, "it found nothing at %s, which had a value from the beginning", r.h.name(k))
		}
		return p
	}
	if first := r.order.first[k]; r.order.all[first].version == v {
		return first
	}
	w, known := r.find(v.Writer())
	if !known {
		r.fault(Garbage, i, "it read %s as %v, which nobody wrote since the history begins", r.h.name(k), v)
		return none
	}
	return r.written(i, read, w)
}

// written returns the version of a read from transaction w, if w has left it.
func (r *resolver) written(i int32, read Read, w int32) int32 {
	name, t := r.h.name(read.Key), &r.txns[w]
	if t.Outcome != Committed {
		r.fault(G1a, i, "it read %s as %v, and %v was rolled back", name, read.Version, t.ID)
		return none
	}
	p := r.order.find(read.Key, t.Commit, w)
	switch {
	case w == i:
		r.fault(WrongOwn, i, "it read %s as %v from the store, which it had written itself", name, read.Version)
	case p == none:
		r.fault(G1a, i, "it read %s as %v, and %v has taken that back", name, read.Version, t.ID)
	case r.order.all[p].version != read.Version:
		r.fault(G1b, i, "it read %s as %v, which %v replaced by %v", name, read.Version, t.ID, r.order.all[p].version)
	default:
		return p
	}
	return none
}

func (r *resolver) find(id ID) (int32, bool) {
	if r.ids == nil {
		r.ids = make(map[ID]int32, len(r.txns))
		for i := range r.txns {
			r.ids[r.txns[i].ID] = int32(i)
		}
	}
	i, known := r.ids[id]
	return i, known
}

// checkCommits looks at the commit timestamps, which are given in order.
func (r *resolver) checkCommits(commits []int32) {
	for n, i := range commits {
		t := &r.txns[i]
		switch {
		case t.Commit <= t.Snapshot:
			r.fault(BadCommit, i, "its commit timestamp %d is not above its snapshot %d", t.Commit, t.Snapshot)
		case t.Commit <= r.h.After:
			r.fault(BadCommit, i, "its commit timestamp %d is not above %d, the newest before the history", t.Commit, r.h.After)
		case n > 0 && r.txns[commits[n-1]].Commit == t.Commit:
			r.fault(BadCommit, i, "%v has the commit timestamp %d, too", r.txns[commits[n-1]].ID, t.Commit)
		}
	}
}

func (r *resolver) checkOwn() {
	for _, own := range r.h.Own {
		if i, known := r.find(own.Txn); known {
			r.fault(WrongOwn, i, "it read %s as %v, and it had written %v", r.h.name(own.Key), own.Got, own.Want)
		}
	}
}

// checkSnapshots looks for snapshots that lack what was committed before.
func (r *Report) checkSnapshots(h *History, l timeline) {
	l.begun(h.Txns, func(i, newest int32) {
		t, w := &h.Txns[i], &h.Txns[newest]
		if t.Snapshot != 0 && t.Snapshot < w.Commit {
			r.fault(StaleSnapshot, h, t, "its snapshot lacks %v, which committed at %d and ended at %d, before it began",
				w.ID, w.Commit, w.Finish)
		}
	})
}

// fault reports what is wrong with transaction i.
func (r *resolver) fault(f Fault, i int32, format string, args ...any) {
	r.report.fault(f, r.h, &r.txns[i], format, args...)
}

// entry describes a version in the order.
func (r *resolver) entry(p int32) string {
	e := &r.order.all[p]
	switch {
	case e.writer == none && e.absent:
		return "nothing"
	case e.writer == none:
		return e.version.String()
	case e.absent:
		return fmt.Sprintf("nothing, since %v removed it at %d", r.txns[e.writer].ID, e.commit)
	}
	return fmt.Sprintf("%v, committed at %d", e.version, e.commit)
}

// sortAnomalies puts the worst first.
func (r *Report) sortAnomalies() {
	slices.SortStableFunc(r.Anomalies, func(a, b Anomaly) int { return int(a.Fault) - int(b.Fault) })
}
