package storage

import (
	"context"
	"errors"
	"sync"

	"github.com/tierceldb/tiercel/internal/pad"
)

// flights are the loads under way. Who misses a key that is being loaded waits for
// that load instead of doing another, if its result is one that it may use (rule 4 of
// cold).
type flights struct {
	shards [flightShards]flightShard
}

const flightShards = 64

type flightShard struct {
	mu     sync.Mutex // protects following fields, and done of the flights
	flying map[uint64]*flight
	_      pad.Line
}

// flight is one load.
type flight struct {
	key    []byte // the reader's who does it; not looked at after it is over
	hash   uint64
	before uint64 // the applied timestamp when it had not begun
	done   chan struct{}

	got loaded // done: it is there
	err error
}

// loaded is what a load has found: the version, or nil, and its object, if that has
// come into the table.
type loaded struct {
	object  *Object
	version *Version
}

// errUnfinished is what those get who wait for a load that has panicked.
var errUnfinished = errors.New("storage: the load that was waited for did not come to an end")

func (f *flights) init() {
	for i := range f.shards {
		f.shards[i].flying = make(map[uint64]*flight)
	}
}

func (f *flights) shard(hash uint64) *flightShard { return &f.shards[hash%flightShards] }

// load has the key loaded, by somebody else if that has begun. The caller has missed
// it in the table.
func (c *cold) load(ctx context.Context, key []byte, hash uint64) (loaded, error) {
	mark := c.mark(hash).Load() // after the miss, and before a flight is looked for
	if !c.enter() {
		return loaded{}, ErrDetached
	}
	defer c.gate.RUnlock()
	f, joined := c.take(key, hash, mark)
	if !joined {
		return c.fly(f)
	}
	c.counts.joined.Inc()
	var ended <-chan struct{}
	if ctx != nil {
		ended = ctx.Done()
	}
	select {
	case <-f.done:
		return f.got, f.err
	case <-ended:
		return loaded{}, ctx.Err()
	}
}

// take returns the flight that loads the key, and whether somebody else does it.
func (c *cold) take(key []byte, hash, mark uint64) (*flight, bool) {
	s := c.flights.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flying[hash]; f != nil && f.before >= mark && string(f.key) == string(key) {
		if f.done == nil {
			f.done = make(chan struct{})
		}
		return f, true
	}
	f := &flight{key: key, hash: hash, before: c.applied.Load(), err: errUnfinished}
	s.flying[hash] = f
	return f, false
}

// fly does the load, and lets those know who wait for it.
func (c *cold) fly(f *flight) (loaded, error) {
	defer c.land(f)
	c.counts.loads.Inc()
	var o *Object
	var v *Version
	f.err = c.engine.Load(f.key, func(value []byte, ts uint64) { o, v = newLoaded(f.key, f.hash, value, ts) })
	switch {
	case f.err != nil:
		f.err = loadError(f.key, f.err)
	case v != nil:
		f.got = loaded{object: c.admit(o, v, f.before), version: v}
	}
	return f.got, f.err
}

// admit offers o to the table and to the cache, and returns the object that the table
// has, or nil.
func (c *cold) admit(o *Object, v *Version, before uint64) *Object {
	cost := footprint(o, v)
	o.openAccount(chargeOf(cost))
	in := c.store.table.insertUpTo(o, c.mark(o.hash), before)
	if in != o {
		return in
	}
	c.counts.loaded.Inc()
	if !c.cache.offer(o, cost) {
		c.leave(o)
	}
	return o
}

func (c *cold) land(f *flight) {
	s := c.flights.shard(f.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flying[f.hash] == f {
		delete(s.flying, f.hash)
	}
	if f.done != nil {
		close(f.done)
	}
}
