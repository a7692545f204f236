package deps_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/deps"
)

// TestCommit: what was written is visible to what begins afterwards, all of it
// (I3, I4), and to nobody who began before.
func TestCommit(t *testing.T) {
	b := filled(t, "b", "c")
	r := b.reader()
	x := b.begin().put("new", "a", "b").remove("c")
	want(t, "before commit", b.now("a", "b", "c"), "- b c")
	want(t, "commit", x.commit(), nil)
	want(t, "timestamp", x.CommitTS(), r.snapshot+1)
	want(t, "visible", b.Visible(), x.CommitTS())
	want(t, "after commit", b.now("a", "b", "c"), "new new -")
	for key, value := range map[string]string{"a": "-", "b": "b", "c": "c"} {
		want(t, "what an older reader sees of "+key, valueAt(b.object(key), r.snapshot), value)
	}
	b.isFree("a", "b", "c")
	want(t, "active", b.Stats().Pool.Active, 1)
	r.end()
}

// TestWriteWriteConflict names everybody.
func TestWriteWriteConflict(t *testing.T) {
	b := filled(t, "a", "b")
	x := b.begin().put("mine", "a", "b")
	y := b.begin().put("theirs", "b")
	y.About = &deps.About{Label: "y"}
	want(t, "first", y.commit(), nil)
	var clash *deps.Conflict
	if err := x.commit(); !errors.As(err, &clash) {
		t.Fatalf("second: %v", err)
	}
	want(t, "kind", clash.Kind, deps.WriteWrite)
	want(t, "key", string(clash.Object.Key()), "b")
	want(t, "mine", string(clash.Mine.Value()), "mine")
	want(t, "theirs", string(clash.Theirs.Value()), "theirs")
	want(t, "base", string(clash.Base.Value()), "b")
	want(t, "timestamp", clash.TS, y.CommitTS())
	want(t, "label", b.LabelOf(clash.TS), "y")
	want(t, "label of another", b.LabelOf(clash.TS+256), "")
	want(t, "state", x.RolledBack(), true)
	want(t, "value", b.now("a", "b"), "a theirs")
}

// failures are the ways in which a transaction that wrote new keys a, c, e and old
// ones b, d fails, after a vote on some or all of them.
func failures() map[string]func(b base, x *txn) error {
	return map[string]func(b base, x *txn) error{
		"conflict on the second key": func(b base, x *txn) error {
			b.set("other", "b")
			return x.commit()
		},
		"conflict on the last key": func(b base, x *txn) error {
			b.set("other", "z")
			x.put("late", "z")
			return x.commit()
		},
		"conflict on a read": func(b base, x *txn) error {
			x.read("z")
			b.set("other", "z")
			return x.commit()
		},
		"ended before the vote": func(b base, x *txn) error {
			slot, gen := x.Slot()
			b.Force(slot, gen, errCause)
			return x.commit()
		},
		"ended after the vote": func(b base, x *txn) error {
			x.vote()
			slot, gen := x.Slot()
			b.Force(slot, gen, errCause)
			err := b.Finish(&x.Record)
			b.Undo(&x.Record)
			return err
		},
		"cancelled while it waits for the last key": func(b base, x *txn) error {
			other := b.begin().put("other", "z")
			other.vote()
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			err := x.put("late", "z").commitWith(ctx)
			b.Undo(&other.Record)
			return err
		},
		"rolled back without a vote": func(b base, x *txn) error {
			want(b.t, "rollback", b.Rollback(&x.Record), true)
			return deps.ErrEnded
		},
	}
}

// TestFailedVoteLeavesNoTrace: I7. The chains are as before, nobody owns anything,
// and the objects that the vote made are in no index.
func TestFailedVoteLeavesNoTrace(t *testing.T) {
	for name, fail := range failures() {
		t.Run(name, func(t *testing.T) {
			b := filled(t, "b", "d", "z")
			x := b.begin().put("mine", "e", "b").remove("c").put("mine", "d", "a")
			if err := fail(b, x); err == nil {
				t.Error("committed")
			}
			want(t, "state", x.RolledBack(), true)
			want(t, "keys", b.keys(), "b d z")
			wantSlice(t, "chain of d", b.chain("d"), 2)
			b.isFree("b", "d", "z")
			want(t, "active", b.Stats().Pool.Active, 0)
			slot, gen := x.Slot()
			want(t, "slot", slot.Gen() != gen, true)
			b.set("next", "a", "b", "c", "d", "e")
			want(t, "values", b.now("a", "b", "c", "d", "e"), "next next next next next")
		})
	}
}

// TestFailedVoteWithAWaiter: an object made by a vote that fails stays if somebody
// waits for it, who then writes it; or takes it away, if that fails too.
func TestFailedVoteWithAWaiter(t *testing.T) {
	for _, second := range []error{nil, deps.ErrEnded} {
		synctest.Test(t, func(t *testing.T) {
			b := newBase(t)
			maker, waiter := b.begin().put("maker", "new"), b.begin().put("waiter", "new")
			maker.vote()
			var err error
			var wg sync.WaitGroup
			wg.Go(func() { err = waiter.commit() })
			synctest.Wait()
			want(t, "waiting", b.Waiting(b.object("new")), 1)
			if second != nil {
				waiter.RollBack() // finds out in the section
			}
			b.Undo(&maker.Record)
			wg.Wait()
			want(t, "second", err, second)
			if second == nil {
				want(t, "keys", b.keys(), "new")
				want(t, "value", b.now("new"), "waiter")
				b.isFree("new")
			} else {
				want(t, "keys", b.keys(), "")
			}
		})
	}
}

// TestWriteToRemovedObject: a write that was prepared on an object that has been
// removed since goes to a new object.
func TestWriteToRemovedObject(t *testing.T) {
	b := filled(t, "a", "k")
	b.drop("k")
	o := b.object("k")
	x := b.begin().put("new", "k")
	b.Purge()
	want(t, "dead", o.IsDead(), true)
	want(t, "commit", x.commit(), nil)
	want(t, "value", b.now("k"), "new")
	want(t, "keys", b.keys(), "a k")
	want(t, "same object", b.Store.Get([]byte("k")) == o, false)
}

// TestVotesWaitInNoCircle: transactions that write many common keys in whatever
// order all end, and each key has the value of the last that committed.
func TestVotesWaitInNoCircle(t *testing.T) {
	b, randoms := newBase(t), split(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := randoms(g)
			for i := range 300 {
				x := b.begin()
				for _, key := range r.Perm(12)[:r.IntN(12)+1] {
					x.put(fmt.Sprint(g, " ", i), fmt.Sprint("k", key))
				}
				if err := x.commit(); err != nil && kindOf(err) != any(deps.WriteWrite) {
					t.Errorf("commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	b.Purge()
	st := b.Stats()
	want(t, "versions, one an object", st.Versions, st.Objects)
	want(t, "active", st.Pool.Active, 0)
}
