package stress

import "fmt"

// Check is one promise that a stress run tests.
type Check int

// The checks. The number in brackets is the invariant that a violation breaks;
// checks without a number belong to the public contract.
const (
	RepeatableRead   Check = iota // [I8] one transaction reads a key twice and gets one answer
	ConstantTotal                 // [I8] transfers never change the total of the accounts
	ScanOrder                     // scans yield keys in strict order, within bounds, both ways alike
	AtomicCommit                  // [I3] the writes of one transaction are seen together or not at all
	LostUpdate                    // [I8] every successful increment is in the counter, and no other
	OwnRange                      // [I4] a goroutine reads what it committed to keys that nobody else writes
	InsertExists                  // Insert returns ErrExists if and only if the key is there
	OwnWrites                     // a transaction reads its own writes
	RolledBackUnseen              // [I7] what was rolled back leaves no trace
	OldReader                     // [I2] the reader held open sees the first state until the end
	RealTime                      // [I4] a transaction begun after Commit returned reads at or above that commit
	CommitOrder                   // [I1] a commit timestamp is above the snapshot and all earlier commits of its goroutine
	CommitNotice                  // OnCommit is called once for a commit and never for a failure
	WriteSkew                     // [I8] serializable transactions keep a constraint over two keys
	Phantom                       // [I8] serializable transactions keep a constraint over a range
	EndedHandle                   // [I9] an ended transaction answers ErrTxnDone, and ending it again does nothing
	WatermarkGrows                // [I6] the visible watermark never falls
	HorizonHolds                  // [I2] the horizon never passes the oldest open snapshot, and never falls
	ChainLength                   // chains hold no more than one version a snapshot and two
	NothingActive                 // [I10] nothing counts as active when all has been closed
	OneVersion                    // [I10] after the last purge every object has one version
	DeletedGone                   // [I10] after the last purge deleted objects are gone from every index
	CommittedList                 // [I10] after the last purge nothing waits in the committed list
	NothingPinned                 // [I10] after the last purge no version is set aside for a snapshot
	ObjectsBounded                // [I11] transaction objects are bounded by what was open at once
	ClosedManager                 // a closed manager refuses transactions with ErrClosed
	Stuck                         // [I5] every goroutine comes to an end
	UnexpectedError               // no call fails for a reason that its contract does not name
	numChecks
)

// Invariant returns the number of the invariant, "" for a check without one.
func (c Check) Invariant() string {
	switch c {
	case CommitOrder:
		return "I1"
	case OldReader, HorizonHolds:
		return "I2"
	case AtomicCommit:
		return "I3"
	case OwnRange, RealTime:
		return "I4"
	case Stuck:
		return "I5"
	case WatermarkGrows:
		return "I6"
	case RolledBackUnseen:
		return "I7"
	case RepeatableRead, ConstantTotal, LostUpdate, WriteSkew, Phantom:
		return "I8"
	case EndedHandle:
		return "I9"
	case NothingActive, OneVersion, DeletedGone, CommittedList, NothingPinned:
		return "I10"
	case ObjectsBounded:
		return "I11"
	}
	return ""
}

// Name returns the short name of the check.
func (c Check) Name() string {
	names := [numChecks]string{
		RepeatableRead: "repeatable read", ConstantTotal: "constant total", ScanOrder: "scan order",
		AtomicCommit: "atomic commit", LostUpdate: "lost update", OwnRange: "own range",
		InsertExists: "insert exists", OwnWrites: "own writes", RolledBackUnseen: "rolled back unseen",
		OldReader: "old reader", RealTime: "real time", CommitOrder: "commit order",
		CommitNotice: "commit notice", WriteSkew: "write skew", Phantom: "phantom",
		EndedHandle: "ended handle", WatermarkGrows: "watermark grows", HorizonHolds: "horizon holds",
		ChainLength: "chain length", NothingActive: "nothing active", OneVersion: "one version",
		DeletedGone: "deleted gone", CommittedList: "committed list", NothingPinned: "nothing pinned",
		ObjectsBounded: "objects bounded", ClosedManager: "closed manager", Stuck: "stuck",
		UnexpectedError: "unexpected error",
	}
	if c < 0 || c >= numChecks {
		return fmt.Sprintf("Check(%d)", int(c))
	}
	return names[c]
}

// String returns the invariant, where there is one, and the name.
func (c Check) String() string {
	if inv := c.Invariant(); inv != "" {
		return inv + " " + c.Name()
	}
	return c.Name()
}
