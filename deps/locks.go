package deps

import (
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/pool"
	"github.com/tierceldb/tiercel/storage"
)

// Granularity is what a commit locks from vote to finish.
type Granularity uint8

const (
	// ObjectLocks locks the objects that it writes.
	ObjectLocks Granularity = iota
	// CoarseLock locks the whole store, with one lock.
	CoarseLock
	// NoLocks locks nothing, for a single goroutine.
	NoLocks
)

// holdings are the locks that a transaction holds, once it has asked for one before
// its vote. A transaction that never does has none, and owns at the end what it
// writes.
//
// The owner adds without a lock: first the element, then the number of them. Who
// ends the transaction by force lets them fall, and has won the state before it
// looks at the number; the owner looks at the state after it has added. So either
// finds what was added last, and under mu only one lets it fall. While the owner
// makes one of its locks stronger, and from the vote on, it lets them fall alone: a
// lock is in no mode that the list tells, or protects a pending version.
type holdings struct {
	n atomic.Int32 // elements of list that count; raised by the owner without mu

	mu     sync.Mutex // protects following fields, and elements that count against being taken away
	list   []holding
	fallen int  // so many of list were let go by force
	alone  bool // the owner lets go

	inline [4]holding
	index  map[*storage.Object]int // the owner's: last element of each object, once they are many

	beforeVote int // the owner's: value of n

	agent  atomic.Pointer[Record] // who waits for what this one needs, if it is not itself
	exempt bool                   // need not wait for the lock of the whole store
}

// holding says that the object was locked in mode, and before in a weaker one.
type holding struct {
	object       *storage.Object
	mode, before storage.LockMode
}

// holds returns the holdings, which it makes.
func (r *Record) holds() *holdings {
	h := r.held.Load()
	if h == nil {
		h = new(holdings)
		h.list = h.inline[:]
		r.held.Store(h)
	}
	return h
}

// mode returns how the owner holds o.
func (h *holdings) mode(o *storage.Object) storage.LockMode {
	n := int(h.n.Load())
	if n <= fewKeys {
		for i := n - 1; i >= 0; i-- {
			if h.list[i].object == o {
				return h.list[i].mode
			}
		}
		return storage.Unlocked
	}
	if h.index == nil {
		h.index = make(map[*storage.Object]int, 2*n)
		for i := range n {
			h.index[h.list[i].object] = i
		}
	}
	if i, found := h.index[o]; found {
		return h.list[i].mode
	}
	return storage.Unlocked
}

// longList is the length of the first list that does not lie in the holdings. Such
// lists are used again: what they cost was most of a lock.
const longList = 64

// grow makes room for more.
func (h *holdings) grow(pool *sync.Pool) {
	n := len(h.list)
	var list []holding
	if used, is := pool.Get().(*[]holding); is && len(*used) > n {
		list = *used
	} else {
		list = make([]holding, max(2*n, longList))
	}
	copy(list, h.list)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = list
}

// add is for the owner.
func (h *holdings) add(x holding, pool *sync.Pool) {
	n := int(h.n.Load())
	if n == len(h.list) {
		h.grow(pool)
	}
	h.list[n] = x
	if h.index != nil {
		h.index[x.object] = n
	}
	h.n.Store(int32(n + 1))
}

// each calls fn with all holdings, while nobody takes any away.
func (h *holdings) each(fn func(x holding)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range h.list[h.fallen:h.n.Load()] {
		fn(x)
	}
}

// work is what is lost if the transaction is ended.
func (r *Record) work() int {
	n := len(r.Writes)
	if h := r.held.Load(); h != nil {
		n += int(h.n.Load())
	}
	return n
}

// Locks returns how many times the transaction got a lock or a stronger one, for
// UnlockTo.
func (r *Record) Locks() int {
	if h := r.held.Load(); h != nil {
		return int(h.n.Load())
	}
	return 0
}

// HasLocked reports whether r has locked something before its vote, or somebody has for
// it.
func (r *Record) HasLocked() bool { return r.held.Load() != nil }

// Lock locks o for r before the vote, or the object that has the key of o by now,
// and returns that. The error is ErrOwned, ErrEnded, ErrDeadline, a *Deadlock, or
// a context's; only after ErrOwned and the error of the call's own context the
// transaction should go on.
func (m *Manager) Lock(r *Record, o *storage.Object, mode storage.LockMode, p Patience) (*storage.Object, error) {
	if m.granularity == NoLocks {
		return o, nil
	}
	if !m.waits.mixed.Load() {
		m.waits.mixed.Store(true) // before the lock is there, so whoever waits for it knows
	}
	h := r.holds()
	if m.granularity == CoarseLock {
		if h.exempt {
			return o, nil // whom it acts for has it
		}
		_, err := m.lockMore(r, h, m.whole, mode, &p)
		if in := m.Store.Lookup(o.Key(), o.Hash()); in != nil {
			o = in // it may have been made while r waited
		}
		return o, err
	}
	if o.LockFree(mode) { // so r had no lock on it, and need not look for one
		return o, m.note(r, h, holding{object: o, mode: mode})
	}
	for {
		if o.IsFresh() {
			in := m.Store.Adopt(o)
			if in == o {
				m.lower(o, storage.Update, mode)
				return o, m.note(r, h, holding{object: o, mode: mode})
			}
			o = in
		}
		result, err := m.lockMore(r, h, o, mode, &p)
		if err != nil || result == storage.Locked {
			return o, err
		}
		o = m.successor(o)
	}
}

// lockMore makes the mode in which r holds o at least as strong as mode.
func (m *Manager) lockMore(r *Record, h *holdings, o *storage.Object, mode storage.LockMode, p *Patience) (storage.LockResult, error) {
	before := h.mode(o)
	if before >= mode {
		return storage.Locked, nil
	}
	if before != storage.Unlocked && !h.alone {
		h.setAlone(true)
		defer m.noLongerAlone(r, h)
		if r.RolledBack() { // and perhaps nothing is held any more
			return storage.Owned, ErrEnded
		}
	}
	result, err := m.acquire(r, o, before, mode, p)
	if err != nil || result != storage.Locked {
		return result, err
	}
	return result, m.note(r, h, holding{object: o, mode: mode, before: before})
}

// note adds what r got, unless it was ended by force in the meantime.
func (m *Manager) note(r *Record, h *holdings, x holding) error {
	if n := int(h.n.Load()); n < len(h.list) && h.index == nil {
		h.list[n] = x
		h.n.Store(int32(n + 1))
	} else {
		h.add(x, &m.lists)
	}
	if r.RolledBack() {
		m.dropByForce(r)
		return ErrEnded
	}
	return nil
}

// setAlone says whether the owner alone lets go.
func (h *holdings) setAlone(alone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alone = alone
}

// noLongerAlone lets go what a forced end has left to the owner.
func (m *Manager) noLongerAlone(r *Record, h *holdings) {
	h.setAlone(false)
	if r.RolledBack() {
		m.dropByForce(r)
	}
}

// successor completes the removal of a dead object and returns a new one with its key.
func (m *Manager) successor(o *storage.Object) *storage.Object {
	m.Store.Forget(o)
	return storage.NewObject(o.Key(), o.Hash())
}

// LockStore keeps everybody from committing, but for agents of r and for what is
// prepared. The errors are those of Lock.
func (m *Manager) LockStore(r *Record, p Patience) error {
	if m.granularity == NoLocks {
		return nil
	}
	m.waits.mixed.Store(true)
	h := r.holds()
	h.setAlone(true) // a forced end must not take the lock from under an agent's vote
	_, err := m.lockMore(r, h, m.whole, storage.Update, &p)
	if err != nil {
		m.noLongerAlone(r, h)
	}
	return err
}

// UnlockStore lets go what LockStore locked, if r was ended by force; else that is
// for the end of r.
func (m *Manager) UnlockStore(r *Record) {
	if h := r.held.Load(); h != nil {
		m.noLongerAlone(r, h)
	}
}

// ActFor makes agent, which has just begun, an agent of r: who waits for a lock of r
// waits for the agent.
func (r *Record) ActFor(agent *Record) {
	h := &holdings{exempt: true}
	h.list = h.inline[:]
	agent.held.Store(h)
	r.holds().agent.Store(agent)
}

// Refresh moves the snapshot of r, which has not read anything, to now. A scan that
// found the older one in the slot keeps what that sees, and not what this does: so
// visible has to be looked at again after the CAS, as by a begin (pool.Slot). If the
// CAS fails the transaction was ended by force.
func (m *Manager) Refresh(r *Record) {
	for now := m.visible.Load(); now != r.Snapshot; now = m.visible.Load() {
		if !r.slot.Advance(r.Snapshot|pool.Update, now|pool.Update) {
			return
		}
		r.Snapshot = now
	}
}

// ChangedSince reports what keeps a lock of o in mode from being of any use: a
// version newer than the snapshot. With KeyShare it matters only if the object has
// come or gone.
func (m *Manager) ChangedSince(r *Record, o *storage.Object, mode storage.LockMode) *Conflict {
	c := changed(r, o, WriteWrite)
	if c != nil {
		m.findBase(r, c)
	}
	if c != nil && mode == storage.KeyShare && c.Base.HasValue() && c.Theirs.HasValue() {
		return nil
	}
	return c
}

// UnlockTo lets all locks go but the first n, which is what Locks returned once.
func (m *Manager) UnlockTo(r *Record, n int) {
	h := r.held.Load()
	if h == nil || int(h.n.Load()) <= n {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m.drop(h, max(n, h.fallen))
	h.index = nil
}

// letGo lets all go at the end of a transaction. Its owner does that, who has won
// the state, or to whom a forced end left it: so nobody else lets anything go now.
func (m *Manager) letGo(r *Record) {
	h := r.held.Load()
	if h == nil {
		return
	}
	n := int(h.n.Load())
	for i := n - 1; i >= h.fallen; i-- {
		if x := &h.list[i]; x.before != storage.Unlocked || x.object.Head() == nil || !x.object.UnlockAlone(x.mode) {
			m.lower(x.object, x.mode, x.before)
		}
	}
	r.held.Store(nil)
	if len(h.list) == len(h.inline) {
		return
	}
	h.mu.Lock() // who looks at the list must be done with it
	h.fallen = 0
	h.n.Store(0)
	list := h.list
	h.list = h.inline[:]
	h.mu.Unlock()
	clear(list[:n])
	m.lists.Put(&list)
}

// drop lets all go from number n on. The caller holds mu.
func (m *Manager) drop(h *holdings, n int) {
	for i := int(h.n.Load()) - 1; i >= n; i-- {
		x := h.list[i]
		h.n.Store(int32(i))
		m.lower(x.object, x.mode, x.before)
	}
}

// dropByForce lets fall what the transaction holds, which was rolled back by force,
// unless its owner is in the middle of a vote and does so itself.
func (m *Manager) dropByForce(r *Record) {
	h := r.held.Load()
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.alone {
		return
	}
	n := int(h.n.Load())
	for i := n - 1; i >= h.fallen; i-- {
		m.lower(h.list[i].object, h.list[i].mode, h.list[i].before)
	}
	h.fallen = n
}
