// Package deps is the dependency manager: who is active, who committed, in which
// order, who waits for whom, and which versions nobody can see any more. It looks
// at timestamps and never at a value.
//
//	Begin ─► … ─► Commit: vote (vote.go, waits.go) ─► section (section.go, validate.go) ─► release, purge (purge.go)
//
// # Lock order
//
//	object lock words: of a vote in key order; what was locked before it may close
//	a circle, which is found (deadlock.go)
//	  section (nothing is locked in it)
//	purge.mu
//	  the lock of the whole store, an object lock word, by one attempt each
//	deadlocks.mu
//	registry.mu, holdings.mu, stands.mu
//	  stripe.mu of waits
//	    ordered index, then shard of the table (package storage)
//	pool: looks, then the exclusive lock
//
// No lock of the left column is waited for while one further down is held.
package deps

import (
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/pool"
	"github.com/tierceldb/tiercel/storage"
)

// Manager orders the transactions on one store.
type Manager struct {
	Store  *storage.Store
	pool   pool.Pool
	opened time.Time

	_ pad.Line
	// visible is V: every commit up to it is visible to what begins now. Stored
	// only in the section, once a group.
	_       pad.Align64
	visible atomic.Uint64
	_       pad.Line
	// readable is R, what read-only transactions begin at: V in memory.
	readable   *atomic.Uint64
	durability durability

	section section
	labels  labels

	waits     waits
	deadlocks deadlocks
	prepared  registry
	stands    stands
	purge     purge
	lists     sync.Pool // of *[]holding

	start       uint64 // V when nothing had been committed here yet
	follow      followers
	granularity Granularity
	// whole is the lock of the whole store: what a commit locks under CoarseLock, and
	// who wants nobody to commit. It is in no index.
	whole *storage.Object
}

// first is the timestamp of the empty store.
const first = 1

// New returns a manager of an empty store; see Init.
func New(off stages.Stages) *Manager {
	m := new(Manager)
	m.Init(Config{Stages: off})
	return m
}

// Config says how a manager works.
type Config struct {
	Stages  stages.Stages // optimisations of the active list that are off
	Locks   Granularity   // what a commit locks
	Durable bool          // R follows what Durable and Acknowledge say, and not V
}

// Init makes m, a part of something larger, a manager of an empty store. That the
// parts lie in one allocation saves a begin the loads that lead from one to the next.
func (m *Manager) Init(c Config) {
	m.Store, m.opened = storage.New(), time.Now()
	m.readable = &m.visible
	if c.Durable {
		m.readable = &m.durability.readable
	}
	m.durability.init()
	m.pool.Init(m.readable, &m.visible, c.Stages)
	origin := &Record{} // stands for the empty store at the head of the committed list
	origin.Commit(first)
	m.section.tail.Store(origin)
	m.granularity = c.Locks
	m.whole = storage.NewObject(nil, 0)
	m.whole.Link(storage.NewVersion(nil, &origin.State)) // so that it stays
	m.whole.Lower(storage.Update, storage.Unlocked)
	m.purge.at, m.purge.linked = origin, origin
	m.purge.aside = make(map[uint64][]pinned)
	m.StartAt(first)
}

// BeginRead begins a read-only transaction: a slot, its generation, and the
// snapshot. The slot is nil after Close. Slot.End ends it.
func (m *Manager) BeginRead() (slot *pool.Slot, gen, snapshot uint64) { return m.pool.Begin(0) }

// Active calls fn with every active slot.
func (m *Manager) Active(fn func(slot *pool.Slot, gen, snap uint64)) { m.pool.Active(fn) }

// Updates calls fn with every open update transaction and the snapshot it reads at.
func (m *Manager) Updates(fn func(r *Record, snapshot uint64)) {
	m.pool.Active(func(slot *Slot, gen, snap uint64) {
		if r, is := slot.Tag(gen).(*Record); is {
			fn(r, snap&^pool.Update)
		}
	})
}

// Age returns how long the transaction has been open.
func (m *Manager) Age(r *Record) time.Duration { return time.Since(m.opened) - r.Begun }

// Slot is a transaction object; see package pool.
type Slot = pool.Slot

// Stats are the manager's figures.
type Stats struct {
	// All of these are documented where package txnmgr shows them.
	Pool                                pool.Stats
	Visible, Horizon                    uint64
	Objects, Versions                   int64
	CommittedListLength, PinnedVersions int
	Commits                             uint64
	Waiting, Prepared                   int
	Undecided                           int // of the prepared, those that wrote something
	Waits, Deadlocks, Expired           uint64
}

// Stats takes the figures one after the other, without stopping anybody.
func (m *Manager) Stats() Stats {
	p := &m.purge
	records := p.records.Load() // first: the list is never shorter than 0
	visible := m.visible.Load()
	prepared, undecided := m.Prepared(), 0
	for _, p := range prepared {
		if p.Wrote() {
			undecided++
		}
	}
	return Stats{
		Pool:                m.pool.Stats(),
		Visible:             visible,
		Horizon:             p.horizon.Load(),
		Objects:             m.Store.Len(),
		Versions:            int64(m.section.tail.Load().total - p.unlinked.Load()),
		CommittedListLength: int(visible - m.start - records),
		PinnedVersions:      int(p.pins.Load()),
		Commits:             visible - m.start,
		Waiting:             int(m.waits.now.Load()),
		Prepared:            len(prepared),
		Undecided:           undecided,
		Waits:               m.waits.count.Load(),
		Deadlocks:           m.deadlocks.count.Load(),
		Expired:             m.prepared.expired.Load(),
	}
}
