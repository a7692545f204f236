package history

import (
	"cmp"
	"slices"
)

// moment is when a transaction began or ended.
type moment struct {
	at  int64
	txn int32
}

// timeline is when all transactions began and ended, in order.
type timeline struct{ starts, ends []moment }

// newTimeline sorts the moments. A transaction of unknown outcome has not ended.
func newTimeline(txns []Txn) timeline {
	var l timeline
	for i := range txns {
		l.starts = append(l.starts, moment{txns[i].Start, int32(i)})
		if txns[i].Outcome != Unknown {
			l.ends = append(l.ends, moment{txns[i].Finish, int32(i)})
		}
	}
	order := func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.txn, b.txn)) }
	slices.SortFunc(l.starts, order)
	slices.SortFunc(l.ends, order)
	return l
}

// edges calls add with the edges that say who ended before whom began, through
// points which are numbered from first. It returns how many points there are.
//
// There is a new point wherever a transaction begins after others have ended that
// the last point does not know of.
func (l timeline) edges(first int32, add func(from, to int32, l link)) (points int32) {
	ended := 0
	for _, s := range l.starts {
		before := ended
		for ended < len(l.ends) && l.ends[ended].at < s.at {
			add(l.ends[ended].txn, first+points, realTime)
			ended++
		}
		if ended > before {
			if points > 0 {
				add(first+points-1, first+points, through)
			}
			points++
		}
		if points > 0 {
			add(first+points-1, s.txn, through)
		}
	}
	return points
}

// begun calls fn with each transaction and the newest commit that had ended when
// it began, in that order.
func (l timeline) begun(txns []Txn, fn func(i int32, newest int32)) {
	ended, newest := 0, int32(none)
	for _, s := range l.starts {
		for ; ended < len(l.ends) && l.ends[ended].at < s.at; ended++ {
			e := l.ends[ended].txn
			if txns[e].wrote() && (newest == none || txns[e].Commit > txns[newest].Commit) {
				newest = e
			}
		}
		if newest != none {
			fn(s.txn, newest)
		}
	}
}
