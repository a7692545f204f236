// Package stress tries to catch a transaction manager breaking a promise.
//
// Many goroutines run transactions of different kinds against one manager (see
// Kind). Each kind leaves something behind that can be checked from outside:
// a total that never changes, a counter that equals the number of successful
// increments, a range of keys that only its owner changes, values that were
// rolled back and must never be seen. One reader is held open for the whole
// run and must see the first state until the end. When the goroutines have
// stopped, everything is closed and purged, and what is left in memory is
// compared with what should be.
//
// Whatever does not hold is kept in a Log under the name of its Check, with
// the number of the invariant it belongs to.
//
// The seed fixes what every goroutine does, one transaction after the other.
// It does not fix how they interleave: that is up to the scheduler, so a
// violation may need several runs to show again.
package stress
