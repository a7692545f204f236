package crash

import "slices"

// fill gives timestamps to the commits that nobody knows the timestamp of. Those that
// survived fill the gaps up to the newest that did; the others come behind. Each gap
// goes to the one that must have the earliest, of those that can have it: if that does
// not work, nothing does.
func (l *life) fill(log *findings) {
	g := &gaps{ts: l.found.Snapshot, known: map[uint64]*fate{}, log: log}
	var survived, lost []*fate
	for _, f := range l.fates {
		switch {
		case !f.happened:
		case f.txn.Commit != 0:
			g.known[f.txn.Commit] = f
		case f.survived:
			survived = append(survived, f)
		default:
			lost = append(lost, f)
		}
	}
	for g.next(); g.ts <= l.newest; g.next() {
		had := len(survived)
		if survived = g.give(survived); len(survived) == had {
			log.add("I6", notPrefix, "there is nobody who can have committed at %d, and commits up to %d survived", g.ts, l.newest)
		}
	}
	for rest := append(survived, lost...); len(rest) > 0; g.next() {
		rest = g.give(rest)
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

// give gives the gap to one of those commits, and returns the others. It gives up
// those for whom there will be none.
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
