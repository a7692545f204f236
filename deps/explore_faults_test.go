package deps_test

import (
	"testing"

	"github.com/tierceldb/tiercel/internal/explore"
)

// mutation is a model with one mistake.
type mutation struct {
	name string
	in   string // the scene that finds it
	// explored explores the scene.
	explored func() (explore.Result, error)
}

// mutate finds the scene of a mistake by its name.
func mutate[S comparable, F any](name string, fault F, scenes []scene[S, F], in string) mutation {
	for _, s := range scenes {
		if s.name == in {
			return mutation{name: name, in: in, explored: func() (explore.Result, error) { return s.make(fault).Explore() }}
		}
	}
	panic("no scene " + in)
}

func slotMutations() (list []mutation) {
	add := func(name string, fault slotFault, in string) {
		list = append(list, mutate(name, fault, slotScenes(), in))
	}
	add("begin without the second look at the mark", beginWithoutRecheck, "begin against scan")
	add("begin does not look for the mark of a forced end", beginIgnoresForced, "two forced ends")
	add("begin looks for Available and stores, without a CAS", beginByPlainStore, "growth")
	add("m is loaded after the list", markAfterScan, "begin against scan")
	add("m is V although readers begin at R", markIsVisible, "two watermarks")
	add("m is what is committed and not yet published", markIsApplied, "begin against scan")
	add("e < m for e ≤ m: the last commit is never purged", purgeBelowMark, "copied handle")
	add("end looks at gen and stores it, without a CAS", endByPlainGen, "copied handle")
	add("end stores Available over Retired", endByPlainSnap, "close against a search")
	add("slot leaves the list without Retired", unlinkWithoutRetired, "shrinking")
	add("slot is retired by a look and a store, without a CAS", retireByPlainStore, "shrinking")
	add("forced end wins the snap word, which is used again, and not gen", forceBySnap, "forced end")
	add("forced end of an update wins gen before the state", forceGenBeforeState, "forced end of updates")
	add("forced end looks for a tag only before it wins gen", forceLooksForTagOnce, "forced end of updates")
	add("forced end that comes too late leaves its cause", forceOverwritesCause, "two forced ends")
	add("forced end of an update wins the state before its cause is there", forceCauseAfterState, "forced end of updates")
	add("forced end of what was ended by force", forceTwice, "two forced ends")
	add("slot that another has won is retired before the state is final", retireForOther, "two forced ends of an update")
	add("begin sets the tag and does not look at gen afterwards", tagWithoutLook, "forced end of updates")
	add("refresh of a snapshot without the second look at the mark", refreshWithoutSecondLook, "refreshed snapshot")
	add("read looks at gen before it has its answer", readLooksFirst, "copied handle")
	return list
}

func storeMutations() (list []mutation) {
	add := func(name string, fault storeFault, in string) {
		list = append(list, mutate(name, fault, storeScenes(), in))
	}
	add("V is published before all of the group are committed", publishBeforeCommitted, "group and reader")
	add("records are linked after V is published, in any order", linkAfterPublish, "write skew, large read sets")
	add("record is linked before its state is committed", linkBeforeCommitted, "write skew, large read sets")
	add("purge goes by what is committed and not yet published", purgeByApplied, "deletion and new insert")
	add("purge looks at e < V", purgeBelowV, "writers of one key")
	add("two purges on one object", purgersTogether, "two purges")
	add("links of the committed list are cut where a validation stands", cutDespiteValidation, "large read set and purge")
	add("removal from the indexes by key", removeByKey, "deletion and new insert")
	add("tombstone is removed while an older update is open", buryDespiteUpdates, "tombstone, older update under way")
	add("validation goes by the object that was read, dead or not", validateByObject, "failed vote, its conflict committed")
	add("no validation", validateNothing, "write skew")
	add("vote does not look at the newest version", voteWithoutLook, "writers of one key")
	add("object enters the ordered index after its commit", indexAfterCommit, "stamping")
	add("failed vote leaves the objects it made", undoLeavesObjects, "write skew, large read sets")
	add("failed vote lets objects go before it takes its versions off", unlockBeforeUndo, "write skew")
	add("stamp clears the state before it stores the timestamp", stampStateFirst, "stamping")
	add("reader of an unstamped version does not look at the stamp again", lookAtStampOnce, "stamping")
	return list
}

func waitMutations() (list []mutation) {
	add := func(name string, fault waitFault, in string) {
		list = append(list, mutate(name, fault, waitScenes(), in))
	}
	add("waiter enters the queue without marking the lock word", enterWithoutMark, "three owners")
	add("newcomer does not look whether others wait", bargeIn, "two sharers and a writer")
	add("unlock by a store loses the mark", unlockByStore, "three owners")
	add("release wakes all who wait", releaseWakesAll, "three owners")
	add("woken before the word was changed", wakeBeforeWord, "three owners")
	add("waiter that gives up swallows the lock it was granted", giveUpSwallowsGrant, "wait that is cancelled")
	add("waiter that gives up stays in the queue", giveUpStaysQueued, "wait that is cancelled")
	add("waiter that gives up does not let in who waited only because of it", giveUpLetsNobodyIn, "wait that is cancelled")
	add("who makes a lock stronger queues behind newcomers: they wait for each other", upgradeBehindNewcomers, "upgrade before newcomers")
	add("forced end before the sleep is not seen", sleepWithoutLook, "owner that never moves")
	add("forced end lets fall what its owner is making stronger", forceDespiteUpgrade, "upgrade that is ended by force")
	add("owner adds a lock and does not look at the state afterwards", addWithoutLook, "wait that is ended by force")
	add("owner lets go alone and does not look at the state afterwards", aloneWithoutLook, "commit that is ended by force")
	add("last of several sharers does not look whether the object is empty", lowerWithoutLook, "object without versions")
	add("object without versions is removed although another holds it", seizeDespiteOthers, "object without versions")
	section := func(name string, fault sectionFault) {
		list = append(list, mutate(name, fault, sectionScenes(), "three commits"))
	}
	section("who leaves the section does not look at the arrivals", leaveWithoutLook)
	section("park without another try at the section", parkWithoutTry)
	section("park by a store that overwrites the outcome", parkByStore)
	section("who leaves the section after its last round wakes nobody", leaveWithoutRouse)
	return list
}

func deadlockMutations() (list []mutation) {
	add := func(name string, fault deadlockFault, in string) {
		list = append(list, mutate(name, fault, deadlockScenes(), in))
	}
	add("two look for a deadlock before they wait: both miss it", searchBeforeEnter, "two in a circle")
	add("who was chosen to give up is not left out: both become victims", chooseTheChosen, "two in a circle")
	add("no second look: who was granted the lock in between has to give up", giveUpWithoutLook, "three in order")
	add("who is in front in the queue counts only if its mode excludes", queueByModes, "circle through a queue")
	add("a search ends with the first circle", oneCircleOnly, "two circles at once")
	add("who was chosen hides those in front of it in the queue", cutQueueAtChosen, "two circles through a queue")
	add("a search counts for those who came while it collected", coverLate, "two in a circle")
	return list
}

func prepareMutations() (list []mutation) {
	add := func(name string, fault prepareFault, in string) {
		list = append(list, mutate(name, fault, prepareScenes(), in))
	}
	add("what a prepared transaction has read is not guarded", guardNoReads, "prepared and writer of what it read")
	add("what a prepared transaction writes is not tested against the reads of who prepares", guardNoWrites, "three prepared in a ring")
	add("timestamp is drawn at the vote", drawAtVote, "writers that read nothing")
	add("waits for a prepared transaction without taking the vote back", waitWithVote, "one client prepares two")
	add("guards are removed before the state is committed", unguardBeforeCommit, "prepared and writer of what it read")
	add("locks of a prepared transaction are let go before it is committed", releaseBeforeUnguard, "writers that read nothing")
	add("reads are not validated before a transaction is prepared", prepareWithoutValidation, "prepared and writer of what it read")
	add("end of a prepared transaction wakes nobody", endWakesNobody, "two prepared that cross")
	return list
}

// TestMutations: each mistake, put into a model that holds without it, is found.
func TestMutations(t *testing.T) {
	for _, list := range [][]mutation{slotMutations(), storeMutations(), waitMutations(), deadlockMutations(), prepareMutations()} {
		for _, m := range list {
			t.Run(m.name, func(t *testing.T) { caught(t, m) })
		}
	}
}

func caught(t *testing.T, m mutation) {
	result, err := m.explored()
	if err != nil {
		t.Fatal(err)
	}
	v := result.Violation
	if v == nil {
		t.Fatalf("not found among the %d states of %q", result.States, m.in)
	}
	t.Logf("caught by %q, %d states, %d steps: %s", m.in, result.States, len(v.Schedule), v.What)
	if *schedules {
		t.Logf("\n%s", v)
	}
}
