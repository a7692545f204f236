package storage

import "github.com/puzpuzpuz/xsync/v3"

// Memory says what of a store with an engine is in memory, and how that came.
type Memory struct {
	CacheBytes int64 // what the objects take that could be loaded again
	Objects    int64 // in memory, whether they could or not
	Loads      int64 // of keys that were missed, by calls of the engine
	Joined     int64 // by waiting for somebody else's call
	Loaded     int64 // versions that came into memory from the engine
	Evicted    int64 // versions that left memory because the engine has them
}

// counts are the counters behind Memory.
type counts struct {
	loads, joined, loaded, evicted *xsync.Counter
}

func (c *counts) init() {
	for _, counter := range []**xsync.Counter{&c.loads, &c.joined, &c.loaded, &c.evicted} {
		*counter = xsync.NewCounter()
	}
}

// Memory returns what is in memory now. For a store without an engine only Objects is
// not 0.
func (s *Store) Memory() Memory {
	m := Memory{Objects: s.Len()}
	if c := s.cold; c != nil {
		m.CacheBytes = c.cache.bytes()
		m.Loads, m.Joined = c.counts.loads.Value(), c.counts.joined.Value()
		m.Loaded, m.Evicted = c.counts.loaded.Value(), c.counts.evicted.Value()
	}
	return m
}

// Touch lets the cache know that the object with the hash was read. Readers that find
// what they need in the table call it for one read in Sampling; more would cost
// them more than it tells the cache.
func (s *Store) Touch(hash uint64) {
	c := s.cold
	if c == nil || !c.gate.TryRLock() {
		return
	}
	defer c.gate.RUnlock()
	if !c.detached.Load() {
		c.cache.noteRead(hash)
	}
}

// Sampling is how many reads one call of Touch stands for.
const Sampling = 16
