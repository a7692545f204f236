package storage

import (
	"math"
	"sync"
)

// views are the scans that have an iterator of the engine open.
type views struct {
	mu     sync.Mutex // protects following fields, and orders them with cold.clear
	open   map[*Sight]uint64
	oldest uint64 // the least applied timestamp of open, or the greatest number
}

func (v *views) init() { v.open, v.oldest = make(map[*Sight]uint64), math.MaxUint64 }

// register enters a view, before its iterator is opened.
func (c *cold) register(view *Sight) {
	v := &c.views
	v.mu.Lock()
	defer v.mu.Unlock()
	applied := c.applied.Load()
	v.open[view] = applied
	v.oldest = min(v.oldest, applied)
}

// unregister is for when the iterator is closed.
func (v *views) unregister(view *Sight) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.open, view)
	v.oldest = math.MaxUint64
	for _, applied := range v.open {
		v.oldest = min(v.oldest, applied)
	}
}

// OldestView returns the least applied timestamp of all open scans, or the greatest
// number: what was applied after that stays in memory until they are closed.
func (s *Store) OldestView() uint64 {
	v := &s.cold.views
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.oldest
}

// closeAll closes the iterators that are open. Nobody uses one meanwhile.
func (v *views) closeAll() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for view := range v.open {
		view.engine.Close()
	}
}
