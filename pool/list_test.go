package pool_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/pool"
)

// TestClose: whatever a slot is in the middle of, it is retired, and nothing
// begins any more, not even through a hint.
func TestClose(t *testing.T) {
	l := newList(stages.Stages{})
	open, update := l.begin(0), l.begin(pool.Update)
	ending, ended := l.begin(0), l.begin(0)
	ended.end()
	ending.slot.HalfEnd(ending.gen)
	beginning := l.begin(0)
	beginning.end()
	beginning.slot.HalfTake(1, 0)
	all := slices.Clone(l.Slots())

	told := make(map[*pool.Slot]uint64)
	l.Close(func(s *pool.Slot, gen, word uint64) {
		told[s] = word
		want(t, "force", s.Force(gen, errCause), true)
	})
	want(t, "told", len(told), 4)
	want(t, "word of the open one", told[open.slot], open.word)
	want(t, "word of the update transaction", told[update.slot], update.word)
	for _, s := range all {
		want(t, "word", s.Word(), pool.Retired)
	}
	want(t, "cause of the open one", open.slot.Cause(open.gen), errCause)
	want(t, "cause of the one that was ending", ending.slot.Cause(ending.gen), nil)
	_, _, won := beginning.slot.Settle(l.mark, 1, 0)
	want(t, "the one that was beginning", won, false)
	ending.slot.FinishEnd(ending.word)
	want(t, "word of the one that was ending", ending.slot.Word(), pool.Retired)
	want(t, "slots", l.Len(), 0)
	for range 3 {
		s, _, _ := l.Begin(0)
		want(t, "begun", s, nil)
	}
	l.Close(func(*pool.Slot, uint64, uint64) { t.Error("closed twice") })
}

// TestCloseDuringTransactions: while others begin and end as fast as they can.
func TestCloseDuringTransactions(t *testing.T) {
	for range 150 {
		l := newList(stages.Stages{})
		var users sync.WaitGroup
		for range 4 {
			users.Go(func() { useUntilClosed(t, l) })
		}
		for l.Len() == 0 {
		}
		l.Close(func(s *pool.Slot, gen, _ uint64) { s.Force(gen, errCause) })
		users.Wait()
		want(t, "slots", l.Len(), 0)
	}
}

func useUntilClosed(t *testing.T, l list) {
	used := make(map[*pool.Slot]bool)
	for {
		tx := l.begin(0)
		if tx.slot == nil {
			break
		}
		used[tx.slot] = true
		if !tx.end() {
			want(t, "cause", tx.slot.Cause(tx.gen), errCause)
		}
	}
	for s := range used {
		want(t, "word of a slot that was used", s.Word(), pool.Retired)
	}
}

// TestTrimAfterBurst: the list gets shorter once a burst is over; not while it
// lasts, and not for a small one; and no begin takes a slot that has left.
func TestTrimAfterBurst(t *testing.T) {
	l := newList(stages.Stages{})
	burst := l.hold(1_000)
	made := l.Len()
	trim := func(active int) int {
		want(t, "active", len(l.Snapshots(nil)), active)
		locks := l.Stats().ExclusiveLocks
		before := l.Len()
		l.Trim()
		if l.Len() == before {
			want(t, "exclusive locks for nothing", l.Stats().ExclusiveLocks-locks, 0)
		}
		return l.Len()
	}
	want(t, "slots during the burst", trim(1_000), made)
	endAll(burst[400:])
	want(t, "slots with a third in use", trim(400), made)
	endAll(burst[100:400])
	l.Snapshots(nil)
	want(t, "slots with a tenth in use", trim(100), 200)
	ended := l.Stats().Ended
	want(t, "ended", ended, 900)
	want(t, "slots of a short list", trim(100), 200)

	left := slices.Clone(l.Slots())
	for _, tx := range burst[100:] {
		if !slices.Contains(left, tx.slot) {
			_, _, won := tx.slot.Take(l.mark, 0)
			want(t, "taken by an old hint", won, false)
		}
	}
	for range 200 {
		tx := l.begin(0)
		want(t, "a begun slot is in the list", slices.Contains(l.Slots(), tx.slot), true)
	}
	for _, tx := range burst[:100] {
		want(t, "end of one that was open all the time", tx.end(), true)
	}
}

// TestTrimRemembersThePeak: what a scan saw since the last Trim counts, although it
// is over by now.
func TestTrimRemembersThePeak(t *testing.T) {
	l := newList(stages.Stages{})
	burst := l.hold(1_000)
	made := l.Len()
	l.Snapshots(nil)
	endAll(burst)
	l.Snapshots(nil)
	l.Trim()
	want(t, "slots at first", l.Len(), made)
	l.Snapshots(nil)
	l.Trim()
	want(t, "slots then", l.Len(), 128)
}

// TestStatsAddUp: over growth, forced ends, and slots that left the list.
func TestStatsAddUp(t *testing.T) {
	l := newList(stages.Stages{})
	var ended, forced uint64
	for round := range 20 {
		held := l.hold(50 * (round%5 + 1))
		for i, tx := range held {
			switch i % 7 {
			case 0:
				tx.slot.Force(tx.gen, errCause)
				forced++
			case 1:
				tx.end()
				tx.end()
			}
		}
		endAll(held)
		ended += uint64(len(held))
		l.Snapshots(nil)
		l.Trim()
		st := l.Stats()
		want(t, "ended", st.Ended, ended)
		want(t, "forced", st.Forced, forced)
		want(t, "active", st.Active, 0)
		want(t, "oldest", st.Oldest, 0)
		want(t, "slots", st.Slots, l.Len())
	}
}

// TestBeginPassesFrozenLock: I5. Whoever stopped while it held the list's lock, a
// begin through a hint, a scan, and an end go on. (A begin that has to search waits
// for the one that appends: the exception.)
func TestBeginPassesFrozenLock(t *testing.T) {
	l := newList(stages.Stages{})
	open := l.begin(0)
	l.begin(0).end()
	l.LockList() // and never again
	for range 100 {
		tx := l.begin(0)
		want(t, "scanned", len(l.Snapshots(nil)), 2)
		want(t, "end", tx.end(), true)
	}
	want(t, "force", open.slot.Force(open.gen, errCause), true)
	want(t, "scanned", len(l.Snapshots(nil)), 0)
}
