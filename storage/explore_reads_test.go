package storage_test

import (
	"fmt"

	"github.com/tierceldb/tiercel/internal/explore"
)

// evict is the eviction number i; if the object stays it goes on elsewhere.
func (m *coldModel) evict(i int, stays string) []coldStep {
	e := func(s *coldState) *coldEviction { return &s.eviction[i] }
	o := func(s *coldState) *coldObject { return &s.objects[e(s).object] }
	stay := func(s *coldState) explore.Next {
		if o(s).lock == coldLeaving {
			o(s).lock = coldFree
		}
		return explore.To(stays)
	}
	lock := step("take leave", func(s *coldState) explore.Next {
		switch {
		case o(s).lock == coldDead:
			return explore.To(stays)
		case o(s).lock != coldFree && m.fault != evictWithoutLock:
			return explore.Wait() // as one that is stuck
		}
		o(s).lock = coldLeaving
		return explore.On()
	})
	look := step("look at the chain", func(s *coldState) explore.Next {
		m.raiseBound(s)
		e(s).head = visibleIn(o(s).chain, coldStamps)
		clean := o(s).chain == 1<<e(s).head && e(s).head <= s.bound
		isTombstone := m.deletions>>e(s).head&1 != 0
		if !clean && m.fault != evictWithoutLook || o(s).cached && !isTombstone {
			return stay(s)
		}
		return explore.On()
	})
	mark := then("mark", func(s *coldState) {
		if m.fault != noMark {
			s.mark = max(s.mark, e(s).head)
		}
	})
	die := then("die", func(s *coldState) { o(s).lock = coldDead })
	order := then("leave the order", func(s *coldState) { s.ordered &^= 1 << e(s).object })
	table := then("leave the table", func(s *coldState) { m.remove(s, e(s).object) })
	switch m.fault {
	case lookBeforeLock:
		return []coldStep{look, lock, mark, die, order, table}
	case markAfterDeath:
		return []coldStep{lock, look, die, order, mark, table}
	case markAfterRemoval:
		return []coldStep{lock, look, die, order, table, mark}
	}
	return []coldStep{lock, look, mark, die, order, table}
}

// loaded is the number of steps after which a reader has loaded the value.
const loaded = 6

// read is Find.
func (m *coldModel) read(i int) coldProcess {
	r := func(s *coldState) *coldReader { return &s.readers[i] }
	f := func(s *coldState) *coldFlight { return &s.flights[r(s).flight] }
	chain := func(label, seen, unseen string) coldStep {
		return step(label, func(s *coldState) explore.Next {
			if r(s).got = visibleIn(s.objects[r(s).object].chain, r(s).snap); r(s).got != 0 {
				return explore.To(seen)
			}
			return explore.To(unseen)
		})
	}
	begin := then("begin", func(s *coldState) { r(s).snap, s.snaps[i] = s.visible, s.visible })
	look := then("look in the table", func(s *coldState) { r(s).object = s.table })
	mark := then("read the mark", func(s *coldState) { r(s).mark = s.mark })
	steps := []coldStep{begin, look, chain("look at the chain", "answer", "read the mark"), mark}
	if m.fault == markReadFirst {
		steps = []coldStep{begin, mark, look, chain("look at the chain", "answer", "board")}
	}
	steps = append(steps,
		step("board", func(s *coldState) explore.Next { return m.board(s, i) }),
		then("load", func(s *coldState) { f(s).got = m.found(s) }),
		then("insert", func(s *coldState) {
			if m.fault == appliedReadAfterLoad {
				f(s).before = s.applied
			}
			m.insert(s, f(s))
		}),
		then("land", func(s *coldState) {
			f(s).done = true
			if s.flying == r(s).flight+1 {
				s.flying = 0
			}
		}),
		step("arrive", func(s *coldState) explore.Next {
			switch r(s).got = f(s).got; {
			case !f(s).done:
				return explore.Wait()
			case r(s).got != 0 && r(s).got <= r(s).snap:
				return explore.To("answer")
			case m.fault == noSecondLook:
				r(s).got = 0
				return explore.To("answer")
			}
			return explore.On()
		}),
		then("look in the table again", func(s *coldState) { r(s).object = s.table }),
		chain("look at the chain again", "answer", "answer"),
		step("answer", func(s *coldState) explore.Next { return m.answer(s, i, r(s).snap, r(s).got) }))
	return coldProcess{Name: fmt.Sprint("reader ", i), Steps: steps}
}

// board is done under the mutex of the flights.
func (m *coldModel) board(s *coldState, i int) explore.Next {
	r := &s.readers[i]
	if s.flying != 0 && (s.flights[s.flying-1].before >= r.mark || m.fault == joinAny) {
		r.flight = s.flying - 1
		return explore.To("arrive")
	}
	r.flight = uint8(i)
	s.flights[i] = coldFlight{before: s.applied}
	s.flying = uint8(i) + 1
	return explore.On()
}

// insert is done under the mutex of the table.
func (m *coldModel) insert(s *coldState, f *coldFlight) {
	if f.got != 0 && s.table == 0 && (s.mark <= f.before || m.fault == insertDespiteMark) {
		s.table = s.newObject(coldObject{chain: 1 << f.got, cached: true})
	}
}

// answer compares what a snapshot has found with what it has to find, unless it was
// ended by force, and ends it.
func (m *coldModel) answer(s *coldState, slot int, want, got uint8) explore.Next {
	wasForced := s.snaps[slot] == 0
	s.snaps[slot] = 0
	if m.deletions>>want&1 != 0 {
		want = 0
	}
	if m.deletions>>got&1 != 0 {
		got = 0
	}
	if got != want && !wasForced {
		return explore.Broken("the snapshot sees version %d instead of %d", got, want)
	}
	return explore.Done()
}

// force ends the first reader, wherever it is.
func (m *coldModel) force() coldProcess {
	return coldProcess{Name: "force", Steps: []coldStep{step("end by force", func(s *coldState) explore.Next {
		s.snaps[0] = 0
		return explore.Done()
	})}}
}

// scanAll is Sight. Its slot is the last one.
func (m *coldModel) scanAll() coldProcess {
	const slot = coldReaders
	begin := then("begin", func(s *coldState) { s.scan.snap, s.snaps[slot] = s.visible, s.visible })
	register := then("register", func(s *coldState) { s.view = s.applied + 1 })
	open := then("open", func(s *coldState) { s.scan.entry = m.found(s) })
	memory := then("walk over the order", func(s *coldState) { s.scan.met = s.ordered })
	steps := []coldStep{begin, register, open, memory}
	switch m.fault {
	case registerAfterOpen:
		steps = []coldStep{begin, open, register, memory}
	case memoryFirst:
		steps = []coldStep{begin, memory, register, open}
	}
	return coldProcess{Name: "scan", Steps: append(steps,
		step("look at the chain", func(s *coldState) explore.Next {
			if s.scan.met&(s.scan.met-1) != 0 {
				return explore.Broken("two objects with one key are in the ordered index")
			}
			for o := range s.objects {
				if s.scan.met>>o&1 != 0 {
					s.scan.got = visibleIn(s.objects[o].chain, s.scan.snap)
				}
			}
			if s.scan.got == 0 && s.scan.entry <= s.scan.snap {
				s.scan.got = s.scan.entry
			}
			return explore.On()
		}),
		then("close", func(s *coldState) { s.view = 0 }),
		step("answer", func(s *coldState) explore.Next { return m.answer(s, slot, s.scan.snap, s.scan.got) }))}
}

// holds is what is true in every state: what the engine has not got is in memory, and
// so is what changed since an active snapshot.
func (m *coldModel) holds(s *coldState) string {
	inMemory := s.objects[s.table].chain>>s.visible&1 != 0
	if s.visible > s.engine && !inMemory {
		return fmt.Sprintf("version %d is neither in the engine nor in memory", s.visible)
	}
	for _, snap := range s.snaps {
		if snap != 0 && snap < s.visible && !inMemory {
			return fmt.Sprintf("memory does not show snapshot %d that the key has changed", snap)
		}
	}
	return ""
}
