package pool

import (
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// Slot is a transaction object. Its two words are everything that a read-only
// transaction writes; nobody else writes them while it runs, so they stay in
// its processor's cache.
type Slot struct {
	_ pad.Align64
	// snap is Available, Retired, or the snapshot of the transaction that has the
	// slot, with Update added if that may write.
	snap atomic.Uint64
	// gen counts the transactions that ended here. A handle carries the value it
	// began with, and is dead once the word has another. Forced is added by the
	// last end of a slot, if that was by force.
	gen atomic.Uint64

	// What follows is touched rarely, by update transactions and forced ends.
	tag    atomic.Pointer[Tag]
	cause  atomic.Pointer[cause]
	staged *Pool // not nil if an end must take the slow way (package stages)
	_      [pad.CacheLine - 5*8]byte
}

const (
	// Available is the snap word of a slot that anybody may take.
	Available = 0
	// Retired is the snap word of a slot that nobody may take any more.
	Retired = ^uint64(0)
	// Update is added to the snap word of a transaction that may write.
	Update = 1 << 63
	// Forced is added to gen by a forced end.
	Forced = 1 << 63
)

// Tag is what its user hangs on a slot for the time of one transaction. It counts
// only while Gen is the slot's.
type Tag struct {
	Gen uint64
	Of  any
}

type cause struct {
	gen uint64
	err error
}

// Gen returns the generation. A transaction that began with another one is over.
func (s *Slot) Gen() uint64 { return s.gen.Load() }

// SetTag hangs t on the slot. The transaction must look at Gen afterwards: a
// forced end that came first has not seen the tag.
func (s *Slot) SetTag(t *Tag) { s.tag.Store(t) }

// DropTag takes t off again, if it is still there.
func (s *Slot) DropTag(t *Tag) { s.tag.CompareAndSwap(t, nil) }

// Tag returns what hangs on the slot for generation gen, or nil.
func (s *Slot) Tag(gen uint64) any {
	if t := s.tag.Load(); t != nil && t.Gen == gen {
		return t.Of
	}
	return nil
}

// take wins an Available slot for a transaction that reads at what mark says,
// and returns the generation and the snapshot.
//
// Between the first load of mark and the CAS nothing announces the snapshot, so
// a horizon scan may have passed the slot in that time and a purge may go by a
// newer mark. Hence the second load: if mark is still the snapshot after the
// CAS, every scan that missed the slot had loaded its mark no later than that,
// and purges nothing that this snapshot sees (package deps, Purge). The loop
// goes round again only if something was published in between.
//
// A forced end may strike at any point. It is noticed by its mark on gen, or by
// the CAS that moves the snapshot, or else by the handle, which carries the
// generation that was forced.
func (s *Slot) take(mark *atomic.Uint64, kind uint64) (gen, snapshot uint64, won bool) {
	snapshot = mark.Load()
	if !s.snap.CompareAndSwap(Available, snapshot|kind) {
		return 0, 0, false
	}
	return s.settle(mark, snapshot, kind)
}

// settle is take after the first CAS.
func (s *Slot) settle(mark *atomic.Uint64, snapshot, kind uint64) (gen, at uint64, won bool) {
	if gen = s.gen.Load(); gen&Forced != 0 {
		return 0, 0, false
	}
	for now := mark.Load(); now != snapshot; now = mark.Load() {
		if !s.snap.CompareAndSwap(snapshot|kind, now|kind) {
			return 0, 0, false
		}
		snapshot = now
	}
	return gen, snapshot, true
}

// Advance moves the announced snapshot from the snap word old to word. Only who has
// the slot may do that, and only to what may be read now. It fails if the slot was
// retired.
func (s *Slot) Advance(old, word uint64) bool { return s.snap.CompareAndSwap(old, word) }

// End ends the transaction of generation gen, whose snap word is word, and makes
// the slot available. It reports false if the transaction was over already.
//
// The first CAS decides between two closers of one copied handle: a plain store
// of the later one would free a slot that belongs to somebody else by then. The
// second fails only if the slot was retired between the two, by Close say; a
// store there would make a slot available that is in no list.
func (s *Slot) End(gen, word uint64) bool {
	if s.staged != nil {
		return s.staged.endStaged(s, gen)
	}
	if !s.gen.CompareAndSwap(gen, gen+1) {
		return false
	}
	s.snap.CompareAndSwap(word, Available)
	return true
}

// Force ends the transaction of generation gen from outside; its handle will be
// given err. The slot is retired: it keeps the cause and is not used again. It
// reports false if the transaction was over already.
func (s *Slot) Force(gen uint64, err error) bool {
	won := s.Blame(gen, err) && s.Win(gen)
	s.Retire(gen)
	return won
}

// Blame is the first third of Force: it stores the cause before anything is won,
// so that nobody who sees the end has to wait for the cause (I5). The first cause
// stays. It reports false if the transaction was over already, as far as the causes
// tell.
func (s *Slot) Blame(gen uint64, err error) bool {
	if gen&Forced != 0 {
		return false // forced already, though perhaps not yet retired
	}
	why := &cause{gen: gen, err: err}
	for {
		old := s.cause.Load()
		if old != nil && old.gen >= gen {
			return old.gen == gen // one who comes late leaves a later cause alone
		}
		if s.cause.CompareAndSwap(old, why) {
			return true
		}
	}
}

// Win is the second third. Until Retire, the last, the snapshot stays announced,
// for a transaction that may still commit.
func (s *Slot) Win(gen uint64) bool { return s.gen.CompareAndSwap(gen, (gen+1)|Forced) }

// Retire is the last third of Force, whoever did the others. It does nothing if
// the transaction of generation gen was not ended by force.
func (s *Slot) Retire(gen uint64) {
	if s.gen.Load() == (gen+1)|Forced {
		s.snap.Store(Retired)
	}
}

// Cause returns why the transaction of generation gen was ended by force, or nil
// if it was not.
func (s *Slot) Cause(gen uint64) error {
	if s.gen.Load() != (gen+1)|Forced {
		return nil
	}
	return s.Blamed(gen)
}

// Blamed returns the cause for which the transaction of generation gen is about to
// be ended, or nil. It may yet end otherwise.
func (s *Slot) Blamed(gen uint64) error {
	if why := s.cause.Load(); why != nil && why.gen == gen {
		return why.err
	}
	return nil
}
