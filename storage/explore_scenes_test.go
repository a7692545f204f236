package storage_test

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/internal/invariants"
)

var schedules = flag.Bool("schedules", false, "print the schedule by which each mistake was found")

// coldScene is a few of the processes.
type coldScene struct {
	name      string
	wide      bool // many states: not in short runs, nor where steps are slow
	deletions uint8
	writes    uint8
	drops     uint8
	readers   int
	scans     int
	isForced  bool // the first reader, whose load has just found the value 1, is ended by force
	isHelped  bool // somebody helps to remove what is dead
}

func coldScenes() []coldScene {
	return []coldScene{
		{name: "read while overwritten", writes: 1, drops: 1, readers: 1},
		{name: "read while deleted", writes: 1, drops: 1, readers: 1, deletions: 1 << 2},
		{name: "two readers", wide: true, writes: 1, drops: 2, readers: 2},
		{name: "two readers and a deletion", wide: true, writes: 1, drops: 2, readers: 2, deletions: 1 << 2},
		{name: "two writes", wide: true, writes: 2, drops: 2, readers: 1},
		{name: "deleted and written again", wide: true, writes: 2, drops: 2, readers: 1, deletions: 1 << 2},
		{name: "reader ended by force", wide: true, writes: 1, drops: 1, readers: 2, isForced: true},
		{name: "reader ended by force, and a deletion", wide: true, writes: 1, drops: 1, readers: 2, isForced: true, deletions: 1 << 2},
		{name: "reader ended by force, and a removal helped", wide: true, writes: 1, drops: 1, readers: 2, isForced: true, isHelped: true},
		{name: "scan while overwritten", writes: 1, drops: 1, scans: 1},
		{name: "scan while deleted", writes: 1, drops: 1, scans: 1, deletions: 1 << 2},
		{name: "scan and two writes", wide: true, writes: 2, drops: 2, scans: 1},
		{name: "scan and reader", wide: true, writes: 1, drops: 1, scans: 1, readers: 1},
	}
}

func (c coldScene) make(fault coldFault) explore.Model[coldState] {
	m := &coldModel{fault: fault, deletions: c.deletions, writes: c.writes, drops: c.drops}
	processes := []coldProcess{m.write(), m.apply(), m.drop()}
	for i := range c.readers {
		processes = append(processes, m.read(i))
	}
	for range c.scans {
		processes = append(processes, m.scanAll())
	}
	if c.isHelped {
		processes = append(processes, m.help())
	}
	start := coldState{visible: 1, applied: 1, horizon: 1, engine: 1}
	if c.isForced {
		const first = 3 // in the list of processes
		processes[first].Steps = processes[first].Steps[loaded:]
		start.snaps[0], start.readers[0].snap = 1, 1
		start.flights[0], start.flying = coldFlight{before: 1, got: 1}, 1
		processes = append(processes, m.force())
	}
	return explore.Model[coldState]{Start: start, Processes: processes, Holds: m.holds}
}

// TestExploreCold: the rules of type cold hold in every order of steps.
func TestExploreCold(t *testing.T) {
	for _, scene := range coldScenes() {
		if scene.wide && (testing.Short() || invariants.Enabled) {
			continue
		}
		t.Run(scene.name, func(t *testing.T) {
			start := time.Now()
			m := scene.make(noColdFault)
			m.Limit = 5_000_000
			result, err := m.Explore()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d states, %d ends, %v", result.States, result.Ends, time.Since(start).Round(time.Millisecond))
			if result.Violation != nil {
				t.Fatalf("\n%s", result.Violation)
			}
			if !result.Complete || result.Ends == 0 {
				t.Error("the exploration is not complete, or never came to an end")
			}
		})
	}
}

// TestExploreColdFaults: each mistake is found, in the scene where that is quick.
func TestExploreColdFaults(t *testing.T) {
	if testing.Short() || invariants.Enabled {
		return
	}
	for _, f := range []struct {
		name  string
		fault coldFault
		scene string
	}{
		{"mark after death", markAfterDeath, "reader ended by force, and a removal helped"},
		{"mark after removal", markAfterRemoval, "reader ended by force"},
		{"no mark", noMark, "reader ended by force"},
		{"mark read first", markReadFirst, "reader ended by force"},
		{"join any load", joinAny, "reader ended by force"},
		{"applied read after the load", appliedReadAfterLoad, "reader ended by force"},
		{"insert despite mark", insertDespiteMark, "reader ended by force"},
		{"no second look", noSecondLook, "read while overwritten"},
		{"never hang", neverHang, "read while overwritten"},
		{"hang after apply", hangAfterApply, "read while overwritten"},
		{"bound without applied", boundWithoutApplied, "two writes"},
		{"bound without horizon", boundWithoutHorizon, "deleted and written again"},
		{"bound without views", boundWithoutViews, "scan and two writes"},
		{"evict without lock", evictWithoutLock, "two writes"},
		{"evict without look", evictWithoutLook, "two writes"},
		{"look before lock", lookBeforeLock, "two writes"},
		{"register after open", registerAfterOpen, "scan while overwritten"},
		{"memory first", memoryFirst, "scan while overwritten"},
		{"enlist after commit", enlistAfterCommit, "scan while overwritten"},
		{"remove by key", removeByKey, "two writes"},
	} {
		t.Run(f.name, func(t *testing.T) {
			i := slices.IndexFunc(coldScenes(), func(c coldScene) bool { return c.name == f.scene })
			m := coldScenes()[i].make(f.fault)
			m.Limit = 5_000_000
			result, err := m.Explore()
			if err != nil {
				t.Fatal(err)
			}
			if result.Violation == nil {
				t.Errorf("not found in %d states", result.States)
			} else if *schedules {
				t.Logf("%d states:\n%s", result.States, result.Violation)
			}
		})
	}
}
