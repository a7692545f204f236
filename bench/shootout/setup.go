package shootout

import (
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Sizes of the original.
const (
	ObjectSize    = 999 // bytes of a value
	ObjectsPerTxn = 3   // that each transaction adds or updates
)

// Op is what the transactions of a slice do.
type Op int

const (
	Add    Op = iota // three new objects
	Update           // three objects that are there
)

// Ops lists all there are, in the order in which they run.
func Ops() []Op { return []Op{Add, Update} }

// String returns the name in the original tables.
func (o Op) String() string {
	switch o {
	case Add:
		return "add"
	case Update:
		return "update"
	}
	return fmt.Sprintf("Op(%d)", int(o))
}

// Options say what to run.
type Options struct {
	RoundTrips []time.Duration // between vote and finish, one after the other
	Clients    []int           // how many at the same time, at least 1
	Shared     int             // updates choose among so many objects; 0: each client changes its own
	Duration   time.Duration   // to aim at, in all
	Seed       uint64          // of the choice among shared objects

	tamper func(*txnmgr.Manager) // between adds and updates, in tests
}

// Setup is one of the things to compare.
type Setup struct {
	RoundTrip time.Duration      // between vote and finish
	Clients   int                // at the same time
	Locks     txnmgr.Granularity // of the manager
}

// compared are the granularities, in the order of the tables.
func compared() []txnmgr.Granularity {
	return []txnmgr.Granularity{txnmgr.CoarseLock, txnmgr.ObjectLocks}
}

// shortSlice is how long the adds, or the updates, of one setup run at a time, and
// roundTrips what is added for the network: long enough for a thousand transactions
// or for every client to end some, short enough for what disturbs the machine to
// disturb the neighbour in the comparison too. Every client ends two transactions at
// least, however long they take.
const (
	shortSlice = 15 * time.Millisecond
	roundTrips = 20
	longSlice  = 50 * time.Millisecond
)

// share is the part of the duration that each round trip gets.
func (o Options) share() time.Duration { return o.Duration / time.Duration(len(o.RoundTrips)) }

// slice is how long the adds, or the updates, of one setup run at a time.
func (o Options) slice(roundTrip time.Duration) time.Duration {
	slices := len(o.Clients) * len(compared()) * len(Ops())
	fair := max(o.share()/time.Duration(slices), time.Millisecond)
	return min(shortSlice+roundTrips*roundTrip, longSlice, fair)
}
