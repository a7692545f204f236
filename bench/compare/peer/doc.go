// Package peer opens the stores that are compared behind one small interface: a
// transaction that reads and writes a few objects and is on the disk when it
// returns, and a read-only one of a single object. Each store is used the way its
// own manual recommends for that.
//
// The limit is no store: a bare log, preallocated, with group commit. What takes as
// long as the limit does nothing but write what must be written.
package peer
