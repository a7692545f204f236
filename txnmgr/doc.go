// Package txnmgr runs transactions on versioned objects, in memory or on disk:
// read-only transactions that never lock and never wait, over serializable and
// durable update transactions.
//
//	m, err := txnmgr.Open(ctx, txnmgr.Options{})
//	err = m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Put(key, value) })
//	err = m.View(ctx, func(tx txnmgr.ReadTxn) error { value, err = tx.Get(key); return err })
//
// # Model
//
// An object is a key with a chain of versions, newest first, each with the commit
// timestamp of the transaction that wrote it. A transaction reads at a snapshot,
// the newest commit timestamp when it began: of each object the first version at
// or below it. An update transaction keeps its writes to itself until Commit,
// which makes them visible all at once, or returns a *ConflictError.
//
//	        ReadTxn                                 Txn
//	           │ begin, end: a few                   │ begin, end: the same slot,
//	           │ instructions on a slot              │ and a record
//	           ▼                                     ▼
//	┌───────── pool ─────────┐   ┌─────────────── deps ────────────────┐
//	│ active list: slots     │◄──│ vote ─► section ─► release ─► purge │
//	│ [100] [ – ] [97] [ – ] │   │ committed list  96 ─ 97 ─ … ─ 100   │
//	└────────────────────────┘   └──────────────────┬──────────────────┘
//	           │ reads                              │ links, stamps, unlinks
//	           ▼                                    ▼
//	┌──────────────────────────── storage ─────────────────────────────┐
//	│ table, ordered index ─► object "k" ─► 99 ─► 97 ─► 12             │
//	└──────────▲───────────────────────────────────────────────────────┘
//	           │ loads what left memory             │ committed list
//	┌──────────┴────── on disk, with Options.Dir ───▼──────────────────┐
//	│ object store ◄─ applier, in batches    log ◄─ writer, in groups  │
//	└──────────────────────────────────────────────────────────────────┘
//
// # Guarantees
//
// The numbers are cited where the code keeps them, and checked under the build
// tag invariants.
//
//   - I1 Commit timestamps strictly fall along a version chain.
//   - I2 The horizon is at or below every active snapshot. No reader misses a
//     version because it was purged.
//   - I3 All versions of a transaction become visible at once, or none.
//   - I4 A transaction that begins after Commit returned sees that commit.
//   - I5 Begin, reads and end of a read-only transaction never block, whatever
//     another goroutine does or stops doing; but a begin that finds no free
//     transaction object may wait for the one who is adding some. A read of what is
//     not in memory waits for the object store, never for another reader.
//   - I6 The watermarks only grow: V, up to which commits are visible to updates, R,
//     up to which to all, and D, up to which they are durable; D and R are at or below
//     V. After a crash the store has a prefix of commit order that contains every
//     acknowledged Sync commit.
//   - I7 A pending version belongs to exactly one transaction, between vote and
//     finish. A rollback leaves no trace in any chain or index.
//   - I8 The history of the Serializable transactions and of all read-only ones has
//     no cycle in its serialization graph: writes, reads, ranges read, real time.
//   - I9 After the end, Close and Rollback return nil and do nothing; everything
//     else returns ErrTxnDone, or the cause of a forced end, which matches it too.
//   - I10 After the last transaction has ended and a purge ran, every object has
//     one version, and deleted objects are gone from every index.
//   - I11 The number of transaction objects is bounded by the largest number of
//     transactions that were open at once, plus ten for each time the list grew.
//
// # Locks
//
// A commit owns the objects that it writes from vote to finish, which is most often
// a microsecond. A transaction that wants a key for longer, or wants it to stay as it
// is, takes a lock (Txn.Lock) in one of PostgreSQL's four modes; others who want to
// change the key wait in order, readers go on. Who locks before it reads reads what
// is newest then, and meets no conflict over what it locked. Transactions that wait
// in a circle are found within milliseconds, and one of them gets ErrDeadlock.
// Manager.Locks shows who holds what and who waits.
//
// # Durability
//
// With Options.Dir a commit is written to a log, together with whatever else has
// become visible by then, and returns when that is on the disk; read-only
// transactions begin at what is. An update transaction may see more, which is why
// what it saw is certain only once its own Commit has returned nil. Some time later
// a commit goes from the log to the object store, and what that has and no snapshot
// needs any more may leave memory (Options.CacheBytes). A commit that the object store
// lags too far behind waits before it votes (Options.LogBytes, Stats.Throttled).
//
// When the log cannot be written, it is not known what the disk has: who waits for it
// gets ErrCommitUnknown, every later commit ErrLogFailed, and reading goes on. A disk
// that is full shows before the vote, where it does no harm: the commit is rolled back,
// with the error of the disk.
//
// # Two-phase commit
//
// Txn.Prepare is a vote that holds: the transaction keeps what it writes locked and
// what it read protected, until it is finished by its handle or by its xid, and its
// finish cannot fail. It gets its commit timestamp only then. So a client that is
// slow between the two holds up those who want its objects and nobody else. A
// transaction that would write what a prepared one has read waits for its end; so
// does one that is to be prepared and has read what a prepared one writes. With a log
// what is prepared survives a restart (Manager.Prepared).
//
// A Commit that runs needs the finish section, which is short and does no I/O,
// and the objects that it writes. So update transactions can wait for each other
// there; they wait for no reader.
//
// # What it does not
//
// Without Options.Dir nothing survives the end of the program. No messages are logged,
// and a transaction that is misused returns an error and does not panic. In memory no
// goroutine is started, but for one if Options.MaxAge is set, and a timer for each
// WithLimit; a durable store has a handful. Close stops them, and waits for no user:
// a function given to CommitThen may still be running.
//
// # Concurrency
//
// A Manager and a ReadTxn may be used by many goroutines. A Txn is for one at a
// time; a second gets ErrConcurrentUse. An open transaction of either kind keeps
// at most one version of each object from being purged, however long it is open;
// what is newer than that is purged as if it were not there. An update transaction
// that is held open keeps, besides, the tombstones of keys that were deleted since
// it began, because it might still have to be told of them; Options.MaxAge ends
// those that were forgotten.
//
// # Slices
//
// Keys and values are copied when they are written. Those returned are shared:
// they stay valid for ever, have len = cap, and must not be modified. A build with
// the tag invariants, or with -race, finds callers who do. A value that is kept
// keeps its allocation only, and perhaps a few older versions of the object. The
// empty key is a key like any other. A nil value is stored as an empty one, and no
// value that is returned with a nil error is nil.
//
// # Errors
//
// Errors are compared by errors.Is; a conflict can be looked into with errors.As
// and *ConflictError. Update retries conflicts by itself. A context is looked at in
// every call and every wait, and cancelling it ends the transaction, which then
// returns errors that match both the context's error and ErrTxnDone. Once a commit
// has its timestamp it is carried through.
//
// # Reading the source
//
//   - pool/slot.go, a read-only transaction: take, End.
//   - storage/version.go, what a snapshot sees: Visible.
//   - storage/store.go, the life of an object; table.go and ordered.go, its indexes.
//   - deps/vote.go, Commit from beginning to end; section.go, where the order is
//     made; validate.go, why it is serializable; purge.go, what may go.
//   - storage/lock.go, the lock word; deps/locks.go, who holds what; waits.go, who
//     waits; deadlock.go, for whom; prepare.go, the two phases.
//   - txnmgr/txn.go, the transaction as its user sees it; scan.go, how its own
//     writes come in between; update.go, how it is tried again.
//   - txnmgr/durable, to the disk and back: writer.go, applier.go, recovery.go;
//     throttle.go, who is held back. storage/commitlog/doc.go, what a log promises.
//   - storage/cold.go, why what left memory is never seen stale.
//
// # Sources
//
// The transaction objects, the active and the committed list, and the purge by the
// oldest active follow the dependency manager of the Falcon storage engine (2008).
// Validation against what committed since the snapshot is backward validation by
// Kung and Robinson, On Optimistic Methods for Concurrency Control (1981). The
// anomalies are named as by Adya, Weak Consistency (1999). The combining of
// commits in the section is flat combining by Hendler, Incze, Shavit and Tzafrir
// (2010). The lock modes are PostgreSQL's. Locks by object from vote to finish, in
// place of one for all, were tried for ZODB (2016).
package txnmgr
