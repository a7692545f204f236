package deps_test

import (
	"fmt"
	"slices"

	"github.com/tierceldb/tiercel/internal/explore"
)

// The model of the store: objects, version chains, both indexes, lock words, vote,
// section, stamps, and the purge with its lists, step for step as in this package
// and in package storage. Slots are there as their snap words; that they keep
// scans and begins apart is what explore_slots_test.go shows. Waiting for an object
// is a step that has to wait (explore_waits_test.go has the queues), and so is
// waiting for the section (explore_section_test.go).
//
// A list of all commits is kept beside, which no process looks at. By that list
// every answer and every state is judged.

// storeFault is one deliberate mistake in the model of the store.
type storeFault int

const (
	noStoreFault storeFault = iota
	publishBeforeCommitted
	linkAfterPublish
	linkBeforeCommitted
	purgeByApplied // m = the last timestamp drawn
	purgeBelowV    // e < m
	purgersTogether
	removeByKey
	buryDespiteUpdates
	validateByObject
	indexAfterCommit
	undoLeavesObjects
	stampStateFirst
	lookAtStampOnce
	unlockBeforeUndo
	voteWithoutLook
	validateNothing
	cutDespiteValidation
)

const (
	storeTxns     = 4
	storeKeys     = 2
	storeObjects  = 7 // and 0 is none
	storeVersions = 7 // and 0 is none
	storeStamps   = 7
	first         = 1    // the timestamp that a store begins with
	absent        = 0xFF // read, and there was no object
)

// Lock words of an object.
const (
	lockFree uint8 = iota
	lockHeld
	lockDead
)

// Marks of a version.
const (
	markTombstone uint8 = 1 << iota
	markUnlinked
	markAsideTombstone
	markAsideVisible
)

// storeState is the state of the model. Objects, versions and transactions are
// numbers, 0 is none; masks have a bit for each.
type storeState struct {
	visible, last uint8 // V, and the last timestamp drawn
	busy          bool
	arrived       [storeTxns]uint8 // first come first
	group         [storeTxns]uint8 // that is in the section
	admitting     uint8            // place in group
	validated     uint8            // keys of that one
	records       [storeStamps]uint8
	linked, tail  uint8 // records that were linked, and the place of the tail among them
	cut           uint8 // mask of records that have no link to the next any more; 0 is the origin

	history  [storeStamps]uint8 // who committed at a timestamp; nobody looks at it
	returned uint8              // newest of which Commit has returned; likewise

	table    [storeKeys]uint8
	ordered  [storeKeys]uint8 // mask of objects
	made     uint8            // objects
	objects  [storeObjects + 1]modelObject
	versions [storeVersions + 1]modelVersion
	slots    [storeTxns]uint8
	txns     [storeTxns]storeTxn

	mutex   bool // of the purge
	purge   storePurge
	purgers [2]purger
}

type modelObject struct {
	key, lock, head uint8
	fresh           bool
}

type modelVersion struct {
	ts, older, marks uint8
	state            uint8 // transaction + 1 while pending
	object           uint8
}

// storeTxn is a transaction, and what its calls keep from step to step.
type storeTxn struct {
	phase      phase
	snap, now  uint8
	floor      uint8 // newest commit that had returned when it began
	state      uint8 // stateOpen, stateRolledBack, or stateCommitted + timestamp
	at, ts     uint8 // a version that a read stands on, and what it said
	read       [storeKeys]uint8
	target     [storeKeys]uint8 // objects of the writes
	linked     uint8            // versions linked by the vote
	checked    uint8            // records; 0 is none, 1 the origin
	stood      uint8            // timestamp of the first of these that was, or 0
	outcome    txnOutcome
	conflicted bool
}

// txnOutcome is what the section said.
type txnOutcome uint8

const (
	outcomeNone txnOutcome = iota
	outcomePassed
	outcomeConflict
)

// write is an element of a write set.
type write struct {
	key       int
	tombstone bool
}

// storePlan is what a transaction does.
type storePlan struct {
	reads   []int
	ordered bool // reads go by the ordered index, and are a range
	fine    bool // reads take every load of a timestamp as a step
	serial  bool
	large   bool // its read set is validated outside the section
	writes  []write
}

// storeModel is what does not change.
type storeModel struct {
	fault storeFault
	plans [storeTxns]storePlan
	used  int // transactions of the plans
	// loaded is how many keys have a version at the timestamp that a store begins with.
	loaded int
	start  storeState
	// final is the purge that AtEnd runs.
	final explore.Process[storeState]
}

// newStoreModel returns a model in which so many keys are loaded.
func newStoreModel(fault storeFault, loaded int) *storeModel {
	m := &storeModel{fault: fault, loaded: loaded}
	s := &m.start
	s.visible, s.last, s.returned = first, first, first
	for key := range loaded {
		o := uint8(key + 1)
		s.made = o
		s.objects[o] = modelObject{key: uint8(key), head: o}
		s.versions[o] = modelVersion{ts: first, object: o}
		s.table[key], s.ordered[key] = o, 1<<o
	}
	s.purge.m, s.purge.horizon = first, first
	final := m.process("last purge")
	final.purgeAll(0, 1)
	m.final = final.done()
	return m
}

func (m *storeModel) model(processes ...explore.Process[storeState]) explore.Model[storeState] {
	return explore.Model[storeState]{Start: m.start, Processes: processes, Holds: m.holds, AtEnd: m.atEnd}
}

// past runs a process to its end before the model starts.
func (m *storeModel) past(p explore.Process[storeState]) {
	if wrong, err := explore.Alone(&m.start, p); wrong != "" || err != nil {
		panic(fmt.Sprint(wrong, err))
	}
}

// upTo runs a process up to a step before the model starts, and returns the rest of it.
func (m *storeModel) upTo(label string, p explore.Process[storeState]) explore.Process[storeState] {
	run, err := explore.Model[storeState]{Start: m.start, Processes: []explore.Process[storeState]{p}}.Run()
	for err == nil && run.Next(0) != label {
		_, _, err = run.Step(0)
	}
	if err != nil {
		panic(err)
	}
	m.start = *run.State()
	at := slices.IndexFunc(p.Steps, func(s explore.Step[storeState]) bool { return s.Label == label })
	return explore.Process[storeState]{Name: p.Name, Steps: p.Steps[at:]}
}

// version is the number of the version that write w of transaction t makes.
// Those of the loaded keys come first, then they are in the order of the plans.
func (m *storeModel) version(t, w int) uint8 {
	v := storeKeys + 1
	for _, p := range m.plans[:t] {
		v += len(p.writes)
	}
	return uint8(v + w)
}

// commitTS is Version.CommitTS, at once.
func (s *storeState) commitTS(v uint8) uint8 {
	x := &s.versions[v]
	if x.ts == 0 && x.state != 0 {
		if state := s.txns[x.state-1].state; state >= stateCommitted {
			return state - stateCommitted
		}
	}
	return x.ts
}

// newest is storage.Newest for transaction t.
func (s *storeState) newest(object uint8, t int) uint8 {
	for v := s.objects[object].head; v != 0; v = s.versions[v].older {
		if int(s.versions[v].state) == t+1 {
			continue
		}
		if ts := s.commitTS(v); ts != 0 {
			return ts
		}
	}
	return 0
}

// expected is what a snapshot must see of a key: the timestamp of its version, or
// 0 if the key is deleted or was never there.
func (m *storeModel) expected(s *storeState, key int, snap uint8) uint8 {
	for ts := snap; ts > first; ts-- {
		if by := s.history[ts]; by != 0 {
			for _, w := range m.plans[by-1].writes {
				if w.key == key && w.tombstone {
					return 0
				}
				if w.key == key {
					return ts
				}
			}
		}
	}
	if key < m.loaded {
		return first
	}
	return 0
}

// seen is what a snapshot sees of a key.
func (s *storeState) seen(object, snap uint8) uint8 {
	if object == 0 {
		return 0
	}
	for v := s.objects[object].head; v != 0; v = s.versions[v].older {
		if ts := s.commitTS(v); ts != 0 && ts <= snap {
			return s.value(v, ts)
		}
	}
	return 0
}

// value is the timestamp of a version, or 0 for a tombstone.
func (s *storeState) value(v, ts uint8) uint8 {
	if s.versions[v].marks&markTombstone != 0 {
		return 0
	}
	return ts
}

// clash returns the first commit after the snapshot of transaction t, and before
// timestamp below, on a key it wrote or, if it is serializable, read.
func (m *storeModel) clash(s *storeState, t int, below uint8) (ts uint8, key int) {
	p := &m.plans[t]
	for ts := s.txns[t].snap + 1; ts < below; ts++ {
		if by := s.history[ts]; by != 0 {
			for _, theirs := range m.plans[by-1].writes {
				for _, w := range p.writes {
					if w.key == theirs.key {
						return ts, w.key
					}
				}
				for _, key := range p.reads {
					if p.serial && key == theirs.key {
						return ts, key
					}
				}
			}
		}
	}
	return 0, 0
}

// holds checks I1, I2, I3 and I7.
func (m *storeModel) holds(s *storeState) string {
	for o := uint8(1); o <= s.made; o++ {
		if wrong := m.objectHolds(s, o); wrong != "" {
			return wrong
		}
	}
	for key, objects := range s.ordered {
		if objects&(objects-1) != 0 {
			return fmt.Sprintf("two objects with key k%d are in the ordered index", key)
		}
	}
	for t := range s.txns {
		x := &s.txns[t]
		if x.phase != begun {
			continue
		}
		for key := range s.table {
			want := m.expected(s, key, x.snap)
			if got := s.seen(s.table[key], x.snap); got != want {
				return fmt.Sprintf("I2, I3: T%d is open at snapshot %d and sees version %d of k%d instead of %d", t, x.snap, got, key, want)
			}
			if want != 0 && s.ordered[key]>>s.table[key]&1 == 0 {
				return fmt.Sprintf("I2: T%d is open at snapshot %d and does not find k%d in the ordered index", t, x.snap, key)
			}
		}
		if s.purge.horizon > x.snap {
			return fmt.Sprintf("I2: T%d is open at snapshot %d, below the horizon %d", t, x.snap, s.purge.horizon)
		}
	}
	return ""
}

// objectHolds checks an object: I1 along its chain, no version that was unlinked,
// and both indexes or none once nobody owns it.
func (m *storeModel) objectHolds(s *storeState, o uint8) string {
	x := &s.objects[o]
	last := uint8(storeStamps)
	for v := x.head; v != 0; v = s.versions[v].older {
		if s.versions[v].marks&markUnlinked != 0 && x.lock != lockDead {
			return fmt.Sprintf("a version of k%d is back that was unlinked", x.key)
		}
		ts := s.commitTS(v)
		if ts == 0 && (v != x.head || x.lock != lockHeld) {
			return fmt.Sprintf("I7: k%d has a version that is pending and nobody's", x.key)
		}
		if ts != 0 && ts >= last {
			return fmt.Sprintf("I1: k%d has version %d above %d", x.key, last, ts)
		}
		if ts != 0 {
			last = ts
		}
	}
	if x.lock == lockFree {
		switch {
		case s.table[x.key] != o || s.ordered[x.key]>>o&1 == 0:
			return fmt.Sprintf("an object of k%d is free, alive and not in both indexes", x.key)
		case x.head == 0:
			return fmt.Sprintf("I7: an object of k%d without versions was left behind", x.key)
		}
	}
	return ""
}

// atEnd checks I10 after a last purge, and that nothing is held.
func (m *storeModel) atEnd(s *storeState) string {
	if wrong, err := explore.Alone(s, m.final); wrong != "" || err != nil {
		return fmt.Sprintf("the last purge: %s %v", wrong, err)
	}
	for key := range s.table {
		if wrong := m.keyAtEnd(s, key); wrong != "" {
			return wrong
		}
	}
	for snap, list := range s.purge.aside {
		if list != 0 || s.purge.graves[snap] != 0 || s.purge.freed != 0 {
			return fmt.Sprintf("the list of snapshot %d is not empty after the last purge", snap)
		}
	}
	return ""
}

func (m *storeModel) keyAtEnd(s *storeState, key int) string {
	want, o := m.expected(s, key, s.visible), s.table[key]
	if want == 0 {
		if o != 0 || s.ordered[key] != 0 {
			return fmt.Sprintf("I10: k%d is deleted and still in an index after the last purge", key)
		}
		return ""
	}
	head := s.objects[o].head
	switch {
	case o == 0 || s.ordered[key] != 1<<o:
		return fmt.Sprintf("I10: k%d is not in both indexes after the last purge", key)
	case s.objects[o].lock != lockFree:
		return fmt.Sprintf("I10: k%d is still locked at the end", key)
	case s.versions[head].ts != want || s.versions[head].state != 0:
		return fmt.Sprintf("I10: k%d ends with version %d instead of %d", key, s.versions[head].ts, want)
	case s.versions[head].older != 0:
		return fmt.Sprintf("I10: k%d has more than one version after the last purge", key)
	}
	return ""
}
