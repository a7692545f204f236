package history

import "fmt"

// History is the record of a run, or of a part of one.
type History struct {
	// Before lists the values that keys had when the run began. Keys that are not
	// in it had none.
	Before []Read
	// After is the commit timestamp of the newest of them.
	After uint64
	Txns  []Txn
	// Own lists what transactions were told about keys that they had written, if
	// it was wrong.
	Own []OwnRead
	// Names are the names of the keys, for reports; without it they are numbered.
	Names []string
}

// Txn is what one transaction did. Reads and writes of what it wrote itself
// are not in it.
type Txn struct {
	ID      ID
	Kind    Kind
	Level   Level
	Outcome Outcome

	// Start is read from a clock that never goes back, before the transaction is
	// begun, and Finish after its end has returned.
	Start, Finish int64

	Snapshot uint64 // 0: not known
	Commit   uint64 // the commit timestamp of what it wrote

	Reads  []Read  // in the order in which they were made
	Empty  []Range // parts of ranges that were read and held nothing
	Writes []Write // the last to each key
}

// Key is the number of a key in the order of keys. Numbers should be small, since
// the memory that a check needs grows with the greatest.
type Key uint32

// Read is one answer: the version that a key had.
type Read struct {
	Key     Key
	Version Version // 0: it had no value
}

// Range is the keys Lo ≤ key < Hi.
type Range struct{ Lo, Hi Key }

// Write is the last that a transaction did to a key.
type Write struct {
	Key       Key
	Seq       uint16 // which of the transaction's writes
	Tombstone bool
}

// OwnRead is a wrong answer about a key that the transaction had written.
type OwnRead struct {
	Txn       ID
	Key       Key
	Want, Got Version
}

// ID identifies a transaction: its session, and its number in that, from 1. A
// session is one transaction after the other, or a few side by side, of one
// goroutine.
type ID uint64

const (
	numberBits = 32
	seqBits    = 16
	// MaxSession is the greatest number of a session.
	MaxSession = 1<<16 - 1
)

// NewID returns the ID of the transaction with a number in a session.
func NewID(session uint16, number uint32) ID { return ID(session)<<numberBits | ID(number) }

// String returns "t12", or "t3-12" for transaction 12 of session 3.
func (id ID) String() string {
	session, number := id>>numberBits, uint32(id)
	if session == 0 {
		return fmt.Sprintf("t%d", number)
	}
	return fmt.Sprintf("t%d-%d", session, number)
}

// Version identifies one write: who made it, and which of that transaction's
// writes it was, from 1. Stored as the value, it tells every reader what it reads.
type Version uint64

func (id ID) version(seq uint16) Version { return Version(id)<<seqBits | Version(seq) }

// Version returns the version that a write of transaction id is.
func (w Write) Version(id ID) Version { return id.version(w.Seq) }

// Writer returns who wrote the version.
func (v Version) Writer() ID { return ID(v >> seqBits) }

func (v Version) seq() uint16 { return uint16(v) }

// String returns "t3-12.1", or "nothing".
func (v Version) String() string {
	if v == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%v.%d", v.Writer(), v.seq())
}

// Kind says what a transaction was begun for.
type Kind uint8

// The kinds of transactions.
const (
	Update Kind = iota
	ReadOnly
)

// String returns "update" or "read-only".
func (k Kind) String() string { return [...]string{"update", "read-only"}[k] }

// Level is an isolation level: what a transaction asked for, and what a history
// is checked against.
type Level uint8

// The levels.
const (
	// Serializable is strict: in an order that real time agrees with.
	Serializable Level = iota
	// Snapshot is strong snapshot isolation: a snapshot has all that was committed
	// before the transaction began.
	Snapshot
)

// String returns "serializable" or "snapshot".
func (l Level) String() string { return [...]string{"serializable", "snapshot"}[l] }

// Outcome is how a transaction ended.
type Outcome uint8

// The outcomes. Unknown is for Lists only, where a client may not have been told.
const (
	Committed Outcome = iota
	RolledBack
	Unknown
)

// String returns "committed", "rolled back" or "unknown".
func (o Outcome) String() string { return [...]string{"committed", "rolled back", "unknown"}[o] }

// wrote reports whether t is part of the order of versions.
func (t *Txn) wrote() bool { return t.Outcome == Committed && len(t.Writes) > 0 }

// name returns the name of a key.
func (h *History) name(k Key) string {
	if int(k) < len(h.Names) {
		return h.Names[k]
	}
	return fmt.Sprintf("k%d", k)
}
