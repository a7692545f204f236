package deps

import "github.com/tierceldb/tiercel/storage"

// AdmitUnpublished takes a group through the section up to where it would become
// visible. The result does the rest, and leaves the section.
func (m *Manager) AdmitUnpublished(records ...*Record) (publish func()) {
	for !m.section.enter() {
		pause()
	}
	for _, r := range records {
		m.admit(&passage{record: r})
	}
	return func() {
		m.pass(nil)
		m.section.busy.Store(false)
	}
}

// Lower lets go of o, which somebody holds in mode from.
func (m *Manager) Lower(o *storage.Object, from storage.LockMode) { m.lower(o, from, storage.Unlocked) }
