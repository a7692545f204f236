package deps_test

import "github.com/tierceldb/tiercel/internal/explore"

func slotScenes() []scene[slotState, slotFault] {
	return []scene[slotState, slotFault]{
		{"begin against scan", true, beginAgainstScan},
		{"two watermarks", true, twoWatermarks},
		{"growth", false, growth},
		{"shrinking", false, shrinking},
		{"copied handle", false, copiedHandle},
		{"forced end", true, forcedEnd},
		{"two forced ends", false, twoForcedEnds},
		{"forced end of updates", true, forcedUpdates},
		{"two forced ends of an update", false, forcedUpdateTwice},
		{"refreshed snapshot", true, refreshed},
		{"close", false, closing},
		{"close against a search", false, closingSearch},
	}
}

// reader begins, reads and ends transaction t.
func (m *slotModel) reader(name string, t, hint int) explore.Process[slotState] {
	p := m.process(name)
	p.begin(t, hint)
	p.read(t)
	p.end(t)
	return p.done()
}

// updater begins, commits and ends transaction t.
func (m *slotModel) updater(name string, t, hint int) explore.Process[slotState] {
	m.update[t] = true
	p := m.process(name)
	p.begin(t, hint)
	p.read(t)
	p.commit(t)
	p.end(t)
	return p.done()
}

func (m *slotModel) closer(name string, t int) explore.Process[slotState] {
	p := m.process(name)
	p.end(t)
	return p.done()
}

func (m *slotModel) committer(n int) explore.Process[slotState] {
	p := m.process("committer")
	p.commits(n)
	return p.done()
}

func (m *slotModel) scanner(n int) explore.Process[slotState] {
	p := m.process("purger")
	p.scans(n)
	return p.done()
}

func (m *slotModel) trimmer(slot int) explore.Process[slotState] {
	p := m.process("trim")
	p.trim(slot)
	return p.done()
}

func (m *slotModel) limit(name string, f, slot int) explore.Process[slotState] {
	p := m.process(name)
	p.force(f, slot, "force: ", false, explore.Done())
	return p.done()
}

func (m *slotModel) close(f int) explore.Process[slotState] {
	p := m.process("close")
	p.closeAll(f)
	return p.done()
}

func beginAgainstScan(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b11)
	return m.model(m.reader("a", 0, 0), m.reader("b", 1, 1), m.committer(2), m.scanner(2))
}

func twoWatermarks(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b11)
	m.twoMarks = true
	return m.model(m.reader("a", 0, 0), m.updater("b", 1, 1), m.committer(2), m.scanner(1))
}

func growth(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b1)
	m.search = true
	return m.model(m.reader("a", 0, 0), m.reader("b", 1, 0), m.committer(1), m.scanner(1))
}

func shrinking(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b11)
	m.search = true
	return m.model(m.reader("a", 0, 1), m.trimmer(1), m.committer(1), m.scanner(1))
}

func copiedHandle(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b1)
	return m.model(m.reader("a", 0, 0), m.closer("copy of a", 0), m.reader("b", 1, 0), m.committer(1), m.scanner(1))
}

func forcedEnd(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b11)
	return m.model(m.reader("a", 0, 0), m.reader("b", 1, 0), m.limit("limit", 0, 0), m.committer(1), m.scanner(1))
}

func twoForcedEnds(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b1)
	return m.model(m.reader("a", 0, 0), m.reader("b", 1, 0), m.limit("limit", 0, 0), m.limit("other limit", 1, 0))
}

func forcedUpdates(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b1)
	return m.model(m.updater("a", 0, 0), m.updater("b", 1, 0), m.limit("limit", 0, 0), m.committer(1), m.scanner(1))
}

func forcedUpdateTwice(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b1)
	return m.model(m.updater("a", 0, 0), m.limit("limit", 0, 0), m.limit("other limit", 1, 0), m.committer(1))
}

func refreshed(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b1)
	m.update[0] = true
	p := m.process("a")
	p.begin(0, 0)
	p.refresh(0)
	p.read(0)
	p.commit(0)
	p.end(0)
	return m.model(p.done(), m.limit("limit", 0, 0), m.committer(2), m.scanner(2))
}

func closing(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b11)
	return m.model(m.reader("a", 0, 0), m.updater("b", 1, 0), m.close(0), m.committer(1))
}

func closingSearch(fault slotFault) explore.Model[slotState] {
	m := newSlotModel(fault, 0b1)
	m.search = true
	return m.model(m.reader("a", 0, 0), m.reader("b", 1, 0), m.close(0))
}
