package deps_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
)

// crowd is transactions that commit at once, each on a goroutine of its own.
type crowd struct {
	all  []*txn
	errs []error
	wg   sync.WaitGroup
}

// commitAll starts their commits. In a bubble it returns when all sleep.
func commitAll(all ...*txn) *crowd {
	c := &crowd{all: all, errs: make([]error, len(all))}
	for i, x := range all {
		c.wg.Go(func() { c.errs[i] = x.commit() })
		synctest.Wait()
	}
	return c
}

// TestGroup: those who arrive while the section is busy sleep, form one group,
// and become visible by one store, in the order in which they came.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 200
		b := newBase(t)
		before := b.Visible()
		leave := b.HoldSection()
		var all []*txn
		for i := range n {
			all = append(all, b.begin().put(fmt.Sprint(i), fmt.Sprint("k", i), fmt.Sprint("l", i)))
		}
		c := commitAll(all...)
		want(t, "asleep", b.Arrivals(), n)
		want(t, "visible", b.Visible(), before)

		var over atomic.Bool
		seen := map[uint64]bool{}
		var looks atomic.Int64
		var looker sync.WaitGroup
		looker.Go(func() {
			for !over.Load() {
				seen[b.Visible()] = true
				looks.Inc()
			}
			seen[b.Visible()] = true
		})
		for looks.Load() < 1_000 {
			continue
		}
		leave()
		c.wg.Wait()
		over.Store(true)
		looker.Wait()
		for at := range seen {
			want(t, "what was visible is before the group or all of it", at == before || at == before+n, true)
		}
		for i, x := range all {
			want(t, "error", c.errs[i], nil)
			want(t, "timestamp", x.CommitTS(), before+uint64(i)+1)
		}
	})
}

// TestGroupIsValidatedInOrder: of two that read what the other writes, in one
// group, the later one fails (write skew); and one that nobody disturbs passes.
func TestGroupIsValidatedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, "a", "b", "c")
		x, y, z := b.begin().put("x", "a"), b.begin().put("y", "b"), b.begin().put("z", "c")
		x.read("b")
		y.read("a")
		z.read("none")
		leave := b.HoldSection()
		c := commitAll(x, y, z)
		leave()
		c.wg.Wait()
		want(t, "first", c.errs[0], nil)
		want(t, "second", kindOf(c.errs[1]), any(deps.ReadWrite))
		want(t, "third", c.errs[2], nil)
		want(t, "timestamps used", z.CommitTS(), x.CommitTS()+1)
		want(t, "values", b.now("a", "b", "c"), "x b z")
		b.isFree("a", "b", "c")
	})
}

// TestForcedInTheSection: a transaction that was ended while it slept uses no
// timestamp, and leaves no trace.
func TestForcedInTheSection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBase(t)
		leave := b.HoldSection()
		x, y := b.begin().put("x", "a"), b.begin().put("y", "b")
		c := commitAll(x, y)
		slot, gen := x.Slot()
		want(t, "force", b.Force(slot, gen, errCause), true)
		leave()
		c.wg.Wait()
		want(t, "forced", c.errs[0], deps.ErrEnded)
		want(t, "cause", slot.Cause(gen), errCause)
		want(t, "other", c.errs[1], nil)
		want(t, "timestamp", y.CommitTS(), b.Visible())
		want(t, "visible", b.Visible(), 2)
		want(t, "keys", b.keys(), "b")
	})
}

// TestCloseDuringCommit: those that have not passed the section are rolled back;
// one that has is committed, and still has to let go.
func TestCloseDuringCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, "a", "b", "c")
		passed, voted, open := b.begin().put("x", "a"), b.begin().put("y", "b"), b.begin().put("z", "c")
		passed.vote()
		want(t, "finish", b.Finish(&passed.Record), nil)
		leave := b.HoldSection()
		c := commitAll(voted)
		b.Close(errCause)
		leave()
		c.wg.Wait()
		b.Release(&passed.Record)
		want(t, "in the section", c.errs[0], deps.ErrEnded)
		want(t, "open", open.commit(), deps.ErrEnded)
		want(t, "begin", b.Begin(&deps.Record{}), false)
		for key, value := range map[string]string{"a": "x", "b": "b", "c": "c"} {
			want(t, "value of "+key, valueAt(b.object(key), b.Visible()), value)
			b.isFree(key)
		}
	})
}

// TestSectionRace: many commit at once, with parking and groups of all sizes.
// Timestamps are drawn once each and without a gap, in the order of the list, and
// whoever begins after a commit sees it (I4).
func TestSectionRace(t *testing.T) {
	const goroutines, each = 16, 300
	b := newBase(t)
	defer b.HoldPurge()() // which would cut the list behind itself
	before := b.Tail()
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				x := b.begin().put(fmt.Sprint(i), fmt.Sprint("k", g))
				if err := x.commit(); err != nil {
					t.Errorf("commit: %v", err)
				}
				if y := b.begin(); y.Snapshot < x.CommitTS() {
					t.Errorf("I4: begins at %d after commit %d", y.Snapshot, x.CommitTS())
				} else {
					b.Rollback(&y.Record)
				}
			}
		})
	}
	wg.Wait()
	var order []uint64
	for _, r := range b.Committed(before) {
		order = append(order, r.CommitTS())
	}
	if len(order) != goroutines*each {
		t.Fatalf("%d commits in the list, want %d", len(order), goroutines*each)
	}
	want(t, "in order", slices.IsSorted(order), true)
	want(t, "without a gap", order[len(order)-1]-order[0], goroutines*each-1)
	want(t, "visible", b.Visible(), order[len(order)-1])
}

// TestGroupsAreWhole: I3. Every transaction writes its number to two keys; whoever
// reads both sees one number.
func TestGroupsAreWhole(t *testing.T) {
	b := newBase(t)
	b.set("0", "a", "b")
	var over atomic.Bool
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for !over.Load() {
				r := b.reader()
				x, y := valueAt(b.object("a"), r.snapshot), valueAt(b.object("b"), r.snapshot)
				r.end()
				if x != y {
					t.Errorf("I3: a is %s and b is %s", x, y)
				}
			}
		})
	}
	for g := range 4 {
		writers.Go(func() {
			for i := range 1_000 {
				// Most conflict with each other.
				b.begin().put(fmt.Sprint(g, "/", i), "a", "b").commit()
			}
		})
	}
	writers.Wait()
	over.Store(true)
	readers.Wait()
}
