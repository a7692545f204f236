package pool_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/pool"
)

// stress runs transactions against a scanner, a watch that ends some of them by
// force, bursts, and a committer that moves the mark.
type stress struct {
	t       *testing.T
	l       list
	owners  sync.Map      // *pool.Slot → *atomic.Int64, the transaction that has it, or 0
	horizon atomic.Uint64 // no active snapshot is below it (I2)
	begun   atomic.Int64
	forced  atomic.Int64 // by watch
	lost    atomic.Int64 // handles that were forced
	over    atomic.Bool
}

// TestSharedBySlots: at no moment do two live handles share a slot, no scan misses
// an active snapshot (I2), whoever was forced has a cause, and the sums are right.
// (A forced end that strikes between the two steps of an end counts as an end of a
// transaction that never was.)
func TestSharedBySlots(t *testing.T) {
	s := &stress{t: t, l: newList(stages.Stages{})}
	randoms := split(t)
	var users, others sync.WaitGroup
	for g := range 8 {
		users.Go(func() { s.use(randoms(g)) })
	}
	others.Go(s.commit)
	others.Go(s.scan)
	others.Go(func() { s.watch(randoms(100)) })
	users.Wait()
	s.over.Store(true)
	others.Wait()
	st := s.l.Stats()
	want(t, "active", st.Active, 0)
	want(t, "ended", st.Ended, uint64(s.begun.Load()+s.forced.Load()-s.lost.Load()))
	want(t, "forced", st.Forced, uint64(s.forced.Load()))
}

func (s *stress) use(r *rand.Rand) {
	for range 1_500 {
		n := 1
		if r.IntN(50) == 0 {
			n = r.IntN(80) // a burst
		}
		held := make([]transaction, n)
		for i := range held {
			held[i] = s.begin(r)
		}
		for _, tx := range held {
			s.end(tx)
		}
	}
}

func (s *stress) owner(slot *pool.Slot) *atomic.Int64 {
	owner, _ := s.owners.LoadOrStore(slot, new(atomic.Int64))
	return owner.(*atomic.Int64)
}

func (s *stress) begin(r *rand.Rand) transaction {
	tx := s.l.begin(r.Uint64N(2) * pool.Update)
	me := s.begun.Inc()
	if before := s.owner(tx.slot).Swap(me); before != 0 {
		s.t.Errorf("transactions %d and %d share a slot", before, me)
	}
	s.look(tx)
	return tx
}

// look checks that the horizon is not above the snapshot of a live handle, and that
// the slot says so: first these, then whether it lives.
func (s *stress) look(tx transaction) {
	h, word := s.horizon.Load(), tx.slot.Word()
	if tx.slot.Gen() == tx.gen {
		if h > tx.own {
			s.t.Errorf("I2: horizon %d above the active snapshot %d", h, tx.own)
		}
		if word != tx.word {
			s.t.Errorf("snap word %x during transaction %x", word, tx.word)
		}
	} else if err := tx.slot.Cause(tx.gen); err != errCause {
		s.t.Errorf("over, and the cause is %v", err)
	}
}

func (s *stress) end(tx transaction) {
	s.look(tx)
	if tx.slot.Gen() == tx.gen {
		s.owner(tx.slot).Store(0)
	}
	if tx.end() {
		return
	}
	s.lost.Inc()
	if tx.slot.Cause(tx.gen) != errCause {
		s.t.Error("ended by another, and not by force")
	}
}

func (s *stress) commit() {
	for !s.over.Load() {
		s.l.mark.Inc()
	}
}

// scan does what the purge does: first the mark, then the list.
func (s *stress) scan() {
	for n := 0; !s.over.Load(); n++ {
		h := s.l.mark.Load()
		for _, word := range s.l.Snapshots(nil) {
			h = min(h, word&^pool.Update)
		}
		s.horizon.Store(max(h, s.horizon.Load()))
		if n%16 == 0 {
			s.l.Trim()
		}
	}
}

// watch ends one active transaction in a thousand that it sees.
func (s *stress) watch(r *rand.Rand) {
	for !s.over.Load() {
		s.l.Active(func(slot *pool.Slot, gen, _ uint64) {
			if gen&pool.Forced == 0 && r.IntN(1_000) == 0 && slot.Force(gen, errCause) {
				s.forced.Inc()
			}
		})
	}
}

// TestNoScanMissesABegin: one goroutine begins and ends as fast as it can, while
// another publishes and scans. Without the second look at the mark a scan would
// pass the slot just before it is taken at an older mark.
func TestNoScanMissesABegin(t *testing.T) {
	l := oneSlot()
	var horizon atomic.Uint64
	var over atomic.Bool
	var scanner sync.WaitGroup
	scanner.Go(func() {
		var words []uint64
		for !over.Load() {
			h := l.mark.Inc()
			words = l.Snapshots(words[:0])
			for _, word := range words {
				h = min(h, word)
			}
			horizon.Store(max(h, horizon.Load()))
		}
	})
	for range 500_000 {
		tx := l.begin(0)
		if h := horizon.Load(); h > tx.own {
			t.Errorf("I2: horizon %d above the active snapshot %d", h, tx.own)
		}
		tx.end()
	}
	over.Store(true)
	scanner.Wait()
}

// TestNoBeginOnARetiredSlot: slots are retired after bursts, while others begin and
// end on them through their hints.
func TestNoBeginOnARetiredSlot(t *testing.T) {
	l := newList(stages.Stages{})
	var over atomic.Bool
	var users sync.WaitGroup
	for range 2 {
		users.Go(func() {
			for !over.Load() {
				tx := l.begin(0)
				if word := tx.slot.Word(); word != tx.word {
					t.Errorf("snap word %x during transaction %x", word, tx.word)
				}
				tx.end()
			}
		})
	}
	for range 200 {
		endAll(l.hold(300))
		l.Trim() // remembers the peak of the scan before
		l.Trim()
	}
	over.Store(true)
	users.Wait()
}
