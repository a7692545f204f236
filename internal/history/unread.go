package history

import (
	"cmp"
	"slices"
)

// unread is the transactions that wrote a version of a key that nobody has read,
// and of which therefore only is known that it comes behind all that were: had it
// been there when the longest list was read, it would be in that.
type unread struct {
	key  Key
	txns []int32
}

// isUnread reports whether transaction i wrote such a version, and p is the one
// before those.
func (f *facts) isUnread(k Key, p, i int32) bool {
	if p != f.order.first[k+1]-1 {
		return false
	}
	at, found := slices.BinarySearchFunc(f.unread, k, func(u unread, k Key) int { return cmp.Compare(u.key, k) })
	return found && slices.Contains(f.unread[at].txns, i)
}

// unreadEdges calls add with the edges to who wrote what nobody read: ww from the
// writer of the version before, and rw from its readers. They go through two points
// for each key, which are numbered from first, but for those of who is at both
// ends: he would lead to himself.
func (f *facts) unreadEdges(first int32, add func(from, to int32, l link)) {
	if len(f.unread) == 0 {
		return
	}
	points := map[Key]int32{} // of those who read; the other is the next
	for n, u := range f.unread {
		p := first + 2*int32(n)
		points[u.key] = p
		for _, i := range u.txns {
			add(p, i, through)
			add(p+1, i, through)
		}
		if w := f.order.all[f.order.first[u.key+1]-1].writer; w != none {
			f.unreadEdge(w, u, p+1, ww, add)
		}
	}
	for i := range f.txns {
		f.reads(int32(i), func(_ int, k Key, p int32) {
			if point, is := points[k]; is && p == f.order.first[k+1]-1 {
				f.unreadEdge(int32(i), f.unread[(point-first)/2], point, f.away(int32(i)), add)
			}
		})
	}
}

// unreadEdge leads from a transaction to all others in u.
func (f *facts) unreadEdge(from int32, u unread, point int32, l link, add func(from, to int32, l link)) {
	if !slices.Contains(u.txns, from) {
		add(from, point, l)
		return
	}
	for _, to := range u.txns {
		if to != from {
			add(from, to, l)
		}
	}
}
