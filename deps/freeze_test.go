package deps_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// In these tests somebody stops for good, or for long, at a bad place (I5). What
// must go on is called by the test itself, so that it hangs if it does not.

// readersGoOn begins, reads, scans and ends.
func readersGoOn(b base, key, value string) {
	b.t.Helper()
	for range 100 {
		r := b.reader()
		want(b.t, "value of "+key, valueAt(b.object(key), r.snapshot), value)
		c := b.Store.Ascend(nil, nil)
		for o := c.Next(); o != nil; o = c.Next() {
			valueAt(o, r.snapshot)
		}
		r.end()
	}
}

// TestFrozenSection: a committer stopped inside the section. Nobody who reads
// notices, update transactions begin, read, vote, and roll back. Their commits wait
// until the section is left: that is not promised to go on, the order of commits
// is decided there.
func TestFrozenSection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, "a", "b")
		leave := b.HoldSection()
		x := b.begin().put("new", "a")
		c := commitAll(x)
		want(t, "asleep", b.Arrivals(), 1)
		readersGoOn(b, "a", "a")
		y := b.begin().put("new", "b")
		want(t, "read", y.read("a", "b", "c"), "a b -")
		y.vote()
		b.Undo(&y.Record)
		z := b.begin()
		want(t, "rollback", b.Rollback(&z.Record), true)
		b.Purge()
		want(t, "active", b.Stats().Pool.Active, 1)
		leave()
		c.wg.Wait()
		want(t, "commit", c.errs[0], nil)
		readersGoOn(b, "a", "new")
	})
}

// TestFrozenVoter: an update transaction stopped after its vote, holding the lock
// words of what it writes, a new object among them. Readers go on, of these objects,
// too; so do writers of other objects, and the purge. Who writes one of these waits,
// and may give up.
func TestFrozenVoter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, "a", "b")
		x := b.begin().put("pending", "a", "fresh")
		x.vote()
		for i := range 3 * deps.ScanEvery {
			b.set(fmt.Sprint(i), "b", fmt.Sprint("c", i%10))
			b.drop(fmt.Sprint("c", i%10))
		}
		b.Purge()
		readersGoOn(b, "a", "a")
		readersGoOn(b, "fresh", "-")

		y := b.begin().put("late", "a")
		ctx, cancel := context.WithCancel(context.Background())
		var err error
		done := make(chan bool)
		go func() { err = y.commitWith(ctx); close(done) }()
		synctest.Wait()
		want(t, "waiting", b.Waiting(b.object("a")), 1)
		readersGoOn(b, "a", "a")
		cancel()
		<-done
		wantCause(t, "gave up", err, context.Canceled)

		want(t, "finish", finish(x), nil)
		b.isFree("a", "b", "fresh")
		want(t, "values", b.now("a", "fresh"), "pending pending")
	})
}

// TestFrozenCommitter: a committer stopped after the section, before it stamps its
// versions. They are visible; who reads finds the timestamp in the state word.
func TestFrozenCommitter(t *testing.T) {
	b := filled(t, "a", "b", "c")
	before := b.reader()
	x := b.begin().put("new", "a", "fresh").remove("c")
	x.vote()
	want(t, "finish", b.Finish(&x.Record), nil)
	readersGoOn(b, "a", "new")
	readersGoOn(b, "fresh", "new")
	readersGoOn(b, "c", "-")
	want(t, "what is read by an older one", valueAt(b.object("c"), before.snapshot), "c")
	for i := range 3 * deps.ScanEvery {
		b.set(fmt.Sprint(i), "b")
	}
	y := b.begin().put("y", "b")
	want(t, "read", y.read("a", "c", "fresh"), "new - new")
	want(t, "commit", y.commit(), nil)
	before.end()
	b.Purge()
	want(t, "values", b.now("a", "b", "c", "fresh"), "new y - new")
	b.Release(&x.Record)
	b.Purge()
	want(t, "keys", b.keys(), "a b fresh")
	want(t, "versions, one an object (I10)", b.Stats().Versions, b.Stats().Objects)
}

// TestFrozenPurger: the purge stopped in the middle. Commits go on, only nothing is
// unlinked; and what has gathered goes when it goes on.
func TestFrozenPurger(t *testing.T) {
	const commits = 10 * deps.ScanEvery
	b := filled(t, "a", "b")
	release := b.HoldPurge()
	for i := range commits {
		b.set(fmt.Sprint(i), "a")
	}
	readersGoOn(b, "b", "b")
	want(t, "versions of a", len(b.chain("a")), commits+1)
	release()
	for i := range 8 {
		b.set(fmt.Sprint(i), "b")
	}
	if n := len(b.chain("a")); n > commits/2 {
		t.Errorf("%d versions of a are left after 8 commits", n)
	}
	b.Purge()
	want(t, "versions of a", len(b.chain("a")), 1)
}

// TestFrozenGraveDigger: whoever removes an object stopped after it has won the
// lock word. Readers and other objects are not affected, and the next purge does
// what is left.
func TestFrozenGraveDigger(t *testing.T) {
	b := filled(t, "a", "b")
	b.drop("a")
	o := b.object("a")
	want(t, "lock", o.TryLock(storage.Unlocked, storage.Update), storage.Locked)
	readersGoOn(b, "a", "-")
	b.Purge()
	b.set("new", "b")
	want(t, "keys", b.keys(), "a b")
	b.Unlock(o)
	b.Purge()
	want(t, "keys", b.keys(), "b")
}
