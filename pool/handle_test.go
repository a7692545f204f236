package pool_test

import (
	"errors"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/pool"
)

var errCause = errors.New("pool_test: ended from outside")

// oneSlot returns a list that grows by one, so that the next transaction gets the
// slot of the last.
func oneSlot() list { return newList(stages.Stages{NoBatch: true}) }

// TestOneCloserWins: of many who end one copied handle, one does; and those who
// come late do not end the next transaction of the slot.
func TestOneCloserWins(t *testing.T) {
	l := oneSlot()
	for range 500 {
		tx := l.begin(0)
		var ends atomic.Int32
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if tx.end() {
					ends.Inc()
					next := l.begin(0)
					tx.end()
					want(t, "generation of the next", next.slot.Gen(), next.gen)
					want(t, "end of the next", next.end(), true)
				}
			})
		}
		wg.Wait()
		want(t, "closers that won", ends.Load(), 1)
	}
	want(t, "ended", l.Stats().Ended, 1_000)
}

// TestStaleHandle: a handle of an earlier transaction of the slot does nothing.
func TestStaleHandle(t *testing.T) {
	l := oneSlot()
	old := l.begin(0)
	old.end()
	next := l.begin(0)
	want(t, "same slot", next.slot, old.slot)
	want(t, "end", old.end(), false)
	want(t, "force", old.slot.Force(old.gen, errCause), false)
	want(t, "tag", old.slot.Tag(old.gen), nil)
	want(t, "generation", next.slot.Gen(), next.gen)
	want(t, "cause of the old", old.slot.Cause(old.gen), nil)
	want(t, "cause of the next", next.slot.Cause(next.gen), nil)
	want(t, "force of the next", next.slot.Force(next.gen, errCause), true)
	want(t, "cause of the old", old.slot.Cause(old.gen), nil)
	want(t, "cause of the next", next.slot.Cause(next.gen), errCause)
}

// TestForcedSlotIsNeverUsedAgain: it is retired, keeps the cause for its handle,
// and leaves the list.
func TestForcedSlotIsNeverUsedAgain(t *testing.T) {
	l := newList(stages.Stages{})
	for range 100 {
		tx := l.begin(0)
		want(t, "force", tx.slot.Force(tx.gen, errCause), true)
		want(t, "second force", tx.slot.Force(tx.gen, errors.New("another")), false)
		want(t, "end", tx.end(), false)
		want(t, "word", tx.slot.Word(), pool.Retired)
		want(t, "cause", tx.slot.Cause(tx.gen), errCause)
		_, _, won := tx.slot.Take(l.mark, 0)
		want(t, "taken again", won, false)
	}
	st := l.Stats()
	want(t, "ended", st.Ended, 100)
	want(t, "forced", st.Forced, 100)
	want(t, "active", st.Active, 0)
	l.Trim()
	want(t, "in the list after Trim", l.Len() <= 11, true)
	want(t, "ended after Trim", l.Stats().Ended, 100)
	want(t, "forced after Trim", l.Stats().Forced, 100)
}

// TestForceDuringBegin: a forced end may strike between any two steps of a begin.
func TestForceDuringBegin(t *testing.T) {
	t.Run("before it knows its generation", func(t *testing.T) {
		l := newList(stages.Stages{})
		l.begin(0).end()
		s := l.Slots()[0]
		s.HalfTake(1, 0)
		want(t, "force", s.Force(s.Gen(), errCause), true)
		_, _, won := s.Settle(l.mark, 1, 0)
		want(t, "won", won, false)
		want(t, "word", s.Word(), pool.Retired)
	})
	t.Run("before it moves its snapshot", func(t *testing.T) {
		l := newList(stages.Stages{})
		tx := l.begin(0)
		want(t, "force", tx.slot.Force(tx.gen, errCause), true)
		l.mark.Store(5)
		_, _, won := tx.slot.Settle(l.mark, tx.own, 0)
		want(t, "won", won, false)
		want(t, "word", tx.slot.Word(), pool.Retired)
	})
}

// TestForceDuringEnd: one of both wins, and the slot is not available in a list it
// may have left.
func TestForceDuringEnd(t *testing.T) {
	l := newList(stages.Stages{})
	tx := l.begin(0)
	want(t, "first step", tx.slot.HalfEnd(tx.gen), true)
	want(t, "force", tx.slot.Force(tx.gen, errCause), false)
	want(t, "cause", tx.slot.Cause(tx.gen), nil)
	tx.slot.Force(tx.slot.Gen(), errCause) // as Close does
	tx.slot.FinishEnd(tx.word)
	want(t, "word", tx.slot.Word(), pool.Retired)
	want(t, "cause", tx.slot.Cause(tx.gen), nil)
}

// TestNoEndWithoutCause: whoever sees that a handle is over sees at once why, if
// it was by force.
func TestNoEndWithoutCause(t *testing.T) {
	l := newList(stages.Stages{})
	for range 5_000 {
		tx := l.begin(0)
		var wg sync.WaitGroup
		wg.Go(func() {
			for tx.slot.Gen() == tx.gen {
			}
			if err := tx.slot.Cause(tx.gen); err != errCause {
				t.Errorf("over, and the cause is %v", err)
			}
		})
		wg.Go(func() { tx.slot.Force(tx.gen, errCause) })
		tx.slot.Force(tx.gen, errCause)
		wg.Wait()
	}
}

// TestTag: it counts for the generation it was made for, and for no other.
func TestTag(t *testing.T) {
	l := oneSlot()
	tx := l.begin(0)
	want(t, "no tag", tx.slot.Tag(tx.gen), nil)
	tag := &pool.Tag{Gen: tx.gen, Of: "mine"}
	tx.slot.SetTag(tag)
	want(t, "tag", tx.slot.Tag(tx.gen), any("mine"))
	want(t, "of another generation", tx.slot.Tag(tx.gen+1), nil)
	tx.end()
	next := l.begin(0)
	want(t, "of the next transaction", next.slot.Tag(next.gen), nil)
	other := &pool.Tag{Gen: next.gen, Of: "other"}
	next.slot.SetTag(other)
	next.slot.DropTag(tag) // late, and not there any more
	want(t, "tag", next.slot.Tag(next.gen), any("other"))
	next.slot.DropTag(other)
	want(t, "dropped", next.slot.Tag(next.gen), nil)
}
