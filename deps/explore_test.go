package deps_test

import (
	"flag"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/internal/invariants"
)

// The protocol is explored here: models of it that take the same steps as the
// code, in every order in which a few transactions, committers and purges can take
// them.
//
//	explore_slots_test.go    the active list: begin, end, forced end, Close, growth, scans
//	explore_store_test.go    objects, chains, indexes; with
//	explore_commit_test.go   vote, section, validation, stamps, rollback, and
//	explore_purge_test.go    scan, purge, graves
//	explore_waits_test.go    locks on an object, and waiting for it; with
//	explore_locks_test.go    what a transaction locks, and lets go or has taken away
//	explore_prepare_test.go  transactions that are prepared, and what they have read
//	explore_deadlock_test.go waits for each other in a circle
//	explore_section_test.go  waiting for the section
//	explore_faults_test.go   the same models with one mistake each, which must be found
//	explore_source_test.go   that the code still takes these steps in this order, and
//	explore_replay_test.go   that code and model of the store come to the same, and
//	explore_replay_slots_test.go    those of the slots
//
// A step is one atomic operation. Go's atomic operations are sequentially
// consistent, so the orders of steps are all that can happen, but for three
// things. What a goroutine has to itself, or holds by a lock word or the section,
// is changed in one step with the operation that follows. So are operations next
// to each other of which only one can matter to others; the label of such a step
// names that one. And a chain is walked at once where the section or the purge
// does it, since nobody adds to a chain there that they could miss.
//
// Not in the models: the insides of the hash table and of the ordered index (their
// inserts and removals are single steps), hints (any slot may be hinted), labels,
// statistics, and budgets of the purge (it may stop between any two steps anyway).
// Values are the timestamps of their versions.

var schedules = flag.Bool("schedules", false, "print the schedule by which each mistake was found")

// wide are scenes with many states. They are left out in short runs, and where
// steps are slow because the race detector or checks of invariants watch them.
func wide(t *testing.T) bool { return !testing.Short() && !invariants.Enabled }

// holds explores a model that must hold.
func holds[S comparable](t *testing.T, m explore.Model[S]) {
	t.Helper()
	start := time.Now()
	m.Limit = 5_000_000 // more than any has; a mistake must not fill the memory
	result, err := m.Explore()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d states, %d steps between them, %d ends, at most %d deep, %v",
		result.States, result.Steps, result.Ends, result.Depth, time.Since(start).Round(time.Millisecond))
	if result.Violation != nil {
		t.Fatalf("\n%s", result.Violation)
	}
	if !result.Complete || result.Ends == 0 {
		t.Errorf("the exploration is not complete, or never came to an end")
	}
}

// scene is a few processes on one of the models, with a mistake or without.
type scene[S comparable, F any] struct {
	name string
	wide bool
	make func(fault F) explore.Model[S]
}

// exploreScenes explores scenes without mistakes.
func exploreScenes[S comparable, F any](t *testing.T, scenes []scene[S, F]) {
	for _, scene := range scenes {
		if scene.wide && !wide(t) {
			continue
		}
		t.Run(scene.name, func(t *testing.T) {
			var noFault F
			holds(t, scene.make(noFault))
		})
	}
}

func TestExploreSlots(t *testing.T) { exploreScenes(t, slotScenes()) }

func TestExploreStore(t *testing.T) { exploreScenes(t, storeScenes()) }

func TestExploreWaits(t *testing.T) { exploreScenes(t, waitScenes()) }

func TestExploreSection(t *testing.T) { exploreScenes(t, sectionScenes()) }

func TestExploreDeadlocks(t *testing.T) { exploreScenes(t, deadlockScenes()) }

func TestExplorePrepare(t *testing.T) { exploreScenes(t, prepareScenes()) }
