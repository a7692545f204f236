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
	spare  *flight // one that nobody has waited for, to be used again
	misses uint64
	_      pad.Line
}

// flight is one load.
type flight struct {
	key    []byte // the reader's who does it; not looked at after it is over
	hash   uint64
	before uint64        // the applied timestamp before it began
	done   chan struct{} // nil: nobody waits

	// What follows is of the reader who does it, until done is closed.
	got   loaded
	err   error
	found func(value []byte, ts uint64) // what the engine calls
	wants admission
	made  *Object
}

// loaded is what a load has found: the version, or nil, and the object with the key
// in the table, or nil if there is none.
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

// shard takes other bits than the tables of ristretto.
func (f *flights) shard(hash uint64) *flightShard { return &f.shards[hash>>16%flightShards] }

// load has the key loaded, by somebody else if that has begun. The caller has missed
// it in the table.
func (c *cold) load(ctx context.Context, key []byte, hash uint64) (loaded, error) {
	mark := c.mark(hash).Load() // after the miss, and before a flight is looked for
	if !c.enter() {
		return loaded{}, ErrDetached
	}
	defer c.gate.RUnlock()
	f, isOurs := c.board(key, hash, mark)
	if isOurs {
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

// board returns the flight that loads the key, and whether it is the caller who has
// to do it.
func (c *cold) board(key []byte, hash, mark uint64) (f *flight, isOurs bool) {
	s := c.flights.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.misses++; s.misses%Sampling == 0 {
		c.cache.noteRead(hash)
	}
	if f := s.flying[hash]; f != nil && f.before >= mark && string(f.key) == string(key) {
		if f.done == nil {
			f.done = make(chan struct{})
		}
		return f, false
	}
	f, s.spare = s.spare, nil
	if f == nil {
		f = new(flight)
		f.found = f.take
	}
	f.key, f.hash, f.before, f.err = key, hash, c.applied.Load(), errUnfinished
	s.flying[hash] = f
	return f, true
}

// fly does the load, and lets those know who wait for it.
func (c *cold) fly(f *flight) (loaded, error) {
	defer c.land(f)
	c.counts.loads.Inc()
	f.wants = c.cache.admits(f.hash)
	err := c.engine.Load(f.key, f.found)
	switch {
	case err != nil:
		err = loadError(f.key, err)
	case f.made != nil:
		f.got.object = c.admit(f.made, f.got.version, f.before)
	}
	f.err = err
	return f.got, f.err
}

// take keeps what the engine has found.
func (f *flight) take(value []byte, ts uint64) {
	if f.wants == objectAndVersion {
		f.made, f.got.version = newLoaded(f.key, f.hash, value, ts)
		return
	}
	f.got.version = NewVersion(value, nil)
	f.got.version.Stamp(ts)
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

// land ends the flight. One that nobody waits for is used again.
func (c *cold) land(f *flight) {
	s := c.flights.shard(f.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flying[f.hash] == f {
		delete(s.flying, f.hash)
	}
	if f.done != nil {
		close(f.done)
		return
	}
	*f = flight{found: f.found}
	s.spare = f
}
