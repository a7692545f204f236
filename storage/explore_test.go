package storage_test

import (
	"math/bits"

	"github.com/tierceldb/tiercel/internal/explore"
)

// The cold path is explored here: one key, its objects in the table and in the ordered
// index, its value in the engine, and a writer, an applier that also purges and
// settles, the cache, readers and a scan, in every order in which they can take their
// steps. A step is one atomic operation, or what is done under one mutex.
//
// Versions are their timestamps, and every commit is one of this key: so what a
// snapshot has to see is the version with its own number. The value 1 is in the engine
// at the start, and nothing is in memory.

// coldFault is one deliberate mistake.
type coldFault int

const (
	noColdFault coldFault = iota
	markAfterDeath
	markAfterRemoval
	noMark
	markReadFirst
	joinAny
	appliedReadAfterLoad
	insertDespiteMark
	noSecondLook
	neverHang
	hangAfterApply
	boundWithoutApplied
	boundWithoutHorizon
	boundWithoutViews
	evictWithoutLock
	evictWithoutLook
	lookBeforeLock
	registerAfterOpen
	memoryFirst
	enlistAfterCommit
	removeByKey
)

const (
	coldObjects = 6 // and 0 is none
	coldStamps  = 4
	coldReaders = 2
)

type coldState struct {
	visible, applied, horizon, bound, mark uint8
	engine                                 uint8 // what it has been given last, which may be a tombstone
	snaps                                  [coldReaders + 1]uint8
	view                                   uint8 // applied timestamp + 1, or 0

	table, ordered uint8 // an object; a mask of objects
	made           uint8
	objects        [coldObjects + 1]coldObject
	flying         uint8 // flight + 1
	flights        [coldReaders]coldFlight

	writer   coldWriter
	helped   uint8
	applier  coldApplier
	eviction [2]coldEviction // of the cache and of the applier
	readers  [coldReaders]coldReader
	scan     coldScan
}

type coldObject struct {
	chain           uint8 // mask of timestamps
	lock            uint8
	ordered, cached bool
}

const (
	coldFree uint8 = iota
	coldHeld
	coldLeaving
	coldDead
)

type coldFlight struct {
	before, got uint8
	done        bool
}

type coldWriter struct{ object, writes uint8 }

type coldApplier struct {
	target, m, object uint8
	active            [coldReaders + 1]uint8
}

type coldEviction struct{ object, head, count uint8 }

type coldReader struct{ snap, object, mark, flight, got uint8 }

type coldScan struct{ snap, entry, met, got uint8 }

// coldModel is a model with a mistake, and the timestamps that are tombstones.
type coldModel struct {
	fault     coldFault
	deletions uint8 // mask
	writes    uint8
	drops     uint8 // at most so many, by the cache
}

type (
	coldStep    = explore.Step[coldState]
	coldProcess = explore.Process[coldState]
)

func step(label string, do func(s *coldState) explore.Next) coldStep {
	return coldStep{Label: label, Do: do}
}

// then is a step that has nothing to decide.
func then(label string, do func(s *coldState)) coldStep {
	return step(label, func(s *coldState) explore.Next { do(s); return explore.On() })
}

// either returns the first steps without the mistake, and the second ones with it.
func (m *coldModel) either(fault coldFault, right, wrong []coldStep) []coldStep {
	if m.fault == fault {
		return wrong
	}
	return right
}

// found returns what a load finds: nothing if the newest is a tombstone.
func (m *coldModel) found(s *coldState) uint8 {
	if m.deletions>>s.engine&1 != 0 {
		return 0
	}
	return s.engine
}

// visibleIn returns the newest timestamp of a chain up to a snapshot, or 0.
func visibleIn(chain, snapshot uint8) uint8 {
	chain &= 1<<(snapshot+1) - 1
	if chain == 0 {
		return 0
	}
	return uint8(bits.Len8(chain)) - 1
}

// newObject returns the number of a new object.
func (s *coldState) newObject(o coldObject) uint8 {
	s.made++
	s.objects[s.made] = o
	return s.made
}

// remove takes o out of the table.
func (m *coldModel) remove(s *coldState, o uint8) {
	if s.table == o || m.fault == removeByKey {
		s.table = 0
	}
}

// write is the writer: it votes and commits, some times.
func (m *coldModel) write() coldProcess {
	w := func(s *coldState) *coldObject { return &s.objects[s.writer.object] }
	enlist := then("enlist", func(s *coldState) { w(s).ordered = true; s.ordered |= 1 << s.writer.object })
	commit := then("commit", func(s *coldState) { s.visible++; w(s).chain |= 1 << s.visible })
	steps := []coldStep{
		step("look in the table", func(s *coldState) explore.Next {
			if s.writer.object = s.table; s.table != 0 {
				return explore.To("lock")
			}
			return explore.On()
		}),
		step("adopt", func(s *coldState) explore.Next {
			if s.writer.object = s.table; s.table != 0 {
				return explore.To("lock")
			}
			s.table = s.newObject(coldObject{lock: coldHeld})
			s.writer.object = s.table
			return explore.To("held")
		}),
		step("lock", func(s *coldState) explore.Next {
			switch w(s).lock {
			case coldFree:
				w(s).lock = coldHeld
				return explore.To("held")
			case coldDead:
				return explore.On()
			}
			return explore.Wait()
		}),
		then("forget: order", func(s *coldState) { s.ordered &^= 1 << s.writer.object }),
		step("forget: table", func(s *coldState) explore.Next {
			m.remove(s, s.writer.object)
			return explore.To("look in the table")
		}),
		then("held", func(*coldState) {}),
	}
	steps = append(steps, m.either(enlistAfterCommit, []coldStep{enlist, commit}, []coldStep{commit, enlist})...)
	return coldProcess{Name: "writer", Steps: append(steps, step("unlock", func(s *coldState) explore.Next {
		w(s).lock = coldFree
		if s.writer.writes++; s.writer.writes < m.writes {
			return explore.To("look in the table")
		}
		return explore.Done()
	}))}
}

// help is a writer that meets a dead object, and goes no further.
func (m *coldModel) help() coldProcess {
	return coldProcess{Name: "helper", Steps: []coldStep{
		then("look in the table", func(s *coldState) { s.helped = s.table }),
		step("is it dead?", func(s *coldState) explore.Next {
			if s.objects[s.helped].lock == coldDead {
				return explore.On()
			}
			return explore.Done()
		}),
		then("leave the order", func(s *coldState) { s.ordered &^= 1 << s.helped }),
		then("leave the table", func(s *coldState) { m.remove(s, s.helped) }),
	}}
}

// apply is the applier.
func (m *coldModel) apply() coldProcess {
	a := func(s *coldState) *coldApplier { return &s.applier }
	begin := step("target", func(s *coldState) explore.Next {
		switch {
		case s.visible > s.applied:
			a(s).target, a(s).object = s.visible, s.table
			return explore.On()
		case s.writer.writes == m.writes:
			return explore.Done()
		}
		return explore.Wait()
	})
	hang := then("hang", func(s *coldState) { m.hang(s) })
	apply := then("apply", func(s *coldState) { s.engine = a(s).target })
	applied := then("applied", func(s *coldState) { s.applied = a(s).target })
	steps := append([]coldStep{begin}, m.snapshots("apply")...)
	steps = append(steps, m.either(hangAfterApply, []coldStep{hang, apply}, []coldStep{apply, hang})...)
	steps = append(steps, applied, then("settle", func(*coldState) {}))
	steps = append(steps, m.snapshots("purge")...)
	steps = append(steps, then("purge", m.purge), step("horizon", m.settle))
	steps = append(steps, m.evict(1, "settle")...)
	return coldProcess{Name: "applier", Steps: append(steps, step("again", func(*coldState) explore.Next { return explore.To("target") }))}
}

// snapshots takes stock of what is active: m first. (That the slots are not looked at
// all at once is in the models of package deps.)
func (m *coldModel) snapshots(why string) []coldStep {
	return []coldStep{
		then(why+": m", func(s *coldState) { s.applier.m = s.visible }),
		then(why+": slots", func(s *coldState) { s.applier.active = s.snaps }),
	}
}

// needed reports whether an active snapshot sees a version that was superseded at e.
func (a *coldApplier) needed(ts, e uint8) bool {
	for _, s := range a.active {
		if s != 0 && ts <= s && s < e {
			return true
		}
	}
	return e > a.m
}

func (m *coldModel) hang(s *coldState) {
	o, old := &s.objects[s.applier.object], m.found(s)
	if m.fault == hangAfterApply { // it was looked up before
		old = s.applied
	}
	e := uint8(bits.TrailingZeros8(o.chain))
	if m.fault != neverHang && old != 0 && e > old && s.applier.needed(old, e) {
		o.chain |= 1 << old
	}
}

func (m *coldModel) purge(s *coldState) {
	o := &s.objects[s.applier.object]
	newer := visibleIn(o.chain, coldStamps)
	for newer != 0 {
		x := visibleIn(o.chain, newer-1)
		if x != 0 && !s.applier.needed(x, newer) {
			o.chain &^= 1 << x
			continue
		}
		newer = x
	}
}

// settle is Settle up to the eviction of a tombstone.
func (m *coldModel) settle(s *coldState) explore.Next {
	h := s.applier.m
	for _, snap := range s.applier.active {
		if snap != 0 {
			h = min(h, snap)
		}
	}
	s.horizon = max(s.horizon, h)
	o, target := &s.objects[s.applier.object], s.applier.target
	m.raiseBound(s)
	switch {
	case o.lock == coldDead, visibleIn(o.chain, coldStamps) != target:
		return explore.To("again")
	case o.chain != 1<<target || target > s.bound:
		return explore.To("settle")
	case m.deletions>>target&1 == 0:
		o.cached = true
		return explore.To("again")
	}
	s.eviction[1].object = s.applier.object
	return explore.On()
}

// raiseBound is done under the mutex of the views.
func (m *coldModel) raiseBound(s *coldState) {
	bound := s.horizon
	if m.fault == boundWithoutHorizon {
		bound = coldStamps
	}
	if m.fault != boundWithoutApplied {
		bound = min(bound, s.applied)
	}
	if s.view != 0 && m.fault != boundWithoutViews {
		bound = min(bound, s.view-1)
	}
	s.bound = max(s.bound, bound)
}

// drop is the cache: it gives up the object, at any time.
func (m *coldModel) drop() coldProcess {
	steps := []coldStep{step("give up", func(s *coldState) explore.Next {
		e, o := &s.eviction[0], &s.objects[s.table]
		if e.count == m.drops {
			return explore.Done()
		}
		if s.table == 0 || !o.cached {
			if s.applied == m.writes+1 { // nothing more may come
				return explore.Done()
			}
			return explore.Wait()
		}
		o.cached = false
		e.object = s.table
		e.count++
		return explore.On()
	})}
	steps = append(steps, m.evict(0, "give up")...)
	return coldProcess{Name: "cache", Steps: append(steps, step("evicted", func(*coldState) explore.Next { return explore.To("give up") }))}
}
