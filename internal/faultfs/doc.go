// Package faultfs is a file system in memory that crashes and fails on demand.
//
// It keeps what is visible now apart from what is on the disk. Crash returns what
// a machine may find after losing power at this moment: for each block of a file
// that was written since its last sync, the contents at any time since then, or
// the beginning from one time and the rest from another (a torn block); of the
// names that were made, changed or removed since the last sync of the directory,
// any part. The choice is made by the generator it is given.
//
// Watch calls a function after each change, the place for a crash; Fail asks a
// function before each, the place for an error.
//
// A sync that fails loses what it should have written: it stays visible, and no
// later sync writes it, as on systems that mark pages as clean when a write-back
// fails.
package faultfs
