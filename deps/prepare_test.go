package deps_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// prepare prepares x, which has to work.
func (x *txn) prepare(xid string) *deps.Prepared {
	x.b.t.Helper()
	p := &deps.Prepared{XID: xid}
	want(x.b.t, "prepare", x.b.Prepare(&x.Record, p, deps.Patience{}), nil)
	return p
}

// tryPrepare is Prepare that may wait.
func (x *txn) tryPrepare(p *deps.Prepared) *attempt {
	return try(x.b.t, func(ctx context.Context) error {
		return x.b.Prepare(&x.Record, p, deps.Patience{Call: ctx})
	})
}

// finishAs finishes what was prepared: it is committed, or rolled back.
func (b base) finishAs(committed string, p *deps.Prepared) {
	b.t.Helper()
	want(b.t, "take", b.TakeThis(p), nil)
	if committed == "committed" {
		b.CommitPrepared(p)
	} else {
		b.RollbackPrepared(p)
	}
	synctest.Wait()
}

var finishes = []string{"committed", "rolled back"}

// TestPrepare: what is prepared is not to be seen, gives its slot back, and keeps out
// only who writes the same objects. The timestamp is drawn at the finish.
func TestPrepare(t *testing.T) {
	for _, finish := range finishes {
		inBubble(t, []string{"a", "b"}, func(b base) {
			x, y := b.begin().put("x", "a", "new").remove("b"), b.begin().put("y", "b")
			p := x.prepare("x")
			want(t, "active", b.Stats().Pool.Active, 1)
			want(t, "prepared", x.IsPrepared(), true)
			want(t, "not to be seen", b.now("a", "b", "new"), "a b -")
			other := y.tryCommit()
			other.waits("another writer")
			b.set("else", "c")
			between := b.Visible()
			b.Purge()
			b.finishAs(finish, p)
			if finish == "committed" {
				want(t, "timestamp", x.CommitTS(), between+1)
				want(t, "error", kindOf(other.err), any(deps.WriteWrite))
				want(t, "values", b.now("a", "b", "new"), "x - x")
				b.Purge()
				want(t, "keys", b.keys(), "a c new")
			} else {
				other.ends("another writer", nil)
				want(t, "values", b.now("a", "b", "new"), "a y -")
				want(t, "keys", b.keys(), "a b c")
			}
			want(t, "prepared", len(b.Prepared()), 0)
		})
	}
}

// TestReadsOfPrepared: who writes a key that a prepared transaction has read, absent
// or present, or one in a range, waits for its end, and holds nothing meanwhile but
// what it had locked before.
func TestReadsOfPrepared(t *testing.T) {
	for name, read := range map[string]func(x *txn){
		"key":        func(x *txn) { x.read("r") },
		"many keys":  func(x *txn) { x.read("q", "r", "s", "t", "u", "v") },
		"absent key": func(x *txn) { x.read("new") },
		"range":      func(x *txn) { x.readRange(deps.Range{Lo: []byte("m"), Hi: []byte("s")}) },
		"to the end": func(x *txn) { x.readRange(deps.Range{Lo: []byte("new")}) },
	} {
		for _, finish := range finishes {
			t.Run(name+", "+finish, func(t *testing.T) {
				inBubble(t, []string{"a", "r", "w"}, func(b base) {
					x, y := b.begin().put("x", "w"), b.begin().lock(storage.Share, "z").put("y", "a", "new", "r")
					read(x)
					p := x.prepare("x")
					writer := y.tryCommit()
					writer.waits("writer")
					b.set("other", "b")
					want(t, "lock of a is free", b.object("a").IsLocked(), false)
					want(t, "object made by the vote", b.keys(), "a b r w z")
					want(t, "lock of z is held", b.object("z").IsLocked(), true)
					b.finishAs(finish, p)
					writer.ends("writer", nil)
					want(t, "values", b.now("a", "new", "r"), "y y y")
					if finish == "committed" {
						want(t, "order", x.CommitTS() < y.CommitTS(), true)
					}
				})
			})
		}
	}
}

// TestPreparedThatCross: two that read what the other writes are not prepared
// together, nor one that reads what a prepared one writes.
func TestPreparedThatCross(t *testing.T) {
	for _, key := range []string{"a", "c"} {
		for _, finish := range finishes {
			inBubble(t, []string{"a", "b", "c"}, func(b base) {
				x, y := b.begin().put("x", "b"), b.begin().put("y", key)
				x.read("a")
				y.read("b")
				p, q := x.prepare("x"), &deps.Prepared{XID: "y"}
				second := y.tryPrepare(q)
				second.waits("second")
				want(t, "take", b.TakeThis(q), deps.ErrUnknownXID)
				b.finishAs(finish, p)
				want(t, "second is over", second.over.Load(), true)
				if finish == "committed" {
					want(t, "second", kindOf(second.err), any(deps.ReadWrite))
					want(t, "take", b.TakeThis(q), deps.ErrUnknownXID)
					return
				}
				want(t, "second", second.err, nil)
				b.finishAs("committed", q)
				want(t, "value", b.now(key), "y")
			})
		}
	}
}

// TestReaderOfWhatIsPrepared: who read what a prepared transaction writes, and is not
// to be prepared, goes on: it comes before that one.
func TestReaderOfWhatIsPrepared(t *testing.T) {
	inBubble(t, []string{"a", "b", "c"}, func(b base) {
		x, y := b.begin().put("x", "b"), b.begin().put("y", "c")
		x.read("a")
		p := x.prepare("x")
		want(t, "read", y.read("b"), "b")
		want(t, "commit", y.commit(), nil)
		b.finishAs("committed", p)
		want(t, "order", y.CommitTS() < x.CommitTS(), true)
	})
}

// TestPrepareFails: like a commit, and the xid is free again.
func TestPrepareFails(t *testing.T) {
	for name, fail := range map[string]func(b base, x *txn) error{
		"conflict":    func(b base, x *txn) error { b.set("other", "b"); return nil },
		"read":        func(b base, x *txn) error { x.read("r"); b.set("other", "r"); return nil },
		"forced":      func(b base, x *txn) error { x.force(); return deps.ErrEnded },
		"only locked": func(b base, x *txn) error { x.Writes = nil; x.force(); return deps.ErrEnded },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, []string{"b", "r"}, func(b base) {
				x := b.begin().lock(storage.KeyShare, "k").put("x", "a", "b", "c")
				err := fail(b, x)
				p := &deps.Prepared{XID: "x"}
				got := b.Prepare(&x.Record, p, deps.Patience{})
				if got == nil || err != nil && got != err {
					t.Errorf("prepare: %v", got)
				}
				want(t, "state", x.RolledBack(), true)
				want(t, "keys", b.keys(), "b r")
				b.finishAs("rolled back", b.begin().put("y", "b").prepare("x"))
			})
		})
	}
}

// TestBlockedGivesUp: who waits for the end of a prepared transaction may be ended, or
// cancelled, and leaves no trace.
func TestBlockedGivesUp(t *testing.T) {
	for name, giveUp := range map[string]func(x *txn, a *attempt) error{
		"cancelled": func(_ *txn, a *attempt) error { a.cancel(); return context.Canceled },
		"forced":    func(x *txn, _ *attempt) error { x.force(); return deps.ErrEnded },
		"too late":  func(*txn, *attempt) error { time.Sleep(5 * time.Minute); return deps.ErrDeadline },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, []string{"a", "b"}, func(b base) {
				x, y := b.begin().put("x", "b"), b.begin().lock(storage.Share, "l").put("y", "a", "new")
				x.read("a")
				y.About = &deps.About{Deadline: time.Now().Add(5 * time.Minute)}
				p := x.prepare("x")
				writer := y.tryCommit()
				writer.waits("writer")
				writer.ends("writer", giveUp(y, writer))
				want(t, "keys", b.keys(), "a b")
				b.finishAs("committed", p)
			})
		})
	}
}

// TestLimitOfPrepared: it is rolled back at its limit, and not before; then nobody can
// finish it.
func TestLimitOfPrepared(t *testing.T) {
	inBubble(t, []string{"a", "b"}, func(b base) {
		x, y := b.begin().lock(storage.Share, "b").put("x", "a", "new"), b.begin().put("y", "a")
		p := &deps.Prepared{XID: "x", Limit: time.Minute}
		want(t, "prepare", b.Prepare(&x.Record, p, deps.Patience{}), nil)
		writer := y.tryCommit()
		time.Sleep(time.Minute - time.Nanosecond)
		writer.waits("writer before the limit")
		time.Sleep(time.Nanosecond)
		writer.ends("writer", nil)
		want(t, "expired", b.Expired(p), true)
		want(t, "expired", b.Stats().Expired, 1)
		want(t, "take", b.TakeThis(p), deps.ErrUnknownXID)
		want(t, "keys", b.keys(), "a b")
		// Finished in time, nothing happens at the limit.
		z := b.begin().put("z", "a")
		q := &deps.Prepared{XID: "x", Limit: time.Minute}
		want(t, "prepare", b.Prepare(&z.Record, q, deps.Patience{}), nil)
		b.finishAs("committed", q)
		time.Sleep(time.Hour)
		want(t, "value", b.now("a"), "z")
		want(t, "expired", b.Expired(q), false)
	})
}

// TestXIDs: one transaction has an xid at a time, and one caller finishes it.
func TestXIDs(t *testing.T) {
	inBubble(t, []string{"a", "b"}, func(b base) {
		x, y := b.begin().put("x", "a"), b.begin().put("y", "b")
		p := x.prepare("x")
		want(t, "in use", b.Prepare(&y.Record, &deps.Prepared{XID: "x"}, deps.Patience{}), deps.ErrXIDInUse)
		want(t, "goes on", y.IsOpen(), true)
		_, err := b.Take("y")
		want(t, "unknown", err, deps.ErrUnknownXID)
		taken, err := b.Take("x")
		want(t, "take", err, nil)
		want(t, "taken", taken, p)
		want(t, "taken twice", b.TakeThis(p), deps.ErrUnknownXID)
		b.CommitPrepared(taken)
		b.finishAs("committed", y.prepare("x"))
		want(t, "values", b.now("a", "b"), "x y")
	})
}

// TestPreparedIsNotEnded: neither a limit of the transaction nor Close ends it; after
// Close it is finished no more.
func TestPreparedIsNotEnded(t *testing.T) {
	b := filled(t, "a")
	x := b.begin().put("x", "a")
	slot, gen := x.Slot()
	p := x.prepare("x")
	want(t, "force", b.Force(slot, gen, errCause), false)
	want(t, "prepared", x.IsPrepared(), true)
	b.Close(errCause)
	want(t, "prepared", x.IsPrepared(), true)
	want(t, "take", b.TakeThis(p), deps.ErrClosed)
}

// TestPrepareWithoutWrites: its locks are held until the finish, and nothing is drawn.
func TestPrepareWithoutWrites(t *testing.T) {
	for _, finish := range finishes {
		inBubble(t, []string{"a"}, func(b base) {
			x, y := b.begin().lock(storage.Share, "a", "none"), b.begin().put("y", "a")
			x.read("a")
			p, before := x.prepare("x"), b.Visible()
			writer := y.tryCommit()
			writer.waits("writer")
			want(t, "visible", b.Visible(), before)
			b.finishAs(finish, p)
			writer.ends("writer", nil)
			want(t, "keys", b.keys(), "a")
		})
	}
}

// TestPrepareRace: one phase or two, committed or rolled back, with reads that cross.
// Each transaction reads all keys, and sets one to the largest value plus one; so in
// a serial order the largest value counts the commits (I8).
func TestPrepareRace(t *testing.T) {
	const goroutines, each, keys = 6, 150, 3
	b, randoms := filled(t), split(t)
	b.set("0", "k0", "k1", "k2")
	var wg sync.WaitGroup
	var committed, largest atomic.Int64
	for g := range goroutines {
		wg.Go(func() {
			r := randoms(g)
			for i := range each {
				x, most := b.begin(), 0
				for k := range keys {
					n := 0
					fmt.Sscan(x.read(fmt.Sprint("k", k)), &n)
					most = max(most, n)
				}
				runtime.Gosched()
				x.put(fmt.Sprint(most+1), fmt.Sprint("k", r.IntN(keys)))
				if x.commitAtRandom(fmt.Sprint(g, " ", i), r.IntN(3)) {
					committed.Inc()
				}
			}
		})
	}
	wg.Wait()
	for k := range keys {
		n := int64(0)
		fmt.Sscan(b.now(fmt.Sprint("k", k)), &n)
		largest.Store(max(largest.Load(), n))
	}
	want(t, "I8: largest value", largest.Load(), committed.Load())
	t.Logf("%d commits, %d waits", committed.Load(), b.Stats().Waits)
	b.isLeftClean()
	want(t, "prepared", len(b.Prepared()), 0)
}

// commitAtRandom commits by one phase or two, or rolls back by two. It reports
// whether x was committed.
func (x *txn) commitAtRandom(xid string, how int) bool {
	if how == 0 {
		return x.commit() == nil
	}
	p := &deps.Prepared{XID: xid}
	err := x.b.Prepare(&x.Record, p, deps.Patience{})
	runtime.Gosched()
	if err != nil {
		var clash *deps.Conflict
		if !errors.As(err, &clash) {
			x.b.t.Errorf("prepare: %v", err)
		}
		return false
	}
	want(x.b.t, "take", x.b.TakeThis(p), nil)
	if how == 1 {
		x.b.CommitPrepared(p)
		return true
	}
	x.b.RollbackPrepared(p)
	return false
}
