// Package history decides, from the record of a run, whether the run was what an
// isolation level promises. It knows nothing of how a store works: only what
// transactions read and wrote, and when.
//
//	recorder (recorder.go, pending.go) ─► History (history.go, text.go) ─► Check ─► Report
//	clients' lists (lists.go) ──────────► Lists ───────────────────────► Check ─► Report
//
// # What is checked
//
// The versions of a key are in the order of their commit timestamps. That, with
// what was read, gives the direct serialization graph of Adya (Weak Consistency,
// 1999): who overwrote whom (ww), who read from whom (wr), who read what another
// then overwrote (rw), the same for ranges that were found empty, and who ended
// before whom began. The run was strictly serializable if and only if this graph
// has no cycle; it was strong snapshot isolation if and only if it has no cycle in
// which no two rw edges follow each other (Cerone and Gotsman, Analysing Snapshot
// Isolation, 2018). Cycles are found by strongly connected components, in time
// and memory linear in what was recorded.
//
// Transactions of both levels may be mixed. Then the rw edges out of an update
// transaction at Snapshot do not count for Serializable: it need not be where it
// read. A transaction that wrote nothing counts as serializable at any level. So
// does one that was rolled back: whatever it was told was to be of one snapshot.
//
// Some faults need no graph: to read what was rolled back, or what a transaction
// wrote and then replaced, or anything else than what the snapshot shows.
//
// # Real time
//
// A transaction that ended before another began comes first. These edges would be
// quadratic, so they go through points in time: each transaction that ends leads
// to the next point, each point to the one after it and to the transactions that
// begin there. That is exact, and linear.
//
// # Long runs
//
// A run can be checked in parts that end where no transaction is open. All of a
// part ended before all of the next began, so a cycle through two parts has an
// edge from the later back to the earlier. It is not wr: nobody was told what was
// not written yet. If it is ww, timestamps fell between the parts, which is looked
// at: History.After. So it is rw: somebody read what had been overwritten before
// he began. Each part is given, as History.Before, the values that those before it
// left; such a read is neither of these nor of the part itself, and reported. So
// the parts show all that the whole would.
//
// # Without the order
//
// Of another store one may know only what its clients saw. If every write
// appends a value of its own to a list, each list that was read tells the order
// of the versions before it. Lists builds the same graph from that.
package history
