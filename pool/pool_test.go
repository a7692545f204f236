package pool_test

import (
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/pool"
)

// transaction is a handle: what Begin returned.
type transaction struct {
	slot           *pool.Slot
	gen, word, own uint64
}

// list is a pool and its mark.
type list struct {
	*pool.Pool
	mark *atomic.Uint64
}

func newList(off stages.Stages) list {
	mark := new(atomic.Uint64)
	mark.Store(1)
	return list{Pool: pool.New(mark, off), mark: mark}
}

// begin begins a transaction of the kind, 0 or pool.Update.
func (l list) begin(kind uint64) transaction {
	s, gen, snapshot := l.Begin(kind)
	return transaction{slot: s, gen: gen, word: snapshot | kind, own: snapshot}
}

// hold begins n.
func (l list) hold(n int) []transaction {
	held := make([]transaction, n)
	for i := range held {
		held[i] = l.begin(0)
	}
	return held
}

func (tx transaction) end() bool { return tx.slot.End(tx.gen, tx.word) }

func endAll(held []transaction) {
	for _, tx := range held {
		tx.end()
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestBeginAndEnd: what a slot says during a transaction, and after it.
func TestBeginAndEnd(t *testing.T) {
	for _, kind := range []uint64{0, pool.Update} {
		l := newList(stages.Stages{})
		l.mark.Store(7)
		tx := l.begin(kind)
		want(t, "snapshot", tx.own, 7)
		want(t, "word", tx.slot.Word(), 7|kind)
		want(t, "generation", tx.slot.Gen(), tx.gen)
		l.mark.Store(9)
		want(t, "word after a commit", tx.slot.Word(), 7|kind)
		want(t, "end", tx.end(), true)
		want(t, "word at the end", tx.slot.Word(), pool.Available)
		want(t, "second end", tx.end(), false)
		want(t, "cause", tx.slot.Cause(tx.gen), nil)
		want(t, "next snapshot", l.begin(kind).own, 9)
	}
}

// TestHintFindsTheSlot: one goroutine gets the same slot again and again, without
// a lock and without an allocation; another one only when its stack was moved.
func TestHintFindsTheSlot(t *testing.T) {
	l := newList(stages.Stages{})
	last, others := l.begin(0), 0
	last.end()
	allocations := testing.AllocsPerRun(1_000, func() {
		tx := l.begin(0)
		if tx.slot != last.slot {
			others++
		}
		tx.end()
		last = tx
	})
	want(t, "found the same slot nearly always", others <= 3, true)
	want(t, "allocations", allocations, 0)
	st := l.Stats()
	want(t, "exclusive locks", st.ExclusiveLocks, 1)
	want(t, "slots", st.Slots, 11)
	want(t, "slots made", st.Made, 11)
	want(t, "ended", st.Ended, 1_002)
	want(t, "active", st.Active, 0)
}

// TestGrowth: one slot and ten, or an eighth of the list if that is more, each
// time that nothing is available, and not before.
func TestGrowth(t *testing.T) {
	l := newList(stages.Stages{})
	slots, growths := 0, uint64(0)
	for open := range 2_000 {
		if open == slots {
			slots += 1 + max(10, slots/8)
			growths++
		}
		l.begin(0)
		if st := l.Stats(); st.Slots != slots || st.ExclusiveLocks != growths || st.Active != open+1 {
			t.Fatalf("%d open: %+v, want %d slots after %d growths", open+1, st, slots, growths)
		}
	}
}

// TestSearch: of a list that is full but for one slot, a begin without a hint finds
// that one, wherever it stands, without the exclusive lock.
func TestSearch(t *testing.T) {
	for _, n := range []int{11, 300} {
		l := newList(stages.Stages{})
		held := l.hold(n)
		for len(held) < l.Len() {
			held = append(held, l.begin(0))
		}
		locks := l.Stats().ExclusiveLocks
		for i := range held {
			held[i].end()
			l.DropHints()
			tx := l.begin(0)
			if tx.slot != held[i].slot {
				t.Fatalf("%d slots: another one than the free one was found", n)
			}
			held[i] = tx
		}
		want(t, "exclusive locks", l.Stats().ExclusiveLocks, locks)
	}
}

// TestObjectsStayBounded: I11. However many transactions there are, slots are made
// for those that are active at once, and ten a growth; and the exclusive lock is
// taken as often as the list grows.
func TestObjectsStayBounded(t *testing.T) {
	const goroutines, each = 64, 5_000
	l := newList(stages.Stages{})
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				l.begin(0).end()
			}
		})
	}
	wg.Wait()
	st := l.Stats()
	want(t, "ended", st.Ended, goroutines*each)
	want(t, "active", st.Active, 0)
	if st.Made > goroutines+10*st.ExclusiveLocks || st.ExclusiveLocks > 10 {
		t.Errorf("for %d transactions at once: %+v", goroutines, st)
	}
}

// TestSnapshotsAndActive: a scan sees every active slot with its word, and the
// oldest snapshot is known.
func TestSnapshotsAndActive(t *testing.T) {
	l := newList(stages.Stages{})
	seen := make(map[uint64]bool)
	for at := uint64(1); at <= 30; at++ {
		l.mark.Store(at)
		tx := l.begin(at % 2 * pool.Update)
		if at%3 == 0 {
			tx.end()
			continue
		}
		seen[tx.word] = true
	}
	want(t, "oldest", l.Stats().Oldest, 1)
	words := l.Snapshots([]uint64{4711})
	want(t, "what was in the buffer", words[0], 4711)
	want(t, "scanned", len(words)-1, len(seen))
	for _, word := range words[1:] {
		want(t, "in the scan and active", seen[word], true)
	}
	l.Active(func(s *pool.Slot, gen, word uint64) {
		want(t, "generation", gen, s.Gen())
		want(t, "active", seen[word], true)
		delete(seen, word)
	})
	want(t, "active and not met", len(seen), 0)
}

// TestMarkMovesDuringBegin: a begin that stopped between its CAS and its second
// look goes by what was published in the meantime.
func TestMarkMovesDuringBegin(t *testing.T) {
	l := newList(stages.Stages{})
	l.begin(0).end()
	s := l.Slots()[0]
	want(t, "first CAS", s.HalfTake(1, pool.Update), true)
	l.mark.Store(5)
	_, snapshot, won := s.Settle(l.mark, 1, pool.Update)
	want(t, "won", won, true)
	want(t, "snapshot", snapshot, 5)
	want(t, "word", s.Word(), 5|pool.Update)
}
