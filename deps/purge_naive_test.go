package deps_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

func newVersion(x *txn) *storage.Version { return storage.NewVersion([]byte("v"), &x.State) }

// naivePurge knows all that was ever committed, and who is active, and so what must
// be left after a purge.
type naivePurge struct {
	base
	r       *rand.Rand
	history map[string][]naiveVersion // oldest first
	readers []reader
	updates []*txn
}

type naiveVersion struct {
	at        uint64
	tombstone bool
}

// commit writes some keys. It conflicts with nothing.
func (n *naivePurge) commit() {
	x := n.begin()
	wrote := make(map[string]bool) // true: removed
	for range n.r.IntN(3) + 1 {
		key := fmt.Sprint("k", n.r.IntN(8))
		if wrote[key] = n.r.IntN(3) == 0; wrote[key] {
			x.remove(key)
		} else {
			x.put("v", key)
		}
	}
	want(n.t, "commit", x.commit(), nil)
	for key, tombstone := range wrote {
		n.history[key] = append(n.history[key], naiveVersion{at: x.CommitTS(), tombstone: tombstone})
	}
}

// op does something at random.
func (n *naivePurge) op() {
	switch n.r.IntN(8) {
	case 0:
		n.readers = append(n.readers, n.reader())
	case 1:
		n.updates = append(n.updates, n.begin())
	case 2, 3:
		if i := len(n.readers); i > 0 {
			i = n.r.IntN(i)
			n.readers[i].end()
			n.readers = slices.Delete(n.readers, i, i+1)
		}
	case 4:
		if i := len(n.updates); i > 0 {
			i = n.r.IntN(i)
			n.Rollback(&n.updates[i].Record)
			n.updates = slices.Delete(n.updates, i, i+1)
		}
	case 5:
		n.Scan()
		n.Step(n.r.IntN(20))
	default:
		n.commit()
	}
}

// isSeen reports whether an active snapshot sees a version of at that was superseded
// at end.
func (n *naivePurge) isSeen(at, end uint64) bool {
	sees := func(snapshot uint64) bool { return at <= snapshot && snapshot < end }
	return slices.ContainsFunc(n.readers, func(r reader) bool { return sees(r.snapshot) }) ||
		slices.ContainsFunc(n.updates, func(x *txn) bool { return sees(x.Snapshot) })
}

// chainOf returns what must be left of a key, newest first: the versions that are
// seen, and the newest. A tombstone at the old end says what the end of the chain
// says as well; whether it is left depends on whether a purge came before the key
// was written again, so it does not count.
func (n *naivePurge) chainOf(key string) (left []uint64) {
	versions := n.history[key]
	for i, v := range versions {
		newest := i == len(versions)-1
		if (len(left) > 0 || !v.tombstone) && (newest || n.isSeen(v.at, versions[i+1].at)) {
			left = append(left, v.at)
		}
	}
	slices.Reverse(left)
	return left
}

// mustStay reports whether the last version of a key, a tombstone with nothing
// below it, has to tell an older update transaction of the deletion.
func (n *naivePurge) mustStay(at uint64) bool {
	return slices.ContainsFunc(n.updates, func(x *txn) bool { return x.Snapshot < at })
}

// isOlder reports whether anybody active began before at.
func (n *naivePurge) isOlder(at uint64) bool {
	return n.mustStay(at) || slices.ContainsFunc(n.readers, func(r reader) bool { return r.snapshot < at })
}

func (n *naivePurge) compare() {
	n.Purge()
	for key, versions := range n.history {
		var got []uint64
		if n.Store.Get([]byte(key)) != nil {
			got = n.chain(key)
		}
		newest := versions[len(versions)-1]
		if newest.tombstone && n.mustStay(newest.at) && len(got) == 0 {
			n.t.Errorf("%s was removed before older update transactions ended", key)
		}
		if newest.tombstone && !n.isOlder(newest.at) && len(got) > 0 {
			n.t.Errorf("%s was deleted before all that is active, and is not removed", key)
		}
		for len(got) > 0 && slices.Contains(versions, naiveVersion{at: got[len(got)-1], tombstone: true}) {
			got = got[:len(got)-1]
		}
		wantSlice(n.t, "chain of "+key, got, n.chainOf(key)...)
	}
}

// TestPurgeAgainstNaive: after a purge exactly those versions are left that somebody
// may still see, or has to be told of.
func TestPurgeAgainstNaive(t *testing.T) {
	n := &naivePurge{base: newBase(t), r: random(t), history: make(map[string][]naiveVersion)}
	for range 200 {
		for range n.r.IntN(40) {
			n.op()
		}
		n.compare()
	}
	for _, r := range n.readers {
		r.end()
	}
	for _, x := range n.updates {
		n.Rollback(&x.Record)
	}
	n.readers, n.updates = nil, nil
	n.compare()
	want(t, "versions, one an object (I10)", n.Stats().Versions, n.Stats().Objects)
	want(t, "set aside", len(n.PurgeState().Aside), 0)
}
