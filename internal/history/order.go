package history

import (
	"cmp"
	"slices"
)

// order is the versions of every key, oldest first.
type order struct {
	first []int32 // by key: its first entry, which is what there was before; one more for the end
	all   []entry
}

// entry is one version of a key.
//
// An absent one is a tombstone, or the beginning of a key without a value. Nobody
// who finds nothing can tell which of several tombstones in a row he sees: he
// comes after the first of them, and before the next value.
type entry struct {
	commit  uint64
	version Version // 0: nothing, before
	writer  int32   // number of the transaction; none: before
	since   int32   // of absent ones in a row the first; else this one
	until   int32   // the version that replaces what is seen here, or none
	absent  bool
}

const none = -1

// newOrder lays out the versions that the transactions in commits wrote, which
// are in commit order. keys is the number of keys.
func newOrder(h *History, commits []int32, keys int) order {
	o := order{first: make([]int32, keys+1)}
	for _, i := range commits {
		for _, w := range h.Txns[i].Writes {
			o.first[w.Key+1]++
		}
	}
	for k := range keys {
		o.first[k+1] += o.first[k] + 1
	}
	o.all = make([]entry, o.first[keys])
	next := slices.Clone(o.first[:keys])
	o.begin(h, next)
	for _, i := range commits {
		t := &h.Txns[i]
		for _, w := range t.Writes {
			o.all[next[w.Key]] = entry{commit: t.Commit, version: t.ID.version(w.Seq), writer: i, absent: w.Tombstone}
			next[w.Key]++
		}
	}
	o.link()
	return o
}

// begin enters what keys had before.
func (o *order) begin(h *History, next []int32) {
	for k := range next {
		o.all[next[k]] = entry{writer: none, absent: true}
	}
	for _, r := range h.Before {
		o.all[next[r.Key]].version = r.Version
		o.all[next[r.Key]].absent = r.Version == 0
	}
	for k := range next {
		next[k]++
	}
}

// link fills in since and until.
func (o *order) link() {
	for k := range o.keys() {
		lo, hi := o.first[k], o.first[k+1]
		for p := lo; p < hi; p++ {
			o.all[p].since = p
			if p > lo && o.all[p].absent && o.all[p-1].absent {
				o.all[p].since = o.all[p-1].since
			}
		}
		until := int32(none)
		for p := hi - 1; p >= lo; p-- {
			o.all[p].until = until
			if p > lo && !(o.all[p].absent && o.all[p-1].absent) {
				until = p
			}
		}
	}
}

func (o *order) keys() int { return len(o.first) - 1 }

// shown returns the version of a key that a snapshot shows: the newest at or
// below it.
func (o *order) shown(k Key, snapshot uint64) int32 {
	lo, hi := o.first[k]+1, o.first[k+1]
	for lo < hi {
		mid := lo + (hi-lo)/2
		if o.all[mid].commit <= snapshot {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// find returns a version written by transaction i, or none.
func (o *order) find(k Key, commit uint64, i int32) int32 {
	for p := o.shown(k, commit); p > o.first[k] && o.all[p].commit == commit; p-- {
		if o.all[p].writer == i {
			return p
		}
	}
	return none
}

// nothing returns the last version at or before p that is absent, or none.
func (o *order) nothing(k Key, p int32) int32 {
	for ; p >= o.first[k]; p-- {
		if o.all[p].absent {
			return p
		}
	}
	return none
}

// inCommitOrder returns the numbers of the transactions that wrote, by timestamp.
func inCommitOrder(txns []Txn) []int32 {
	type commit struct {
		ts uint64
		i  int32
	}
	var commits []commit
	for i := range txns {
		if txns[i].wrote() {
			commits = append(commits, commit{txns[i].Commit, int32(i)})
		}
	}
	slices.SortFunc(commits, func(a, b commit) int {
		return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(a.i, b.i))
	})
	numbers := make([]int32, len(commits))
	for n, c := range commits {
		numbers[n] = c.i
	}
	return numbers
}

// countKeys returns one more than the greatest key.
func countKeys(h *History) int {
	keys := Key(len(h.Names))
	for _, r := range h.Before {
		keys = max(keys, r.Key+1)
	}
	for i := range h.Txns {
		t := &h.Txns[i]
		for _, r := range t.Reads {
			keys = max(keys, r.Key+1)
		}
		for _, w := range t.Writes {
			keys = max(keys, w.Key+1)
		}
	}
	return int(keys)
}
