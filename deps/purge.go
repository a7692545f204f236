package deps

import (
	"math"
	"runtime"
	"slices"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/pool"
	"github.com/tierceldb/tiercel/storage"
)

// purge unlinks versions that nobody can see. It goes along the committed list
// from its old end, and looks at each version that a commit superseded.
//
// # What may go
//
//	m = load readable, before the active list is loaded
//	A = the snapshots in the slots
//	a version with timestamp t, superseded at e, may go  iff  e ≤ m and no s in A has t ≤ s < e
//
// The answer holds for ever: a snapshot that is not in A passed its second look
// at its watermark (pool.Slot) after m was loaded, so it is at or above m, and m ≥ e.
// With a log that watermark is R for a read-only transaction, and so m is R: it is
// not above V, which the update transactions begin at.
// Were m loaded after A, a transaction that began in between with an older
// snapshot would be missed. So a scan is done now and then, and its (m, A) serves
// until everything up to m has been looked at.
//
// # What may not go yet
//
// A version that a snapshot in A sees is set aside in the list of that snapshot,
// the youngest that sees it, and looked at again when that is gone. So one old
// reader costs at most one version an object, and the purge of all else goes on:
// a chain holds at most active snapshots + 2 versions + what was committed to it
// since the last scan.
//
// A tombstone at the head, with nothing below it, lets the object disappear, once
// no update transaction is older than it: one that was might still have to be
// told that the key changed. Older readers do not matter, they find nothing
// either way; so a reader held open for ever does not gather the graves of short-lived
// keys.
//
// One goroutine at a time purges: two that unlinked neighbouring versions would
// bring one back. Nobody waits for that: a committer that finds another at it
// goes on.
type purge struct {
	_   pad.Align64
	due atomic.Uint64 // the commit timestamp that makes the next committer help
	m   atomic.Uint64 // of the last scan

	mu      sync.Mutex // protects following fields, and the marks of versions
	at      *Record    // up to here (and written) the committed list is done
	written int        // writes done of the record after at
	linked  *Record    // the oldest record that still has a link to the next
	active  []uint64   // A of the last scan, ascending
	updates []uint64   // those of A that may write, ascending
	// aside has the lists: of snapshots in A, and with pool.Update added of those
	// in updates, for tombstones.
	aside map[uint64][]pinned
	freed []pinned // from lists of snapshots that are gone
	scans uint64

	done tally
	// The same for anybody to read, brought up to date by every step.
	_                       pad.Align64
	records, unlinked, pins atomic.Uint64
	horizon                 atomic.Uint64 // H: the largest min(m, smallest of A) of any scan
}

// tally counts what was done, but for pins, which are there now.
type tally struct {
	records  uint64 // records looked at
	writes   uint64 // and their writes
	unlinked uint64 // versions that are gone, less those that were hung
	pins     uint64 // entries in aside and freed
}

// pinned is a version set aside.
type pinned struct {
	object  *storage.Object
	version *storage.Version
}

const (
	// scanEvery is the least number of commits between two scans; it is more when
	// there are many slots to look at.
	scanEvery = 64
	// One helper looks at a quarter of what there is to do, within these bounds.
	leastWork, mostWork = 256, 16384
	// trimEvery is how many scans pass between two looks at the length of the active list.
	trimEvery = 16
	// busyObject is the list of what could not be removed because it was owned. No
	// snapshot is 0, so every scan frees it.
	busyObject = 0
)

// helpPurge is called by committers, after they are done.
func (m *Manager) helpPurge(ts uint64) {
	p := &m.purge
	if ts < p.due.Load() {
		return
	}
	runtime.Gosched()
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if !m.someRecord() && len(p.freed) == 0 {
		m.scan()
	}
	backlog := m.section.tail.Load().total - p.done.writes
	m.step(int(min(max(backlog/4, leastWork), mostWork)))
	if m.someRecord() || len(p.freed) > 0 {
		p.due.Store(ts + 1)
	} else {
		p.due.Store(ts + max(scanEvery, uint64(m.pool.Len()/8)))
	}
}

// Purge does all the purging that can be done now.
func (m *Manager) Purge() {
	p := &m.purge
	p.mu.Lock()
	defer p.mu.Unlock()
	m.step(math.MaxInt)
	m.scan()
	m.step(math.MaxInt)
	m.pool.Trim()
}

// Snapshots returns the snapshots that were active when readable was m at least, in
// ascending order; what begins later is at m or above. So it is for ever, as long as
// the applied timestamp is not above m.
func (m *Manager) Snapshots() (active []uint64, readable uint64) {
	p := &m.purge
	p.mu.Lock()
	defer p.mu.Unlock()
	m.scan()
	return slices.Clone(p.active), p.m.Load()
}

// Horizon returns H as of the last scan.
func (m *Manager) Horizon() uint64 { return m.purge.horizon.Load() }

// Hang puts base at the end of the chain of o, for the snapshots that see it, if any
// of them is still active; it goes when they do. The engine has it now, and will have
// the committed version of o with timestamp e in its place. The versions of o that
// are older than that were either purged, because no snapshot sees them, or one is
// still there, and then the engine's is among them or not needed.
func (m *Manager) Hang(o *storage.Object, base *storage.Version, e uint64) {
	p := &m.purge
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, pins := p.pinnedBy(base.CommitTS(), e); pins {
		o.Hang(base)
		p.done.unlinked-- // one that was not in memory has come
		p.unlinked.Store(p.done.unlinked)
		p.setAside(s, o, base, storage.AsideVisible)
	}
}

// scan takes stock of the active snapshots.
func (m *Manager) scan() {
	p := &m.purge
	now := m.readable.Load() // before the list
	p.active = m.pool.Snapshots(p.active[:0])
	p.updates = p.updates[:0]
	for i, s := range p.active {
		if s&pool.Update != 0 {
			p.active[i] = s &^ pool.Update
			p.updates = append(p.updates, p.active[i])
		}
	}
	slices.Sort(p.active)
	slices.Sort(p.updates)
	p.active = slices.Compact(p.active)
	p.m.Store(now)
	oldest := now
	if len(p.active) > 0 {
		oldest = min(now, p.active[0])
	}
	p.horizon.Store(max(p.horizon.Load(), oldest))
	for s, list := range p.aside {
		still := false
		if s&pool.Update != 0 {
			_, still = slices.BinarySearch(p.updates, s&^pool.Update)
		} else {
			_, still = slices.BinarySearch(p.active, s)
		}
		if !still {
			p.freed = append(p.freed, list...)
			delete(p.aside, s)
		}
	}
	if p.scans++; p.scans%trimEvery == 0 {
		m.pool.Trim()
	}
}

// someRecord reports whether the next record may be looked at.
func (m *Manager) someRecord() bool {
	next := m.purge.at.next.Load()
	return next != nil && next.CommitTS() <= m.purge.m.Load()
}

// step looks at up to budget versions.
func (m *Manager) step(budget int) {
	p := &m.purge
	for ; len(p.freed) > 0 && budget > 0; budget-- {
		last := len(p.freed) - 1
		e := p.freed[last]
		p.freed[last] = pinned{}
		p.freed = p.freed[:last]
		p.done.pins--
		m.settle(e)
	}
	for budget > 0 && m.someRecord() {
		r := p.at.next.Load()
		n := min(budget, len(r.Writes)-p.written)
		for _, w := range r.Writes[p.written : p.written+n] {
			m.superseded(w.Object, w.Version)
		}
		budget -= n
		p.written += n
		p.done.writes += uint64(n)
		if p.written == len(r.Writes) {
			p.at, p.written = r, 0
			p.done.records++
		}
	}
	m.unlinkRecords()
	p.records.Store(p.done.records)
	p.unlinked.Store(p.done.unlinked)
	p.pins.Store(p.done.pins)
}

// unlinkRecords cuts the links of records that are done, so that a handle which its
// user keeps after the commit does not keep all later records alive, and neither
// does linked. Where a validation stands, nothing is cut; one that begins after the
// look at these stands at or above m, which was visible by then. So it is with
// followers. An update transaction that is merely open stands nowhere: it may stay
// open for ever.
func (m *Manager) unlinkRecords() {
	p := &m.purge
	bound := min(p.m.Load(), m.stands.lowest(), m.follow.lowest())
	for r := p.linked; r != p.at && r.CommitTS() < bound; r = p.linked {
		p.linked = r.next.Load()
		r.next.Store(nil)
	}
}

// superseded looks at what the committed version v superseded.
func (m *Manager) superseded(o *storage.Object, v *storage.Version) {
	p := &m.purge
	for x := v.Older(); x != nil; x = v.Older() {
		if s, pins := p.pinnedBy(x.CommitTS(), v.CommitTS()); pins {
			p.setAside(s, o, x, storage.AsideVisible)
			return
		}
		m.unlink(v)
	}
	if v.Tombstone() {
		m.bury(o, v)
	}
}

// settle looks again at a version whose snapshot is gone.
func (m *Manager) settle(e pinned) {
	p, x := &m.purge, e.version
	if x.Marks()&storage.Unlinked != 0 || e.object.IsDead() {
		return
	}
	x.ClearMarks()
	n := newerThan(e.object, x)
	if n == nil || n.CommitTS() == 0 {
		if x.Tombstone() && x.Older() == nil {
			m.bury(e.object, x)
		}
		return // what supersedes it will be looked at in its turn
	}
	if n.CommitTS() > p.m.Load() {
		return // likewise
	}
	if s, pins := p.pinnedBy(x.CommitTS(), n.CommitTS()); pins {
		p.setAside(s, e.object, x, storage.AsideVisible)
		return
	}
	m.unlink(n)
	if n.Tombstone() && n.Older() == nil {
		m.bury(e.object, n)
	}
}

// newerThan returns the version right above x, or nil.
func newerThan(o *storage.Object, x *storage.Version) *storage.Version {
	for v := o.Head(); v != nil && v != x; v = v.Older() {
		if v.Older() == x {
			return v
		}
	}
	return nil
}

// pinnedBy returns the youngest active snapshot that sees a version committed at
// ts and superseded at e. The youngest is most often the last to go; with the
// oldest, a version moved from list to list as one snapshot after the other went,
// and that took a third of the time of 64 goroutines on two processors.
func (p *purge) pinnedBy(ts, e uint64) (uint64, bool) {
	s, found := youngestBelow(p.active, e)
	return s, found && s >= ts
}

// youngestBelow returns the largest element of an ascending list below limit.
func youngestBelow(list []uint64, limit uint64) (uint64, bool) {
	i, _ := slices.BinarySearch(list, limit)
	if i == 0 {
		return 0, false
	}
	return list[i-1], true
}

// bury removes an object of which only the tombstone v is left. If v has been
// superseded meanwhile it does nothing. Over an engine that has to wait until the
// engine has it, and is for whoever sees to that (storage.Settle).
func (m *Manager) bury(o *storage.Object, v *storage.Version) {
	p := &m.purge
	if m.Store.HasEngine() {
		return
	}
	if s, older := youngestBelow(p.updates, v.CommitTS()); older {
		p.setAside(s|pool.Update, o, v, storage.AsideTombstone)
		return
	}
	if m.granularity == CoarseLock {
		if m.whole.TryLock(storage.Unlocked, storage.Update) != storage.Locked {
			p.setAside(busyObject, o, v, storage.AsideTombstone)
			return
		}
		defer m.lower(m.whole, storage.Update, storage.Unlocked)
	}
	switch o.TryLock(storage.Unlocked, storage.Update) {
	case storage.Locked:
		if o.Head() == v && m.Store.Remove(o) {
			m.purge.done.unlinked++
			v.SetMarks(storage.Unlinked)
		} else {
			m.lower(o, storage.Update, storage.Unlocked)
		}
	case storage.Owned:
		p.setAside(busyObject, o, v, storage.AsideTombstone)
	case storage.Dead:
	}
}

func (m *Manager) unlink(newer *storage.Version) {
	storage.Unlink(newer)
	m.purge.done.unlinked++
}

// setAside puts x in the list of snapshot s, unless it stands in one already for
// the same reason.
func (p *purge) setAside(s uint64, o *storage.Object, x *storage.Version, why storage.Marks) {
	if x.Marks()&why != 0 {
		return
	}
	x.SetMarks(why)
	list := p.aside[s]
	if len(list) == cap(list) {
		before := len(list)
		list = slices.DeleteFunc(list, func(e pinned) bool {
			return e.version.Marks()&storage.Unlinked != 0
		})
		p.done.pins -= uint64(before - len(list))
	}
	p.aside[s] = append(list, pinned{object: o, version: x})
	p.done.pins++
}
