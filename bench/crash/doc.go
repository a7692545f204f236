// Package crash kills a process that runs transactions on a durable store, again and
// again, and checks what the next one finds: a prefix of commit order that has every
// acknowledged commit (I6), and histories without a cycle in between (I8).
//
//	parent ──starts, kills──► child ──► store in a directory
//	   ▲                        │
//	   └──────── events ────────┘  a pipe, which survives the child
//
// A child opens the store, says what it finds there, and runs random transactions
// until it is killed, at a random moment: perhaps while it is still recovering what
// the one before has left. It says before each commit what is about to be committed,
// and afterwards that it was. So the parent knows of all that can be in the store.
//
// # What became of whom
//
// Each commit also writes, under a key of its goroutine, which commit it is; so what
// the next child finds there tells which commits of the goroutine survived. Those
// that were not acknowledged may have or not, but all or nothing, and none without
// those before it in commit order.
//
// # When
//
// Nobody knows the timestamps of commits that survived and were not acknowledged. But
// each timestamp is used by exactly one commit, so they are the gaps between those
// that are known; and who read what, and who overwrote whom, says which gap is whose
// (file order.go). If there is no place for one of them, or none to fill a gap, the
// store has lost something in the middle.
//
// With that, the history of each life of the store is complete, and checked like any
// other (package history). The next one begins with what survived.
//
// # Reading the source
//
// The child: child.go, worker.go, finisher.go. What it says: event.go. The parent:
// run.go, process.go, then life.go (what was said), fate.go, order.go, gaps.go (what
// that means), judge.go.
package crash
