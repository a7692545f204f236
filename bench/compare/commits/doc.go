// Package commits measures durable transactions: clients each commit one after the
// other, three objects a transaction, and each waits until its own is on the disk.
//
// Adds put new objects. Updates read objects of a fixed set and put them back with
// one more update counted; each client has its own part of the set, so that none
// gets in the way of another but at the disk.
//
// Every measurement is made on a store of its own that was empty before. All
// contestants take turns in one round, the order changes from round to round, and
// ratios are those of figures of the same round: what disturbs the disk for a while
// disturbs neighbours.
package commits
