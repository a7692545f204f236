package storage_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/storage"
)

// history is a store above an engine with everything around it that a manager would
// have, each as simple as can be, and a model of what was ever committed.
type history struct {
	t *testing.T
	*storage.Store
	engine  *engine
	keys    []string
	visible atomic.Uint64
	slots   [16]atomic.Uint64 // snapshots; 0: free

	mu     sync.Mutex // protects following fields: the finish section
	model  map[string][]past
	log    []written
	newest uint64

	purging sync.Mutex // held by whoever changes the older ends of chains
}

// past is a version that was once committed, the oldest first; "" is a tombstone.
type past struct {
	ts    uint64
	value string
}

func newHistory(t *testing.T, cacheBytes int64, keys int) *history {
	h := &history{t: t, Store: storage.New(), engine: new(engine), model: make(map[string][]past), newest: 1}
	for i := range keys {
		h.keys = append(h.keys, fmt.Sprintf("key%03d", i))
	}
	h.visible.Store(1)
	if err := h.Attach(h.engine, cacheBytes); err != nil {
		t.Fatal(err)
	}
	h.FewMarks(4)
	t.Cleanup(h.Detach)
	return h
}

func (h *history) key(r *rand.Rand) []byte { return []byte(h.keys[r.IntN(len(h.keys))]) }

// begin takes the slot, and returns the snapshot.
func (h *history) begin(slot int) uint64 {
	s := h.visible.Load()
	h.slots[slot].Store(s)
	for now := h.visible.Load(); now != s; now = h.visible.Load() {
		s = now
		h.slots[slot].Store(s)
	}
	return s
}

func (h *history) end(slot int) { h.slots[slot].Store(0) }

// active returns m and A (package deps): the horizon is the least of both.
func (h *history) active() (m uint64, snapshots []uint64) {
	m = h.visible.Load()
	for i := range h.slots {
		if s := h.slots[i].Load(); s != 0 {
			snapshots = append(snapshots, s)
		}
	}
	return m, snapshots
}

// at returns what the model has of the key at the snapshot.
func (h *history) at(key string, snapshot uint64) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return visibleAt(h.model[key], snapshot)
}

func visibleAt(list []past, snapshot uint64) string {
	for _, x := range slices.Backward(list) {
		if x.ts <= snapshot {
			return x.value
		}
	}
	return ""
}

// within returns the values that the model has of the range at the snapshot.
func (h *history) within(lo, hi string, order storage.Order, snapshot uint64) (values []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range h.keys {
		if value := visibleAt(h.model[key], snapshot); value != "" && key >= lo && key < hi {
			values = append(values, value)
		}
	}
	if order == storage.Descending {
		slices.Reverse(values)
	}
	return values
}

// lock locks the object with the key, by looking for it or by Promote.
func (h *history) lock(r *rand.Rand, key []byte) *storage.Object {
	hash := h.Hash(key)
	for {
		o := h.Lookup(key, hash)
		if o == nil && r.IntN(2) == 0 {
			o = h.promote(key, hash)
		}
		if o == nil {
			o = storage.NewObject(key, hash)
			if h.Adopt(o) == o {
				return o
			}
			continue
		}
		switch o.TryLock(storage.Unlocked, storage.Update) {
		case storage.Locked:
			return o
		case storage.Dead:
			h.Forget(o)
		case storage.Owned:
			runtime.Gosched()
		}
	}
}

// promote returns the object, and sees to it that it is settled.
func (h *history) promote(key []byte, hash uint64) *storage.Object {
	o, err := h.Promote(context.Background(), key, hash)
	if err != nil {
		h.t.Error(err)
	}
	if o != nil {
		if v := o.Head(); v != nil && v.CommitTS() != 0 {
			h.mu.Lock()
			h.log = append(h.log, written{o, v})
			h.mu.Unlock()
		}
	}
	return o
}

// write commits a value or a tombstone, or rolls it back.
func (h *history) write(r *rand.Rand, slot int) {
	key := h.key(r)
	state := new(storage.State)
	value := fmt.Sprintf("%s %d %0*d", key, r.Uint64(), r.IntN(100), 0)
	v := storage.NewVersion([]byte(value), state)
	if r.IntN(4) == 0 {
		value, v = "", storage.NewTombstone(state)
	}
	o := h.lock(r, key)
	h.Enlist(o)
	o.Link(v)
	switch r.IntN(8) {
	case 0:
		o.Undo(v)
		if o.Head() == nil && h.Remove(o) {
			return
		}
	default:
		ts := h.commit(key, value, state, written{o, v})
		v.Stamp(ts)
	}
	o.Lower(storage.Update, storage.Unlocked)
}

func (h *history) commit(key []byte, value string, state *storage.State, x written) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.newest++
	state.Commit(h.newest)
	h.model[string(key)] = append(h.model[string(key)], past{h.newest, value})
	h.log = append(h.log, x)
	h.visible.Store(h.newest)
	return h.newest
}

// read compares some keys with the model.
func (h *history) read(r *rand.Rand, slot int) {
	s := h.begin(slot)
	defer h.end(slot)
	for range 1 + r.IntN(8) {
		key := h.key(r)
		_, v, err := h.Find(context.Background(), key, h.Hash(key), s)
		if want := h.at(string(key), s); err != nil || value(v) != want {
			h.t.Errorf("%s at %d is %q, want %q (%v)", key, s, value(v), want, err)
		}
		switch r.IntN(8) {
		case 0:
			h.Touch(h.Hash(key))
		case 1:
			h.AdmitAll()
		}
	}
}

// scan compares a range, or the beginning of it, with the model.
func (h *history) scan(r *rand.Rand, slot int) {
	s := h.begin(slot)
	defer h.end(slot)
	lo, hi := h.key(r), h.key(r)
	order := storage.Order(r.IntN(2))
	want := h.within(string(lo), string(hi), order, s)
	view := h.Sight(lo, hi, order, s)
	defer view.Close()
	for n := r.IntN(len(h.keys)); n > 0; n-- {
		key, v, err := view.Next()
		switch {
		case err != nil:
			h.t.Error(err)
		case key == nil && len(want) == 0:
			return
		case key == nil, len(want) == 0, value(v) != want[0]:
			h.t.Errorf("scan at %d from %s to %s, order %d: %q %q, want %.1q", s, lo, hi, order, key, value(v), want)
			return
		}
		want = want[1:]
	}
}

// apply is the applier: it gives the engine what was committed, of each object the
// newest version, and settles that, later again if it has to.
func (h *history) apply(pending []written) []written {
	h.mu.Lock()
	log, target := h.log, h.newest
	h.log = nil
	h.mu.Unlock()
	newest := make(map[string]written)
	for _, x := range log {
		key := string(x.object.Key())
		switch ts := x.version.CommitTS(); {
		case ts <= h.Applied():
			pending = append(pending, x) // of Promote
		case newest[key].version == nil || newest[key].version.CommitTS() < ts:
			newest[key] = x
		}
	}
	var changes []storage.Change
	for key, x := range newest {
		h.hang(x)
		c := storage.Change{Key: []byte(key), TS: x.version.CommitTS(), Delete: x.version.Tombstone()}
		if !c.Delete {
			c.Value = x.version.Value()
		}
		changes = append(changes, c)
		pending = append(pending, x)
	}
	if err := h.engine.Apply(changes, storage.Mark{Applied: target}); err != nil {
		h.t.Error(err)
	}
	h.SetApplied(target)
	return h.settle(pending)
}

func (h *history) hang(x written) {
	h.purging.Lock()
	defer h.purging.Unlock()
	if old, err := h.Base(x.object.Key()); err != nil {
		h.t.Error(err)
	} else if old != nil {
		x.object.Hang(old)
	}
}

func (h *history) settle(pending []written) []written {
	h.purging.Lock()
	defer h.purging.Unlock()
	m, snapshots := h.active()
	horizon := m
	for _, s := range snapshots {
		horizon = min(horizon, s)
	}
	return slices.DeleteFunc(pending, func(x written) bool {
		purgeBetween(x.object, m, snapshots)
		return h.Settle(x.object, x.version, horizon) == storage.Gone
	})
}

// purgeBetween unlinks what nobody can see.
func purgeBetween(o *storage.Object, m uint64, snapshots []uint64) {
	newer := o.Head()
	for newer != nil && newer.Older() != nil {
		x, e := newer.Older(), newer.CommitTS()
		needed := e == 0 || e > m || slices.ContainsFunc(snapshots, func(s uint64) bool { return x.CommitTS() <= s && s < e })
		if needed {
			newer = x
		} else {
			storage.Unlink(newer)
		}
	}
}

// run lets all of that happen at once for a while, and in the end looks at what is left.
func (h *history) run(rnd func(int) *rand.Rand, howLong time.Duration) {
	var wg, applier sync.WaitGroup
	over := time.Now().Add(howLong)
	for slot, act := range []func(*rand.Rand, int){h.read, h.read, h.read, h.scan, h.write, h.write} {
		wg.Go(func() {
			for r := rnd(slot); time.Now().Before(over) && !h.t.Failed(); {
				act(r, slot)
				runtime.Gosched() // with its slot free, or the horizon would not move
			}
		})
	}
	var done atomic.Bool
	applier.Go(func() {
		var pending []written
		for last := false; !last || len(pending) > 0; {
			last = done.Load() // before the log is looked at
			pending = h.apply(pending)
			runtime.Gosched()
		}
	})
	wg.Wait()
	done.Store(true)
	applier.Wait()
	h.check()
}

// check looks at the end: every object is what it has to be, and there is no other.
func (h *history) check() {
	s := h.begin(0)
	defer h.end(0)
	for _, key := range h.keys {
		_, v, err := h.Find(context.Background(), []byte(key), h.Hash([]byte(key)), s)
		if want := h.at(key, math.MaxUint64); err != nil || value(v) != want {
			h.t.Errorf("%s is %q in the end, want %q (%v)", key, value(v), want, err)
		}
	}
	h.Quiesce()
	objects := int64(0)
	for _, key := range h.keys {
		o := h.Get([]byte(key))
		if o == nil {
			continue
		}
		if objects++; o.IsDead() || o.IsLocked() || !o.Head().HasValue() || o.Head().Older() != nil {
			h.t.Errorf("%s: something is left of it", key)
		}
	}
	m, stuck := h.Memory(), int64(h.Stuck()) // which no eviction has come after
	if m.Objects != objects || m.Objects > stuck && m.CacheBytes == 0 || h.Views() != 0 {
		h.t.Errorf("%+v, %d objects of keys, %d views, %d stuck", m, objects, h.Views(), stuck)
	}
	h.t.Logf("%d commits, %+v", h.newest, m)
}

// TestColdAgainstModel: readers, scans, writers, an applier and a purge, over caches
// that hold nothing, some keys, and all.
func TestColdAgainstModel(t *testing.T) {
	for _, c := range []struct {
		cacheBytes int64
		keys       int
	}{{nothing, 8}, {2 << 10, 4}, {4 << 10, 40}, {4 << 10, 200}, {plenty, 40}} {
		t.Run(fmt.Sprintf("bytes=%d keys=%d", c.cacheBytes, c.keys), func(t *testing.T) {
			newHistory(t, c.cacheBytes, c.keys).run(split(t), 300*time.Millisecond)
		})
	}
}
