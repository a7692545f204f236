package storage

import (
	"errors"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// cold is what lies under the object table of a store with an engine: objects leave
// memory when the engine has all of them that anybody may still see, and are loaded
// again when they are read.
//
//	H        no active and no future snapshot is older (Settle is told)
//	applied  the engine has everything up to here (SetApplied)
//	mark     of a cell of keys: nothing newer than this has left the table there
//
// # What may leave
//
// An object leaves (evict) if all it has is one version n, committed and stamped,
// and n ≤ bound; and nobody holds or waits for its lock word, which goes from free
// to dead. A tombstone leaves as soon as it may, a value when the cache has no room
// for it.
//
//	bound = min(H, applied, the applied timestamps of all open views)
//
// The bound never falls: H and applied only rise, and a view that is opened later
// begins with an applied timestamp at or above the bound, since both are read under
// one mutex. So what may leave once may leave until it is written again.
//
// # Why a read of one key is right
//
// A reader at snapshot s looks for w, the newest version at or below s; s is active
// all the time, so H ≤ s. All versions up to s were in the table before s was drawn.
//
//  1. It looks in the table. A chain is a piece of history in which at most those
//     versions are missing that no active snapshot sees, so if there is a version at
//     or below s in it, the first of these is w.
//  2. Otherwise w has left the table, or was never there since the engine was
//     opened. Either way the engine had it before, and w or something newer is what
//     every load finds that begins now. Is it at or below s, it is w.
//  3. If the load finds something newer than s, or nothing: either w is a tombstone
//     or never was, or it was overwritten or deleted in the engine by some n > s.
//     Before the applier does that it hangs w at the end of the chain that n is in
//     (Hang). This object has n > s ≥ H, so it cannot leave; and w is not purged,
//     since s sees it. The reader looks in the table again, and there w is.
//
// While the reader that loads is active, nothing that its load does not find can leave:
// it would be newer than s. But a transaction that is ended by force while its load is
// in the engine does not hold back H any more, and its load may be older than what has
// left since. So each load has P, the applied timestamp from before it began, and each
// eviction raises the mark of its cell before anybody can see the object dead, let alone
// miss it:
//
//  4. The result of somebody else's load will do if P ≥ mark, and mark is read after
//     the table was missed: if w has left the table it did before the miss, so w ≤ mark
//     ≤ P, and the load found w or something newer.
//  5. What was loaded enters the table if there is no object with its key, and P ≥
//     mark, both seen under the mutex that inserts and removals go through. Then it
//     is at least as new as all that has left, so step 1 holds for its chain too.
//
// Entries of the cache are objects in the table, or dead ones, so they need no proof
// of their own: nobody reads through the cache.
//
// # Why a scan is right
//
// It registers a view with the applied timestamp, then opens the engine's iterator,
// and then begins to walk over the ordered index. Again s is the snapshot and w
// what it should see of a key.
//
//  6. If the index has the object, the first version at or below s is w, as in 1.
//  7. Otherwise w is in no chain that is in the index. If it left memory before the
//     view was registered, it had been applied before the iterator was opened; if
//     after, w ≤ bound ≤ the view's applied timestamp. If it is in the table, but
//     not in the index, it was loaded and has not been written since, so it left
//     before, and the same is true. So the iterator has w, or some n > s that was
//     applied before it was opened. But n's object was in the index before that, with
//     w at its end, and cannot leave; so it is met, and this is case 6.
//
// # What validation looks at
//
// Whether a key was changed since an active snapshot s, memory alone can tell: what
// changed it is newer than s ≥ H, and has not left.
//
// # What this rests on
//
// Writers hold the lock word of an object from before they link a version until it is
// stamped, and enter it in the ordered index before they commit. All of this in every
// order of steps, and what goes wrong without each of the rules, is in explore_test.go.
type cold struct {
	store  *Store
	engine Engine
	cache  cache

	_       pad.Align64
	applied atomic.Uint64
	horizon atomic.Uint64 // H
	clear   atomic.Uint64 // greatest bound there ever was
	marks   []atomic.Uint64

	gate     sync.RWMutex // held for reading by calls into the engine and the cache
	detached atomic.Bool  // set while gate is held for writing

	flights flights
	views   views
	stuck   stuck
	counts  counts
}

// ErrDetached says that what was asked for is not in memory, and that the store has
// been detached from its engine.
var ErrDetached = errors.New("storage: the store is detached from its engine")

// markCells is the number of marks; a power of two. More than one key has the same, so a
// mark may be higher than it should be. That costs a load.
const markCells = 1 << 16

// Attach puts the store above the engine, whose data it has from now on, before it
// is used for the first time. About cacheBytes of memory are for objects that could
// be loaded again. Detach is to be called in the end.
func (s *Store) Attach(e Engine, cacheBytes int64) error {
	c := &cold{store: s, engine: e, marks: make([]atomic.Uint64, markCells)}
	// Nobody reads at an older snapshot than what the engine comes with.
	applied := e.Mark().Applied
	c.applied.Store(applied)
	c.horizon.Store(applied)
	c.flights.init()
	c.views.init()
	c.stuck.init()
	c.counts.init()
	if err := c.cache.init(cacheBytes, c.leave); err != nil {
		return err
	}
	s.cold = c
	return nil
}

// Detach lets go of the engine: it stops what Attach started, and closes the
// iterators of all scans. It waits for calls that are inside the engine, and for
// nothing else. What is in memory can be read as before; what is not, and a scan,
// fails with ErrDetached.
func (s *Store) Detach() {
	c := s.cold
	if c == nil {
		return
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	if c.detached.Swap(true) {
		return
	}
	c.views.closeAll()
	c.cache.close()
}

// HasEngine reports whether the store is above an engine.
func (s *Store) HasEngine() bool { return s.cold != nil }

// SetApplied says that the engine has everything up to ts, after Engine.Apply has
// returned.
func (s *Store) SetApplied(ts uint64) { raise(&s.cold.applied, ts) }

// Applied returns the greatest timestamp that SetApplied was given, or that the
// engine came with.
func (s *Store) Applied() uint64 { return s.cold.applied.Load() }

// enter reports whether the engine may be called; the caller leaves by gate.RUnlock.
func (c *cold) enter() bool {
	c.gate.RLock()
	if c.detached.Load() {
		c.gate.RUnlock()
		return false
	}
	return true
}

// mark returns the mark of the keys with the hash. The bits are others than those
// that choose the table's shard and cell.
func (c *cold) mark(hash uint64) *atomic.Uint64 { return &c.marks[hash>>32%uint64(len(c.marks))] }

// raise makes the timestamp at least ts.
func raise(at *atomic.Uint64, ts uint64) {
	for {
		old := at.Load()
		if old >= ts || at.CompareAndSwap(old, ts) {
			return
		}
	}
}
