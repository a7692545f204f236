package storage

import "sync"

// Settled is what became of a version that was applied.
type Settled uint8

const (
	// Gone says that nothing more is to be done.
	Gone Settled = iota
	// Later says that Settle is to be called again some time: a snapshot or a view
	// may need what is older, or somebody holds the object.
	Later
)

// Settle is called for each version v that the engine has got, after SetApplied, with
// H: from now on the object may leave memory if v is all it has. A tombstone does so
// at once. What a newer version is in the way of is left to that.
func (s *Store) Settle(o *Object, v *Version, horizon uint64) Settled {
	c := s.cold
	if c == nil || !c.enter() {
		return Gone
	}
	defer c.gate.RUnlock()
	raise(&c.horizon, horizon)
	if o.IsDead() {
		return Gone
	}
	for x := o.Head(); x != v; x = x.Older() {
		if x == nil || x.CommitTS() != 0 {
			return Gone
		}
		if x.Older() == v {
			return Later // x may be rolled back
		}
	}
	switch {
	case !c.isAllOf(v):
		return Later
	case !v.Tombstone():
		c.keep(o, v)
		return Gone
	case c.evict(o) == evicted:
		if o.hasAccount() {
			c.cache.withdraw(o) // of the value; what the key has next is not to take its place
		}
		return Gone
	}
	return Later
}

// isAllOf reports whether v may leave memory, and nothing older is in its chain.
func (c *cold) isAllOf(v *Version) bool {
	return v.State() == nil && v.Older() == nil && c.isClear(v.ts.Load())
}

// isClear reports whether a version with this timestamp may leave memory, if it is
// the only one. Once it may, it may for ever.
func (c *cold) isClear(ts uint64) bool {
	if ts <= c.clear.Load() {
		return true
	}
	v := &c.views
	v.mu.Lock()
	defer v.mu.Unlock()
	raise(&c.clear, min(c.horizon.Load(), c.applied.Load(), v.oldest))
	return ts <= c.clear.Load()
}

// keep offers o, of which v is all there is, to the cache.
func (c *cold) keep(o *Object, v *Version) {
	cost := footprint(o, v)
	charge := chargeOf(cost)
	if o.isCharged(charge) {
		return
	}
	grown := o.isChargedBelow(charge)
	o.openAccount(charge)
	if grown {
		c.cache.withdraw(o)
	}
	if !c.cache.offer(o, cost) {
		c.leave(o)
	}
}

// leave is called when the cache has one entry of o less, or has not taken it.
func (c *cold) leave(o *Object) {
	if o == nil || !o.closeAccount() || c.detached.Load() {
		return
	}
	if c.evict(o) == busy {
		c.stuck.add(o)
	}
	for range 2 {
		if o := c.stuck.take(); o != nil && c.evict(o) == busy {
			c.stuck.add(o)
		}
	}
}

// eviction is what an attempt to evict an object came to.
type eviction uint8

const (
	evicted eviction = iota
	needed           // it has what memory needs, and will be settled; or the cache has it again
	busy             // somebody holds it, and may let go without a commit
)

// evict takes o out of memory if it may leave, and the cache does not have it; a
// tombstone leaves in any case.
func (c *cold) evict(o *Object) eviction {
	switch o.takeLeave() {
	case Dead:
		return evicted
	case Owned:
		return busy
	}
	v := o.Head()
	if v == nil || !c.isAllOf(v) || !v.Tombstone() && o.hasAccount() {
		o.stay()
		if v != nil && v.CommitTS() == 0 {
			return busy
		}
		return needed
	}
	raise(c.mark(o.hash), v.ts.Load()) // before anybody can miss it
	o.die()
	c.store.Forget(o)
	c.counts.evicted.Inc()
	return evicted
}

// stuck has objects that the cache gave up while somebody held them. Nobody would
// ask for them again, so each eviction tries two of them, whichever.
type stuck struct {
	mu      sync.Mutex // protects following fields
	objects map[*Object]struct{}
}

func (s *stuck) init() { s.objects = make(map[*Object]struct{}) }

func (s *stuck) add(o *Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[o] = struct{}{}
}

// take takes one out, or returns nil.
func (s *stuck) take() *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range s.objects {
		delete(s.objects, o)
		return o
	}
	return nil
}
