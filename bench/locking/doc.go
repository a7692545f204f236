// Package locking repeats the test of the database library in chapter 20 of
// Advanced Programming in the UNIX Environment (Stevens and Rago, section 20.9):
// workers write, fetch, replace and delete records of their own in one database,
// with no lock, with one lock for the database, and with a lock for each record.
//
// A call of the library is a transaction here. Those that write lock their record
// first, look whether it is there, write, and commit, as the library does; a fetch
// reads a snapshot, and locks nothing. The code is the same in all three variants:
// only the granularity of the manager's locks differs.
package locking
