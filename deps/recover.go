package deps

import "github.com/tierceldb/tiercel/storage"

// Recovered appends commits to the committed list that the log had, before anything
// begins: they are done, but not everybody who follows the list has seen them. The
// versions are stamped, and the newest of their objects, or have been; their objects
// are in the store. last is the timestamp of the last of them, a group's end, room
// what they take in the log, and superseded how many versions they have replaced.
func (m *Manager) Recovered(writes []Write, last uint64, room int64, superseded int) {
	r := &Record{Writes: writes, endsGroup: true, Room: room}
	r.Commit(last)
	m.section.last = last - 1
	m.link(r)
	m.purge.at, m.purge.done.writes = r, r.total
	m.purge.done.unlinked += uint64(superseded)
	m.purge.unlinked.Store(m.purge.done.unlinked)
}

// StartAt sets the watermarks, before anything begins.
func (m *Manager) StartAt(ts uint64) {
	m.start, m.section.last = ts, ts
	m.visible.Store(ts)
	m.durability.durable.Store(ts)
	m.durability.readable.Store(ts)
	m.durability.writing = ts
	m.purge.m.Store(ts)
	m.purge.horizon.Store(ts)
	m.purge.due.Store(ts + scanEvery)
}

// RecoveredPrepared makes p, which the log had and no end of it, prepared again,
// before anything begins: it owns the objects that it writes and what it had locked,
// and guards what it has read. Nobody can finish it, and its limit does not end it,
// before Ready.
func (m *Manager) RecoveredPrepared(p *Prepared, r *Record, locked []Locked) {
	p.record, p.done, r.prepared = r, make(chan struct{}), p
	r.State.Prepare()
	h := r.holds()
	h.setAlone(true)
	m.waits.mixed.Store(true)
	for i := range r.Writes {
		w := &r.Writes[i]
		w.Object = m.relock(r, w.Object, storage.Update)
		w.Object.Link(w.Version)
	}
	h.beforeVote = 0
	for _, l := range locked {
		m.relock(r, l.Object, l.Mode)
	}
	m.prepared.reserve(p)
	if p.Wrote() {
		m.section.guards.add(p)
	}
}

// Ready lets p, which RecoveredPrepared made prepared, be finished, and sets its limit,
// which may have passed long ago: so p.Drop may be called at once.
func (m *Manager) Ready(p *Prepared) { m.limit(p) }

// Locked is a lock that a transaction holds.
type Locked struct {
	Object *storage.Object
	Mode   storage.LockMode
}

// relock locks o, or the object that has its key, unless r has it locked. Nobody is
// in the way: others that are prepared had the same locks before.
func (m *Manager) relock(r *Record, o *storage.Object, mode storage.LockMode) *storage.Object {
	if o.IsFresh() {
		if in := m.Store.Adopt(o); in != o {
			o = in
		} else {
			o.Lower(storage.Update, storage.Unlocked)
		}
	}
	h := r.held.Load()
	if before := h.mode(o); before < mode {
		o.TryLock(before, mode)
		h.add(holding{object: o, mode: mode, before: before}, &m.lists)
	}
	return o
}

// LocksOf returns the locks that the prepared r holds.
func (r *Record) LocksOf() (list []Locked) {
	if h := r.held.Load(); h != nil {
		h.each(func(x holding) { list = append(list, Locked{Object: x.object, Mode: x.mode}) })
	}
	return list
}
