// Package beside measures what writers cost those who read beside them: read-only
// transactions of one object each, alone and while many clients update the same
// objects, and wait for the disk.
//
// A reader is tied to a thread of its own, whose processor time is measured: on a
// machine with few processors the writers take some of them from the readers, which
// is no fault of the store, while a reader that has to do more for each read shows.
package beside
