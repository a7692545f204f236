// Package mix runs random transactions on a store and records them, so that
// package history can judge the store. It knows of the store what its clients do:
// the interfaces Store, Reader and Writer.
//
// A transaction does a few random things and ends in a random way. It may be left
// open for a while, rolled back to savepoints, cancelled in the middle, or given
// too little time. The values it writes are the versions of package history, so
// that whoever reads one knows whose it is. The keys are few, so that transactions
// meet.
//
// The random numbers fix what a worker does; what others do between its calls is
// up to the scheduler.
package mix
