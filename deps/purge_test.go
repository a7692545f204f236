package deps_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// TestVersionsBetweenSnapshotsGo: of many versions those stay that a snapshot sees,
// and the newest.
func TestVersionsBetweenSnapshotsGo(t *testing.T) {
	b := newBase(t)
	var held []reader
	for i := range 30 {
		b.set(fmt.Sprint(i), "k")
		if i == 9 || i == 10 || i == 19 {
			held = append(held, b.reader())
			held = append(held, b.reader())
		}
	}
	b.Purge()
	newest := b.Visible()
	wantSlice(t, "chain", b.chain("k"), newest, newest-10, newest-19, newest-20)
	want(t, "pinned", b.Stats().PinnedVersions, 3)
	want(t, "horizon", b.PurgeState().Horizon, held[0].snapshot)
	held[2].end() // one of two at 10
	b.Purge()
	wantSlice(t, "chain", b.chain("k"), newest, newest-10, newest-19, newest-20)
	held[3].end()
	b.Purge()
	wantSlice(t, "chain", b.chain("k"), newest, newest-10, newest-20)
	for _, i := range []int{0, 1, 4, 5} {
		want(t, "what is read", valueAt(b.object("k"), held[i].snapshot), []string{"9", "19"}[i/4])
		held[i].end()
	}
	b.Purge()
	wantSlice(t, "chain", b.chain("k"), newest)
	want(t, "pinned", b.Stats().PinnedVersions, 0)
	want(t, "horizon", b.PurgeState().Horizon, newest)
}

// TestEverythingGoesInTheEnd: I10, with readers, update transactions, and failed
// ones in between. A deleted object is gone from both indexes.
func TestEverythingGoesInTheEnd(t *testing.T) {
	b := newBase(t)
	for i := range 200 {
		r, u := b.reader(), b.begin()
		b.set("1", "a", fmt.Sprint("k", i%10), fmt.Sprint("gone", i))
		b.drop(fmt.Sprint("gone", i), fmt.Sprint("never there", i))
		failed := b.begin().put("x", "a", "failed")
		b.set("2", "a")
		want(t, "kind", kindOf(failed.commit()), any(deps.WriteWrite))
		if i%3 == 0 {
			b.Purge()
		}
		r.end()
		b.Rollback(&u.Record)
	}
	b.Purge()
	want(t, "keys", b.keys(), "a k0 k1 k2 k3 k4 k5 k6 k7 k8 k9")
	st := b.Stats()
	want(t, "versions", st.Versions, 11)
	want(t, "pinned", st.PinnedVersions, 0)
	want(t, "committed list", st.CommittedListLength, 0)
	want(t, "horizon", st.Horizon, st.Visible)
	want(t, "aside", len(b.PurgeState().Aside), 0)
}

// TestLastCommitIsPurged: what the very last commit superseded goes, too, although
// nothing is active.
func TestLastCommitIsPurged(t *testing.T) {
	b := filled(t, "k")
	b.set("2", "k")
	b.Purge()
	wantSlice(t, "chain", b.chain("k"), b.Visible())
	b.drop("k")
	b.Purge()
	want(t, "keys", b.keys(), "")
	want(t, "versions", b.Stats().Versions, 0)
}

// TestChainsStayShort: with readers held open, committers keep a chain at most as
// long as there are snapshots, plus 2, plus what was committed since the last scan.
func TestChainsStayShort(t *testing.T) {
	b := filled(t, "k")
	held := b.readers(10, "k")
	longest := 0
	for i := range 5_000 {
		b.set(fmt.Sprint(i), "k")
		longest = max(longest, len(b.chain("k")))
		if st := b.Stats(); st.CommittedListLength > deps.ScanEvery+1 {
			t.Fatalf("%d commits are not looked at", st.CommittedListLength)
		}
	}
	if most := len(held) + 2 + deps.ScanEvery; longest > most {
		t.Errorf("a chain had %d versions, want %d at most", longest, most)
	}
	for i, r := range held[1:] {
		want(t, "what is read", valueAt(b.object("k"), r.snapshot), fmt.Sprint("between ", i))
	}
}

// TestHotKeysWithOneReader: a reader held open costs one version a key at most, and
// not one for each commit.
func TestHotKeysWithOneReader(t *testing.T) {
	const keys, commits = 200, 20_000
	b, r := newBase(t), random(t)
	name := func() string { return fmt.Sprint("k", r.IntN(keys)) }
	for range 2 * keys {
		b.set("old", name())
	}
	held := b.reader()
	for range commits {
		b.set("new", name(), name())
		if n := b.Stats().Versions; n > 4*keys {
			t.Fatalf("%d versions of %d keys", n, keys)
		}
	}
	b.Purge()
	if st := b.Stats(); st.Versions > 2*keys || st.PinnedVersions > keys {
		t.Errorf("%d versions of %d keys, %d pinned", st.Versions, keys, st.PinnedVersions)
	}
	held.end()
	b.Purge()
	want(t, "versions, one an object", b.Stats().Versions, b.Stats().Objects)
}

// TestShortLivedKeys: a reader held open for ever does not gather the graves of
// keys that come and go. An update transaction does: one that is older than a
// tombstone might have to be told that the key has changed.
func TestShortLivedKeys(t *testing.T) {
	const keys = 2_000
	live := func(b base) (most int64) {
		for i := range keys {
			b.set("v", fmt.Sprint("k", i))
			b.drop(fmt.Sprint("k", i))
			most = max(most, b.Stats().Objects)
		}
		return most
	}
	b := filled(t, "a")
	b.reader()
	if most := live(b); most > deps.ScanEvery {
		t.Errorf("%d objects beside a reader", most)
	}
	b.Purge()
	want(t, "keys beside a reader", b.keys(), "a")

	b = filled(t, "a")
	u := b.begin()
	want(t, "objects beside an update transaction", live(b), keys+1)
	x := b.begin().put("again", "k0")
	b.Purge()
	want(t, "objects after a purge", b.Stats().Objects, keys+1)
	b.Rollback(&u.Record)
	b.Purge() // x is younger than the tombstones
	want(t, "keys", b.keys(), "a")
	want(t, "commit", x.commit(), nil)
}

// TestTombstoneTellsOlderWriters: an update transaction that read a key, or writes
// it, is told of a deletion, however much is purged.
func TestTombstoneTellsOlderWriters(t *testing.T) {
	b := filled(t, "k", "l")
	x, y := b.begin().put("mine", "k"), b.begin().put("mine", "other")
	y.read("k", "none")
	b.update("none")
	b.drop("k", "none")
	b.Purge()
	b.Purge()
	want(t, "writer", kindOf(x.commit()), any(deps.WriteWrite))
	want(t, "reader", kindOf(y.commit()), any(deps.ReadWrite))
	b.Purge()
	want(t, "keys", b.keys(), "l")
}

// TestAsideListsShrink: what is unlinked does not stay in the list of a snapshot
// that goes on, and nothing stays of one that is gone.
func TestAsideListsShrink(t *testing.T) {
	const keys, rounds = 50, 100
	b := newBase(t)
	all := make([]string, keys)
	for i := range all {
		all[i] = fmt.Sprint("k", i)
	}
	b.update(all...)
	held := b.reader()
	for range rounds {
		short := b.reader()
		b.set("v", all...)
		b.Purge()
		short.end()
		b.Purge()
		if st := b.PurgeState(); len(st.Aside) > 1 || st.Aside[held.snapshot] > 2*keys || st.Freed != 0 {
			t.Fatalf("set aside: %+v", st)
		}
	}
	want(t, "versions", b.Stats().Versions, 2*keys)
	held.end()
	b.Purge()
	want(t, "lists", len(b.PurgeState().Aside), 0)
	want(t, "pinned", b.Stats().PinnedVersions, 0)
}

// TestBigTransactionIsPurgedInSteps: what 100,000 writes superseded goes in steps
// that later committers take, none of them larger than the greatest budget.
func TestBigTransactionIsPurgedInSteps(t *testing.T) {
	const writes = 100_000
	b := newBase(t)
	keys := make([]string, writes)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%06d", i)
	}
	for range 2 {
		x := b.begin()
		for _, key := range keys {
			x.Add(deps.Write{Object: b.object(key), Version: newVersion(x)})
		}
		want(t, "commit", x.commit(), nil)
	}
	steps := 0
	for left := b.PurgeState().Writes; left > 0 && steps < 300; steps++ {
		b.set("v", "small")
		now := b.PurgeState().Writes
		if done := left + 1 - now; done > deps.MostWork {
			t.Errorf("step %d looked at %d versions", steps, done)
		}
		left = now - now%deps.ScanEvery // the small ones wait for the next scan
	}
	if steps > 200 {
		t.Errorf("not done after %d commits: %+v", steps, b.PurgeState())
	}
	if n := b.Stats().Versions; n > writes+2*deps.ScanEvery {
		t.Errorf("%d versions", n)
	}
}

// TestHorizon: I2. It never falls, and is never above an active snapshot.
func TestHorizon(t *testing.T) {
	r, b := random(t), filled(t, "k")
	var held []reader
	last := uint64(0)
	for range 2_000 {
		switch r.IntN(4) {
		case 0:
			held = append(held, b.reader())
		case 1:
			if len(held) > 0 {
				i := r.IntN(len(held))
				held[i].end()
				held = slices.Delete(held, i, i+1)
			}
		case 2:
			b.set("v", "k")
		case 3:
			b.Scan()
			b.Step(r.IntN(10))
		}
		h := b.PurgeState().Horizon
		want(t, "horizon falls", h < last, false)
		last = h
		for _, r := range held {
			want(t, "horizon above an active snapshot", h > r.snapshot, false)
		}
	}
}

// TestEverySnapshotIsWhole: every commit writes one key, and another goroutine does
// nothing but purge, while readers begin and read. Each finds the version of its
// very snapshot. The active list is long, and they have the slots that a scan looks
// at first, so that much happens before it has looked at the last.
func TestEverySnapshotIsWhole(t *testing.T) {
	const used = 8
	b := filled(t, "k")
	for range 1_000 {
		b.reader()
	}
	free := 0
	b.Active(func(slot *deps.Slot, gen, snapshot uint64) {
		if free < used {
			slot.End(gen, snapshot)
			free++
		}
	})
	var over atomic.Bool
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			for !over.Load() {
				lookAgain(b, b.object("k"))
			}
		})
	}
	others.Go(func() {
		for !over.Load() {
			b.Scan()
			b.Step(1_000)
		}
	})
	for range 30_000 {
		b.set("v", "k")
		runtime.Gosched()
	}
	over.Store(true)
	others.Wait()
}

// lookAgain reads the version of its snapshot again and again, while others have
// their turn.
func lookAgain(b base, o *storage.Object) {
	r := b.reader()
	defer r.end()
	for range 20 {
		if v := o.Visible(r.snapshot); v == nil || v.CommitTS() != r.snapshot {
			b.t.Errorf("I2: the version of snapshot %d is gone", r.snapshot)
		}
		runtime.Gosched()
	}
}

// TestPurgeRace: readers hold snapshots while writers commit and purge. What a
// reader has read once it reads again, to its end.
func TestPurgeRace(t *testing.T) {
	b, randoms := newBase(t), split(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := randoms(g)
			for range 300 {
				holdAndRead(b, r)
			}
		})
		wg.Go(func() {
			r := randoms(10 + g)
			for i := range 1_000 {
				x := b.begin()
				for range r.IntN(3) + 1 {
					if key := randomKey(r); r.IntN(3) == 0 {
						x.remove(key)
					} else {
						x.put(fmt.Sprint(g, "/", i), key)
					}
				}
				x.commit() // or a conflict
				if r.IntN(50) == 0 {
					b.Purge()
				}
			}
		})
	}
	wg.Wait()
	b.Purge()
	b.keys()
	st := b.Stats()
	want(t, "versions, one an object (I10)", st.Versions, st.Objects)
	want(t, "pinned", st.PinnedVersions, 0)
}

func holdAndRead(b base, r *rand.Rand) {
	held := b.reader()
	defer held.end()
	first := readAll(b, held.snapshot)
	for range r.IntN(5) {
		if again := readAll(b, held.snapshot); again != first {
			b.t.Errorf("at %d first %v, then %v", held.snapshot, first, again)
		}
	}
}

func readAll(b base, snapshot uint64) (found [randomKeys]string) {
	for i := range found {
		found[i] = "-"
		if o := b.Store.Get(fmt.Appendf(nil, "k%02d", i)); o != nil {
			found[i] = valueAt(o, snapshot)
		}
	}
	return found
}
