package storage

import (
	"bytes"
	"fmt"
)

// Sight is what a snapshot sees of a range: what is in memory and what is in the
// engine, merged in key order. It is for one goroutine, and has to be closed.
//
// It keeps what is applied from now on in memory until it is closed (see cold).
type Sight struct {
	cold     *cold
	snapshot uint64
	memory   Cursor
	next     *Object  // of memory, the first that was not looked at yet
	engine   Iterator // nil: there is none, or it is closed
	ahead    bool     // the engine stands on a key that was not looked at yet
	order    Order
	newest   uint64 // timestamp of what was met, tombstones too
	err      error
}

// Sight returns what snapshot sees of lo ≤ key < hi, in the given order. hi nil is the
// end. An error is that of the first Next.
func (s *Store) Sight(lo, hi []byte, order Order, snapshot uint64) *Sight {
	w := &Sight{cold: s.cold, snapshot: snapshot, order: order}
	if s.cold != nil {
		w.open(lo, hi)
	}
	if order == Descending {
		w.memory = s.Descend(lo, hi)
	} else {
		w.memory = s.Ascend(lo, hi)
	}
	w.next = w.memory.Next()
	return w
}

// open opens the engine's side, before memory is looked at.
func (w *Sight) open(lo, hi []byte) {
	c := w.cold
	if !c.enter() {
		w.err = ErrDetached
		return
	}
	defer c.gate.RUnlock()
	c.register(w)
	if w.engine, w.err = c.engine.Scan(lo, hi, w.order); w.err != nil {
		c.views.unregister(w)
		w.engine, w.err = nil, fmt.Errorf("storage: scan of the engine: %w", w.err)
		return
	}
	w.advance()
}

// advance moves the engine's side on. The caller holds the gate.
func (w *Sight) advance() {
	if w.ahead = w.engine.Next(); w.ahead {
		return
	}
	if err := w.engine.Err(); err != nil {
		w.err = fmt.Errorf("storage: scan of the engine: %w", err)
	}
}

// Next returns the next key that has a value, and the version that has it, or nil at
// the end. Both stay valid for ever. The error is ErrDetached or the engine's; then
// the scan is over.
func (w *Sight) Next() (key []byte, v *Version, err error) {
	for w.err == nil && (w.next != nil || w.ahead) {
		if key, v = w.step(); v != nil {
			w.newest = max(w.newest, v.CommitTS())
		}
		if v.HasValue() {
			return key, v, nil
		}
	}
	return nil, nil, w.err
}

// Newest returns the commit timestamp of the newest version that the scan has met, also
// of those that say that a key has no value.
func (w *Sight) Newest() uint64 { return w.newest }

// step looks at the next key.
func (w *Sight) step() (key []byte, v *Version) {
	if w.engine != nil {
		if !w.cold.enter() {
			w.err = ErrDetached
			return nil, nil
		}
		defer w.cold.gate.RUnlock()
	}
	ahead := w.compare()
	if ahead >= 0 {
		key, v = w.fromMemory()
	}
	switch {
	case ahead > 0:
	case v == nil:
		key, v = w.fromEngine()
	default:
		w.advance()
	}
	return key, v
}

// compare returns 1 if the next key is only in memory, -1 if it is only in the
// engine, and 0 if it is in both.
func (w *Sight) compare() int {
	switch {
	case !w.ahead:
		return 1
	case w.next == nil:
		return -1
	case w.order == Descending:
		return bytes.Compare(w.next.Key(), w.engine.Key())
	}
	return bytes.Compare(w.engine.Key(), w.next.Key())
}

// fromMemory returns what the snapshot sees of the object that is next in memory, and
// goes on to the one after it.
func (w *Sight) fromMemory() (key []byte, v *Version) {
	o := w.next
	w.goOn()
	return o.Key(), o.Visible(w.snapshot)
}

// goOn goes on in memory. What was inserted since the scan began may come in any
// place; that is skipped, for the scan needs only what was there when it began.
func (w *Sight) goOn() {
	for last := w.next.Key(); ; {
		w.next = w.memory.Next()
		if w.next == nil {
			return
		}
		if order := bytes.Compare(last, w.next.Key()); order < 0 && !w.memory.down || order > 0 && w.memory.down {
			return
		}
	}
}

// fromEngine returns what the engine has, unless it is newer than the snapshot, and
// goes on.
func (w *Sight) fromEngine() (key []byte, v *Version) {
	if ts := w.engine.TS(); ts <= w.snapshot {
		o, _ := newLoaded(w.engine.Key(), 0, w.engine.Value(), ts)
		key, v = o.Key(), o.Head()
	}
	w.advance()
	return key, v
}

// Close ends the scan. It may be called more than once.
func (w *Sight) Close() error {
	if w.engine == nil {
		return nil
	}
	c := w.cold
	c.gate.RLock()
	defer c.gate.RUnlock()
	it := w.engine
	w.engine, w.ahead = nil, false
	if c.detached.Load() {
		return nil // Detach has closed it
	}
	defer c.views.unregister(w)
	return it.Close()
}
