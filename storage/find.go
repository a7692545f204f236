package storage

import (
	"context"
	"fmt"
)

// Find returns what a transaction reading at snapshot sees of the key, whose hash is
// hash: the version, which may be a tombstone, or nil; and the object that has the
// key in the table, or nil. It is for those who have not found a visible version in
// the table: it asks the engine.
//
// The errors are ErrDetached, that of ctx, which may be nil, if it ends while
// somebody else loads the key, and the engine's.
func (s *Store) Find(ctx context.Context, key []byte, hash, snapshot uint64) (*Object, *Version, error) {
	o, v := s.look(key, hash, snapshot)
	if v != nil || s.cold == nil {
		return o, v, nil
	}
	return s.cold.find(ctx, o, key, hash, snapshot)
}

// look looks in the table.
func (s *Store) look(key []byte, hash, snapshot uint64) (*Object, *Version) {
	o := s.table.lookup(key, hash)
	if o == nil {
		return nil, nil
	}
	return o, o.Visible(snapshot)
}

// find goes on where the table has no visible version, and in, or nothing, for the key.
func (c *cold) find(ctx context.Context, in *Object, key []byte, hash, snapshot uint64) (*Object, *Version, error) {
	got, err := c.load(ctx, key, hash)
	if err != nil {
		return nil, nil, err
	}
	if v := got.version; v != nil && v.ts.Load() <= snapshot {
		if got.object != nil {
			in = got.object
		}
		return in, v, nil
	}
	in, v := c.store.look(key, hash, snapshot)
	return in, v, nil
}

// Base returns the value that the engine has for the key, as a version that is in no
// chain, or nil.
func (s *Store) Base(key []byte) (*Version, error) {
	c := s.cold
	if c == nil {
		return nil, nil
	}
	if !c.enter() {
		return nil, ErrDetached
	}
	defer c.gate.RUnlock()
	var v *Version
	err := c.engine.Load(key, func(value []byte, ts uint64) {
		v = NewVersion(value, nil)
		v.Stamp(ts)
	})
	if err != nil {
		return nil, loadError(key, err)
	}
	return v, nil
}

func loadError(key []byte, err error) error {
	return fmt.Errorf("storage: load %.64q from the engine: %w", key, err)
}

// Promote returns the object with the key for somebody who wants to lock it, or nil
// if neither the table nor the engine has the key. If the table has none it is made,
// with what the engine has, and stays in memory until it is handed to Settle. One
// that is there already is returned as it is, and so without a version if its maker
// has not committed yet: whoever locks that asks Find what it was before.
//
// The errors are those of Find.
func (s *Store) Promote(_ context.Context, key []byte, hash uint64) (*Object, error) {
	for {
		o := s.table.lookup(key, hash)
		switch {
		case o != nil && o.IsDead():
			s.Forget(o)
			continue
		case o != nil || s.cold == nil:
			return o, nil
		}
		o, found, err := s.cold.promote(key, hash)
		if o != nil || !found || err != nil {
			return o, err
		}
	}
}

// promote is one attempt of Promote. It fails, with neither an object nor an error, if
// the engine has found something, but an object came into the table meanwhile or left.
func (c *cold) promote(key []byte, hash uint64) (o *Object, found bool, err error) {
	if !c.enter() {
		return nil, false, ErrDetached
	}
	defer c.gate.RUnlock()
	before := c.applied.Load()
	err = c.engine.Load(key, func(value []byte, ts uint64) { o, _ = newLoaded(key, hash, value, ts) })
	switch {
	case err != nil:
		return nil, false, loadError(key, err)
	case o == nil:
		return c.store.table.lookup(key, hash), false, nil
	case c.store.table.insertUpTo(o, c.mark(hash), before) != o:
		return nil, true, nil
	}
	c.counts.loaded.Inc()
	return o, true, nil
}

// newLoaded returns an object, in no index, with the one committed version.
func newLoaded(key []byte, hash uint64, value []byte, ts uint64) (*Object, *Version) {
	o, v := NewWritten(key, hash, value, nil)
	v.Stamp(ts)
	o.head.Store(v)
	o.fresh = false
	o.lock.Store(0)
	return o, v
}

// Hang puts the committed v at the end of the chain, in which there is a committed
// version already. The caller keeps everybody else from changing the older end of it.
// It does nothing if the chain has v's timestamp, or something older.
func (o *Object) Hang(v *Version) {
	last := o.Head()
	for older := last.Older(); older != nil; older = last.Older() {
		last = older
	}
	if last.CommitTS() > v.CommitTS() {
		last.older.Store(v)
	}
}
