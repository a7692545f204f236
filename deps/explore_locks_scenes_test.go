package deps_test

import (
	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/storage"
)

// What the transactions do to the object.
var (
	lockKeyShare    = lockOp{kind: lockMode, mode: storage.KeyShare}
	lockShare       = lockOp{kind: lockMode, mode: storage.Share}
	lockNoKeyUpdate = lockOp{kind: lockMode, mode: storage.NoKeyUpdate}
	lockUpdate      = lockOp{kind: lockMode, mode: storage.Update}
	putVersion      = lockOp{kind: voteMode, mode: storage.NoKeyUpdate}
	putFirst        = lockOp{kind: voteMode, mode: storage.Update}
	andRollBack     = lockOp{kind: rollBack}
)

func waitScenes() []scene[waitState, waitFault] {
	with := func(s waitState, processes func(fault waitFault) []explore.Process[waitState]) func(waitFault) explore.Model[waitState] {
		return func(fault waitFault) explore.Model[waitState] {
			return explore.Model[waitState]{Start: s, Processes: processes(fault), Holds: waitHolds, AtEnd: waitAtEnd}
		}
	}
	there := waitState{committed: true}
	return []scene[waitState, waitFault]{
		{"three owners", false, with(there, threeOwners)},
		{"two sharers and a writer", false, with(there, sharersAndWriter)},
		{"upgrade before newcomers", false, with(there, upgradeBeforeNewcomers)},
		{"wait that is cancelled", false, with(there, cancelledWait)},
		{"wait that is ended by force", false, with(there, forcedWait)},
		{"upgrade that is ended by force", false, with(there, forcedUpgrade)},
		{"commit that is ended by force", false, with(there, forcedCommit)},
		{"back to a savepoint", false, with(there, backToSavepoint)},
		{"savepoint against a forced end", false, with(there, forcedSavepoint)},
		{"object without versions", false, with(waitState{}, emptyObject)},
		{"object without versions, wait cancelled", false, with(waitState{}, emptyObjectCancelled)},
		{"object without versions, written", false, with(waitState{}, emptyObjectWritten)},
		{"owner that never moves", false, ownerThatNeverMoves},
	}
}

func threeOwners(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockUpdate, andRollBack), locking(fault, 1, putVersion), locking(fault, 2, lockNoKeyUpdate, andRollBack),
	}
}

func sharersAndWriter(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockShare, andRollBack), locking(fault, 1, lockKeyShare, andRollBack), locking(fault, 2, lockUpdate, andRollBack),
	}
}

// upgradeBeforeNewcomers: T1's lock goes, so T0 gets the stronger one; T2 comes at any time.
func upgradeBeforeNewcomers(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockShare, lockUpdate, andRollBack), locking(fault, 1, lockShare, andRollBack), locking(fault, 2, lockNoKeyUpdate, andRollBack),
	}
}

// cancelledWait: T2 may wait only because T1 is in front of it.
func cancelledWait(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockShare, andRollBack), locking(fault, 1, putVersion), locking(fault, 2, lockShare, andRollBack), canceller(1),
	}
}

func forcedWait(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockUpdate, andRollBack), locking(fault, 1, lockShare, andRollBack), locking(fault, 2, lockUpdate, andRollBack), forcer(fault, 1),
	}
}

func forcedUpgrade(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockKeyShare, lockUpdate, andRollBack), locking(fault, 1, lockKeyShare, andRollBack), forcer(fault, 0),
	}
}

func forcedCommit(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockNoKeyUpdate, putVersion), locking(fault, 1, putVersion), forcer(fault, 0),
	}
}

func backToSavepoint(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockKeyShare, lockUpdate, lockOp{kind: toSavepoint, to: 1}, andRollBack),
		locking(fault, 1, lockKeyShare, andRollBack), locking(fault, 2, lockShare, andRollBack),
	}
}

func forcedSavepoint(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockShare, lockUpdate, lockOp{kind: toSavepoint, to: 1}, lockUpdate, andRollBack),
		locking(fault, 1, lockUpdate, andRollBack), forcer(fault, 0),
	}
}

func emptyObject(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockKeyShare, andRollBack), locking(fault, 1, lockKeyShare, andRollBack), locking(fault, 2, lockShare, andRollBack),
	}
}

func emptyObjectCancelled(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockKeyShare, andRollBack), locking(fault, 1, lockUpdate, andRollBack), canceller(1), forcer(fault, 0),
	}
}

func emptyObjectWritten(fault waitFault) []explore.Process[waitState] {
	return []explore.Process[waitState]{
		locking(fault, 0, lockKeyShare, putFirst), locking(fault, 1, lockKeyShare, andRollBack), forcer(fault, 0),
	}
}

// ownerThatNeverMoves: a forced end gets a waiter out all the same.
func ownerThatNeverMoves(fault waitFault) explore.Model[waitState] {
	m := explore.Model[waitState]{
		Start: waitState{committed: true},
		Processes: []explore.Process[waitState]{
			{Name: "T0, which does not move"}, locking(fault, 1, lockUpdate, andRollBack), forcer(fault, 1),
		},
		Holds: waitHolds,
	}
	m.Start.hold[0] = storage.Update
	return m
}
