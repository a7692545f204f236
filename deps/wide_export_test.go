package deps

// StartAt makes ts the timestamp of the empty store, as if so much had been
// committed before. The figures that count from the first timestamp are off then.
func (m *Manager) StartAt(ts uint64) {
	m.visible.Store(ts)
	origin := &Record{}
	origin.Commit(ts)
	m.section.tail.Store(origin)
	m.section.last = ts
	m.purge.at, m.purge.linked = origin, origin
	m.purge.m.Store(ts)
	m.purge.horizon.Store(ts)
	m.purge.due.Store(ts)
}
