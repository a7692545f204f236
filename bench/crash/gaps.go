package crash

import "slices"

// fill gives timestamps to the commits that nobody knows the timestamp of. Those that
// survived fill the gaps up to the newest that did; whatever is left, of these and of
// the others, comes behind. Each gap goes to the one that must have the earliest, of
// those that can have it: if that does not work, nothing does.
func (l *life) fill(log *findings) {
	known := map[uint64]*fate{}
	newest := l.found.Snapshot
	var survived, lost []*fate
	for _, f := range l.fates {
		switch {
		case !f.happened:
		case f.txn.Commit == 0 && f.survived:
			survived = append(survived, f)
		case f.txn.Commit == 0:
			lost = append(lost, f)
		default:
			known[f.txn.Commit] = f
			if f.survived {
				newest = max(newest, f.txn.Commit)
			}
		}
	}
	g := &gaps{ts: l.found.Snapshot, known: known, log: log}
	g.next()
	for g.ts < newest || len(survived) > 0 {
		had := len(survived)
		if survived = g.give(survived); len(survived) == had && g.ts < newest {
			log.add("I6", notPrefix, "there is nobody who can have committed at %d, and what was committed at %d survived", g.ts, newest)
		}
		g.next()
	}
	for len(lost) > 0 {
		lost = g.give(lost)
		g.next()
	}
}

// gaps are the timestamps that nobody is known to have.
type gaps struct {
	ts    uint64 // the present one
	known map[uint64]*fate
	log   *findings
}

// next goes on to the next gap.
func (g *gaps) next() {
	for g.ts++; g.known[g.ts] != nil; g.ts++ {
	}
}

// give gives the gap to one of those commits, and returns the others.
func (g *gaps) give(all []*fate) []*fate {
	f, rest := choose(all, g.ts)
	if f != nil {
		f.txn.Commit = g.ts
	}
	return slices.DeleteFunc(rest, func(f *fate) bool {
		late := g.ts >= f.upTo
		if late {
			g.log.add("I6", notPrefix, "%v must have committed after %d and not after %d, and there is no timestamp left there",
				f.txn.ID, f.after, f.upTo)
			f.txn.Commit = g.ts
		}
		return late
	})
}

// choose takes out who gets the timestamp: of those who can have it, the one with the
// least time left.
func choose(all []*fate, ts uint64) (*fate, []*fate) {
	at := -1
	for n, f := range all {
		if f.after < ts && ts <= f.upTo && (at < 0 || f.upTo < all[at].upTo) {
			at = n
		}
	}
	if at < 0 {
		return nil, all
	}
	f := all[at]
	return f, slices.Delete(all, at, at+1)
}
