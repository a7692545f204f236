package history

import "slices"

// isAnti reports whether a link is rw.
func (l link) isAnti() bool {
	return l == rw || l == emptyRW || l == looseRW || l == looseEmptyRW
}

func (l link) isRead() bool { return l == wr || l == emptyWR }

// classify names the fault that a cycle shows.
func (f *facts) classify(cycle []leg) Fault {
	count := func(is func(link) bool) (n int) {
		for _, l := range cycle {
			if is(l.link) {
				n++
			}
		}
		return n
	}
	switch count(link.isAnti) {
	case 0:
		if count(link.isRead) > 0 {
			return G1c
		}
		return G0
	case 1:
		real := count(func(l link) bool { return l == realTime })
		return f.classifySkew(cycle, real, count(link.isRead))
	}
	ranges := count(func(l link) bool { return l == emptyRW || l == looseEmptyRW })
	switch {
	case isApart(cycle):
		return GNonadjacent
	case ranges > 0:
		return G2
	}
	return G2Item
}

// isApart reports whether no two rw edges follow each other.
func isApart(cycle []leg) bool {
	for i, l := range cycle {
		if l.link.isAnti() && cycle[(i+1)%len(cycle)].link.isAnti() {
			return false
		}
	}
	return true
}

// classifySkew names a cycle with one rw edge, from the numbers of its edges of
// real time and of reads.
func (f *facts) classifySkew(cycle []leg, real, reads int) Fault {
	at := slices.IndexFunc(cycle, func(l leg) bool { return l.link.isAnti() })
	missed := cycle[at]
	last := cycle[(at+len(cycle)-1)%len(cycle)] // leads to who missed it
	switch {
	case real > 0 && reads > 0:
		return NonMonotonicRead
	case real > 0:
		return StaleRead
	case reads == 0 && f.overwrote(missed):
		return LostUpdate
	case reads == 1 && last.link.isRead():
		return f.classifyRead(missed, last)
	}
	return GSingle
}

// overwrote reports whether who missed a version wrote that key himself.
func (f *facts) overwrote(missed leg) bool {
	for _, r := range f.reasons(missed) {
		if f.txns[missed.from].wrote() && writes(&f.txns[missed.from], r.key) {
			return true
		}
	}
	return false
}

// classifyRead names what a transaction saw that read from another, and missed a
// write that this one made, or one even before that.
func (f *facts) classifyRead(missed, seen leg) Fault {
	found := GSingle
	for _, m := range f.reasons(missed) {
		for _, s := range f.reasons(seen) {
			switch {
			case m.key == s.key && s.place < m.place:
				return NonMonotonicRead
			case m.key == s.key || !writes(&f.txns[seen.from], m.key):
			case s.place != none && s.place < m.place:
				return OTV
			default:
				found = FracturedRead
			}
		}
	}
	return found
}

func writes(t *Txn, k Key) bool {
	return slices.ContainsFunc(t.Writes, func(w Write) bool { return w.Key == k })
}

// reason is a key that makes a leg.
type reason struct {
	key   Key
	place int   // of the read among the reader's, or none
	seen  int32 // the version read, or overwritten
	after int32 // the version that was written instead, or none
}

// reasons returns what makes a leg, for all but those of real time.
func (f *facts) reasons(l leg) (all []reason) {
	reader := l.to
	if l.link.isAnti() {
		reader = l.from
	}
	consider := func(place int, k Key, p int32) {
		before, after := f.around(p)
		if l.link.isAnti() && (after == l.to || f.isUnread(k, p, l.to)) || l.link.isRead() && before == l.from {
			all = append(all, reason{k, place, p, f.order.all[p].until})
		}
	}
	switch l.link {
	case ww:
		return f.overwritten(l)
	case wr, rw, looseRW:
		f.reads(reader, consider)
	case emptyWR, emptyRW, looseEmptyRW:
		f.gaps(reader, func(k Key, p int32) {
			if p != none {
				consider(none, k, p)
			}
		})
	}
	return all
}

// overwritten returns the versions that make a ww leg.
func (f *facts) overwritten(l leg) (all []reason) {
	for k := range f.order.keys() {
		if !writes(&f.txns[l.to], Key(k)) {
			continue
		}
		lo, hi := f.order.first[k], f.order.first[k+1]
		for p := lo + 1; p < hi; p++ {
			if f.order.all[p-1].writer == l.from && f.order.all[p].writer == l.to {
				all = append(all, reason{Key(k), none, p - 1, p})
			}
		}
		if f.order.all[hi-1].writer == l.from && f.isUnread(Key(k), hi-1, l.to) {
			all = append(all, reason{Key(k), none, hi - 1, none})
		}
	}
	return all
}
