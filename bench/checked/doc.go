// Package checked runs a random mix of transactions on a manager, records what
// every one of them read and wrote, and checks the history exactly: that it is
// strictly serializable, or strong snapshot isolation (package history).
//
// The run is divided into windows, so that memory stays bounded however long it
// takes. While one is being checked the next one runs. At the end of a window
// every transaction of the mix has ended; each window is checked together with the
// values that those before it left, and shows what the whole run would (package
// history says why).
//
// So that something is open beyond the windows, too, one more reader is held open
// over several of them. It begins between two windows, so what it must see is
// known, and each of its reads is compared with that.
package checked
