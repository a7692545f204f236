package crash

import (
	"slices"

	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
)

// survival finds out which commits of a life the next one has found.
func (l *life) survival(next *found, prepared map[string]*fate, log *findings) {
	byWorker := map[int][]*fate{}
	for _, f := range l.fates {
		if f.xid == "" && f.txn.Kind == history.Update && (f.stage == wanting || f.promised() || f.stage == isBack) {
			byWorker[f.worker] = append(byWorker[f.worker], f)
		}
	}
	for worker, all := range byWorker {
		l.upToMark(all, l.found.Workers[worker], next.Workers[worker], log)
	}
	l.survivalOfPrepared(next, prepared, log)
	for _, f := range l.fates {
		if f.promised() && !f.survived && (f.promise == onDisk || l.closed || f.ack < l.synced) {
			log.add("I6", lostCommit, "%v, committed at %d", f.txn.ID, f.txn.Commit)
		}
	}
}

// promised reports whether a commit was acknowledged.
func (f *fate) promised() bool { return f.acked && f.stage == isOver }

// upToMark says which of the commits of a worker, in their order, survived: those up
// to the one that has left its mark. Of those behind it all but the last had their
// place in commit order, or it would not have gone on.
func (l *life) upToMark(all []*fate, before, mark history.ID, log *findings) {
	at := slices.IndexFunc(all, func(f *fate) bool { return f.txn.ID == mark })
	if at < 0 && mark != before {
		log.add("I6", halfCommit, "worker %d has left the mark of %v, and did not commit that in this life", all[0].worker, mark)
	}
	if at >= 0 && all[at].stage == isBack {
		log.add("I7", halfCommit, "%v was rolled back, and has left its mark", mark)
	}
	for n, f := range all {
		if f.stage != isBack {
			f.survived = n <= at
			f.happened = f.survived || f.acked || n < len(all)-1
		}
	}
}

// survivalOfPrepared says what became of what was prepared at some time.
func (l *life) survivalOfPrepared(next *found, prepared map[string]*fate, log *findings) {
	listed := map[string]bool{}
	for _, p := range next.Prepared {
		listed[p.XID] = true
		f := prepared[p.XID]
		if f == nil {
			log.add("I7", lostPrepared, "%s is prepared, and should not be", p.XID)
			continue
		}
		if want := f.keys(l.load.Keys); !slices.Equal(p.Keys, want) {
			log.add("I6", lostPrepared, "%s is prepared to write %q, and wanted to write %q", p.XID, p.Keys, want)
		}
	}
	for xid, f := range prepared {
		was := *f
		if f.afterCrash(listed[xid], slices.Contains(next.XIDs, xid), log); f.stage != standing {
			delete(prepared, xid)
		} else if was.stage == inDoubt && was.promise == onDisk {
			// It may have been seen, and is prepared again.
			was.stage = wanting
			l.replace(f, &was)
		}
	}
}

// replace puts another fate of the same transaction in the place of one.
func (l *life) replace(old, f *fate) {
	l.fates[slices.Index(l.fates, old)] = f
	l.byID[f.txn.ID] = f
}

// keys returns the keys that a prepared transaction writes.
func (f *fate) keys(n int) []string {
	names := mix.NewKeys(n)
	keys := []string{markOfPrepared + f.xid}
	for _, w := range f.txn.Writes {
		keys = append(keys, string(names[w.Key]))
	}
	slices.Sort(keys)
	return keys
}

// afterCrash says what became of a prepared transaction, by whether it is prepared
// now, and whether it has left its mark.
func (f *fate) afterCrash(listed, marked bool, log *findings) {
	told := map[stage]string{
		isOver: "committed", isBack: "rolled back", preparingIt: "about to be prepared",
		standing: "prepared", inDoubt: "about to be rolled back",
	}[f.stage]
	var possible bool
	switch {
	case f.stage == isOver, f.stage == standing:
		possible = marked == (f.stage == isOver) && listed != marked
	case f.stage == isBack:
		possible = !marked && !listed
	case f.stage == inDoubt && f.promise == onDisk:
		told = "about to be committed"
		possible = marked != listed
	default:
		possible = !marked
	}
	if !possible {
		log.add("I6", lostPrepared, "%s was %s; now it is prepared: %v, committed: %v", f.xid, told, listed, marked)
	}
	switch {
	case marked:
		f.survived, f.happened, f.stage = true, true, isOver
	case listed:
		f.stage = standing
	default:
		f.stage = isBack
	}
}
