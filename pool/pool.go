// Package pool owns the transaction objects, called slots: the active list of
// all that are, or may become, active. A read-only transaction is a slot taken
// and given back, and nothing else.
//
// # Taking a slot
//
// A hint (hint.go) names the slot that was last used from the same goroutine's
// stack. If that is available, one CAS takes it: no lock and no search. Else the
// list is searched, newest first from where the last search ended, under the
// shared lock, still by CAS. Only if nothing is available the exclusive lock is
// taken, by one goroutine at a time, the list searched once more, and one slot
// appended plus ten, or plus an eighth of the list if that is more. So the
// exclusive lock is taken as often as
// the list grows, whatever the number of transactions (I11).
//
// The list itself is an array that is replaced and never changed, so a horizon
// scan (Snapshots) takes no lock. The locks order takers against shrinking.
//
// # Leaving the list
//
// A slot leaves only as Retired, won by CAS from Available, or by a forced end. A
// begin that comes to it through an old hint fails at its CAS; were the slot
// merely unlinked, that begin would succeed on a slot which no scan sees.
//
// Transaction objects taken by CAS under a shared lock, growth in batches of ten
// and re-use after read-only transactions are the Falcon storage engine's, of
// 2008. There a ten-hour read-only run allocated 225 million transaction objects
// before the re-use and 140 with it.
package pool

import (
	"math"
	"sync"

	"github.com/puzpuzpuz/xsync/v3"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/internal/stages"
)

// Pool is the active list.
type Pool struct {
	marks  [2]*atomic.Uint64 // what a read-only and what an update transaction begins at
	hints  hints
	list   atomic.Pointer[[]*Slot] // replaced under the exclusive lock, never changed
	_      pad.Align64
	rover  atomic.Int64 // where the next search begins
	stages stages.Stages
	_      pad.Line

	growing sync.Mutex // one at a time finds that the list has to grow; taken before lock

	lock *xsync.RBMutex // shared by searches, exclusive for replacing list and for the following fields
	// closed says that nothing begins any more.
	closed bool
	// ended counts the transactions that ended in slots which left the list.
	ended uint64
	// forced counts those of them that were ended by force.
	forced uint64
	// made counts the slots ever made.
	made uint64

	_         pad.Align64
	exclusive atomic.Uint64 // times the exclusive lock was taken
	scanned   atomic.Int64  // greatest number of active slots a scan saw since the last Trim
	looks     sync.Mutex    // one Trim at a time
}

const batch = 10

// New returns an empty list; see Init.
func New(mark *atomic.Uint64, off stages.Stages) *Pool {
	p := new(Pool)
	p.Init(mark, mark, off)
	return p
}

// Init makes p, a part of something larger, an empty list. Transactions begin at
// the timestamp that their mark says at their time; it must be greater than 0. That
// of read-only ones is R, that of update transactions V, and R ≤ V.
func (p *Pool) Init(readOnly, updates *atomic.Uint64, off stages.Stages) {
	p.marks = [2]*atomic.Uint64{readOnly, updates}
	p.lock, p.stages = xsync.NewRBMutex(), off
	p.list.Store(&[]*Slot{})
}

// Begin takes a slot for a transaction; kind is 0 or Update. It returns the
// slot, its generation and the snapshot, or a nil slot after Close.
func (p *Pool) Begin(kind uint64) (s *Slot, gen, snapshot uint64) {
	at := here()
	s = p.hints.first(at).Load()
	if s == nil {
		return p.beginSlow(at, kind)
	}
	// take, written out: a call costs a tenth of the transaction.
	mark := p.mark(kind)
	snapshot = mark.Load()
	if !s.snap.CompareAndSwap(Available, snapshot|kind) {
		return p.beginSlow(at, kind)
	}
	if gen = s.gen.Load(); gen&Forced == 0 && mark.Load() == snapshot {
		return s, gen, snapshot
	}
	if gen, snapshot, won := s.settle(mark, snapshot, kind); won {
		return s, gen, snapshot
	}
	return p.beginSlow(at, kind)
}

// mark returns what a transaction of the kind begins at.
func (p *Pool) mark(kind uint64) *atomic.Uint64 { return p.marks[kind/Update] }

func (p *Pool) beginSlow(at place, kind uint64) (s *Slot, gen, snapshot uint64) {
	second := p.hints.second(at)
	if hinted := second.Load(); hinted != nil {
		if gen, snapshot, won := hinted.take(p.mark(kind), kind); won {
			return hinted, gen, snapshot
		}
	}
	if s, gen, snapshot = p.find(kind); s == nil || p.stages.NoHint || p.stages.ExclusiveOnly {
		return s, gen, snapshot
	}
	if first := p.hints.first(at); first.Load() == nil || first.Load().snap.Load() == Retired {
		first.Store(s)
	} else {
		second.Store(s)
	}
	return s, gen, snapshot
}

// shortSearch is how many slots are looked at before others are kept out.
const shortSearch = 64

// find searches the list, and appends to it if nothing is available. When many
// come here at once, one searches all of the list and appends, and the others
// wait for that: so the exclusive lock is taken once a growth, and a crowd does
// not spend its time on looking at slots that are all in use.
func (p *Pool) find(kind uint64) (s *Slot, gen, snapshot uint64) {
	if s, gen, snapshot = p.searchShared(kind, shortSearch); s != nil {
		return s, gen, snapshot
	}
	p.growing.Lock()
	defer p.growing.Unlock()
	if s, gen, snapshot = p.searchShared(kind, shortSearch); s != nil {
		return s, gen, snapshot
	}
	if s, gen, snapshot = p.searchShared(kind, math.MaxInt); s != nil {
		return s, gen, snapshot
	}
	return p.searchExclusive(kind)
}

func (p *Pool) searchShared(kind uint64, limit int) (s *Slot, gen, snapshot uint64) {
	if p.stages.NoCAS || p.stages.ExclusiveOnly {
		return nil, 0, 0
	}
	token := p.lock.RLock()
	defer p.lock.RUnlock(token)
	return p.search(kind, limit)
}

func (p *Pool) searchExclusive(kind uint64) (s *Slot, gen, snapshot uint64) {
	p.lockList()
	defer p.lock.Unlock()
	if p.closed {
		return nil, 0, 0
	}
	if s, gen, snapshot = p.search(kind, math.MaxInt); s != nil {
		return s, gen, snapshot
	}
	p.grow()
	return p.search(kind, math.MaxInt)
}

func (p *Pool) lockList() {
	p.lock.Lock()
	p.exclusive.Inc()
}

// search tries every slot once, but at most limit, from the rover downwards and
// round.
func (p *Pool) search(kind uint64, limit int) (s *Slot, gen, snapshot uint64) {
	slots := *p.list.Load()
	at := int(p.rover.Load())
	for range min(limit, len(slots)) {
		if at < 0 || at >= len(slots) {
			at = len(slots) - 1
		}
		if s = slots[at]; s.snap.Load() == Available {
			if gen, snapshot, won := s.take(p.mark(kind), kind); won {
				p.rover.Store(int64(at - 1))
				return s, gen, snapshot
			}
		}
		at--
	}
	return nil, 0, 0
}

// grow appends slots, and drops those that are retired. The caller holds the
// exclusive lock.
func (p *Pool) grow() {
	p.dropRetired()
	old := *p.list.Load()
	n := 1 + max(batch, len(old)/8)
	if p.stages.NoBatch {
		n = 1
	}
	fresh := make([]Slot, n)
	slots := make([]*Slot, 0, len(old)+n)
	slots = append(slots, old...)
	for i := range fresh {
		if p.stages.NoReuse || p.stages.ExclusiveOnly {
			fresh[i].staged = p
		}
		slots = append(slots, &fresh[i])
	}
	p.made += uint64(n)
	p.rover.Store(int64(len(slots) - 1))
	p.list.Store(&slots)
}

// endStaged is End with optimisations switched off.
func (p *Pool) endStaged(s *Slot, gen uint64) bool {
	p.lockList()
	defer p.lock.Unlock()
	if !s.gen.CompareAndSwap(gen, gen+1) {
		return false
	}
	if !p.stages.NoReuse {
		s.snap.Store(Available)
		return true
	}
	s.snap.Store(Retired)
	p.dropRetired()
	return true
}
