package history

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// rounds is how many random histories a test checks.
func rounds() int {
	if testing.Short() {
		return 50
	}
	return 200
}

func mustBeGood(t *testing.T, h *History, level Level) {
	t.Helper()
	if r := h.Check(level); !r.OK() {
		t.Fatalf("%v: %v\nin\n%s", level, &r, h.Text())
	}
}

func TestSerialHistoriesAreGood(t *testing.T) {
	rng := newRand(t)
	for range rounds() {
		s := newSim(rng, 1+Key(rng.IntN(12)), 1, Serializable, Snapshot)
		h := s.run(60)
		mustBeGood(t, h, Serializable)
		mustBeGood(t, h, Snapshot)
		mustBeGood(t, strict(h), Serializable)
	}
}

// strict has all transactions ask for Serializable.
func strict(h *History) *History {
	for i := range h.Txns {
		h.Txns[i].Level = Serializable
	}
	return h
}

func TestConcurrentHistoriesAreGood(t *testing.T) {
	rng := newRand(t)
	for range rounds() {
		width := 2 + rng.IntN(8)
		for _, levels := range [][]Level{{Serializable}, {Snapshot}, {Serializable, Snapshot}} {
			s := newSim(rng, 1+Key(rng.IntN(12)), width, levels...)
			h := s.run(60)
			mustBeGood(t, h, Serializable)
			mustBeGood(t, h, Snapshot)
		}
	}
}

// TestSnapshotShowsSkewOnly asks of histories at Snapshot to be serializable. They
// are not, and no worse than snapshot isolation may be.
func TestSnapshotShowsSkewOnly(t *testing.T) {
	rng := newRand(t)
	found := map[Fault]int{}
	for range rounds() {
		h := strict(newSim(rng, 1+Key(rng.IntN(12)), 2+rng.IntN(8), Snapshot).run(60))
		r := h.Check(Serializable)
		for _, a := range r.Anomalies {
			found[a.Fault]++
			if a.Fault != G2Item && a.Fault != G2 {
				t.Fatalf("%v\nin\n%s", a, h.Text())
			}
		}
	}
	if found[G2Item] == 0 || found[G2] == 0 {
		t.Errorf("found %v: there should be some of both", found)
	}
}

// TestParts cuts one run in two. What is wrong between the two must show.
func TestParts(t *testing.T) {
	rng := newRand(t)
	for range rounds() {
		s := newSim(rng, 1+Key(rng.IntN(12)), 1+rng.IntN(8), Serializable)
		for range 3 {
			mustBeGood(t, s.run(40), Serializable)
		}
		first, second := s.run(40), s.run(40)
		if i, k := somebodyReads(second, first); i >= 0 {
			second.Txns[i].Reads[k].Version = older(first, second.Txns[i].Reads[k])
			if r := second.Check(Serializable); r.OK() {
				t.Fatalf("a read of what was overwritten in the part before was not found\n%s\n%s", first.Text(), second.Text())
			}
		}
	}
}

// somebodyReads finds a read in h of a key that was written in before.
func somebodyReads(h, before *History) (txn, read int) {
	for i := range h.Txns {
		for n, r := range h.Txns[i].Reads {
			if older(before, r) != r.Version {
				return i, n
			}
		}
	}
	return -1, -1
}

// older returns a version of the key in h that is not the last of h, or that of r if there
// is none.
func older(h *History, r Read) Version {
	var all []Version
	for _, i := range inCommitOrder(h.Txns) {
		for _, w := range h.Txns[i].Writes {
			if w.Key == r.Key && !w.Tombstone {
				all = append(all, h.Txns[i].ID.version(w.Seq))
			}
		}
	}
	if len(all) < 2 || all[0] == r.Version {
		return r.Version
	}
	return all[0]
}

// fault breaks a history in one place, if there is a place for it.
type fault struct {
	name   string
	apply  func(*rand.Rand, *History) bool
	cycles bool // it makes a cycle, too
}

func faults() []fault {
	return []fault{
		{"another version of a read", changeRead, true},
		{"a read finds nothing", loseRead, true},
		{"a key is missing in a range", growEmpty, true},
		{"a read of a version that was replaced", readIntermediate, false},
		{"a writer was rolled back", rollBackWriter, false},
		{"two commits change places", swapCommits, false},
		{"a commit has the timestamp of another", copyCommit, false},
		{"a transaction begins at an old snapshot", ageSnapshot, false},
		{"a write is lost", loseWrite, false},
	}
}

// TestInjectedFaultsAreFound breaks good histories in one place each.
func TestInjectedFaultsAreFound(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			rng := newRand(t)
			applied := 0
			for range rounds() {
				h := newSim(rng, 2+Key(rng.IntN(6)), 1, Serializable).run(60)
				if !f.apply(rng, h) {
					continue
				}
				applied++
				for _, level := range []Level{Serializable, Snapshot} {
					if r := h.Check(level); r.OK() || f.cycles && r.Cycles == 0 {
						t.Fatalf("%v: not found: %vin\n%s", level, &r, h.Text())
					}
				}
			}
			if applied < rounds()/4 {
				t.Errorf("applied %d times in %d histories", applied, rounds())
			}
		})
	}
}

// pick returns a random read for which ok holds.
func pick(rng *rand.Rand, h *History, ok func(t *Txn, r Read) bool) *Read {
	var all []*Read
	for i := range h.Txns {
		t := &h.Txns[i]
		for n := range t.Reads {
			if ok(t, t.Reads[n]) {
				all = append(all, &t.Reads[n])
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[rng.IntN(len(all))]
}

func changeRead(rng *rand.Rand, h *History) bool {
	r := pick(rng, h, func(t *Txn, r Read) bool {
		v := older(h, r)
		return v != r.Version && v.Writer() != t.ID
	})
	if r == nil {
		return false
	}
	r.Version = older(h, *r)
	return true
}

func loseRead(rng *rand.Rand, h *History) bool {
	r := pick(rng, h, func(_ *Txn, r Read) bool { return r.Version != 0 })
	if r == nil {
		return false
	}
	r.Version = 0
	return true
}

// growEmpty has a range be empty where it was not.
func growEmpty(rng *rand.Rand, h *History) bool {
	for _, i := range rng.Perm(len(h.Txns)) {
		t := &h.Txns[i]
		for n, r := range t.Reads {
			if r.Version != 0 {
				t.Reads = slices.Delete(slices.Clone(t.Reads), n, n+1)
				t.Empty = append(slices.Clip(t.Empty), Range{r.Key, r.Key + 1})
				return true
			}
		}
	}
	return false
}

// readIntermediate has a read return a write before the last of its writer.
func readIntermediate(rng *rand.Rand, h *History) bool {
	r := pick(rng, h, func(_ *Txn, r Read) bool { return r.Version.seq() > 1 })
	if r == nil {
		return false
	}
	r.Version--
	return true
}

func rollBackWriter(rng *rand.Rand, h *History) bool {
	r := pick(rng, h, func(_ *Txn, r Read) bool { return r.Version != 0 })
	if r == nil {
		return false
	}
	for i := range h.Txns {
		if h.Txns[i].ID == r.Version.Writer() {
			h.Txns[i].Outcome = RolledBack
		}
	}
	return true
}

func swapCommits(rng *rand.Rand, h *History) bool {
	commits := inCommitOrder(h.Txns)
	if len(commits) < 2 {
		return false
	}
	n := rng.IntN(len(commits) - 1)
	a, b := &h.Txns[commits[n]], &h.Txns[commits[n+1]]
	a.Commit, b.Commit = b.Commit, a.Commit
	return true
}

func copyCommit(rng *rand.Rand, h *History) bool {
	commits := inCommitOrder(h.Txns)
	if len(commits) < 2 {
		return false
	}
	n := rng.IntN(len(commits) - 1)
	h.Txns[commits[n]].Commit = h.Txns[commits[n+1]].Commit
	return true
}

func ageSnapshot(rng *rand.Rand, h *History) bool {
	commits := inCommitOrder(h.Txns)
	if len(commits) == 0 {
		return false
	}
	for _, i := range rng.Perm(len(h.Txns)) {
		if t := &h.Txns[i]; t.Snapshot > h.Txns[commits[0]].Snapshot {
			t.Snapshot--
			return true
		}
	}
	return false
}

// loseWrite forgets a write that somebody read.
func loseWrite(rng *rand.Rand, h *History) bool {
	r := pick(rng, h, func(_ *Txn, r Read) bool { return r.Version != 0 })
	if r == nil {
		return false
	}
	for i := range h.Txns {
		if t := &h.Txns[i]; t.ID == r.Version.Writer() {
			t.Writes = slices.DeleteFunc(slices.Clone(t.Writes), func(w Write) bool { return w.Key == r.Key })
		}
	}
	return true
}
