package txnmgr

import (
	"errors"
	"fmt"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// Errors of reading and writing.
var (
	// ErrNotFound says that the key has no value at the transaction's snapshot.
	ErrNotFound = errors.New("tiercel: key not found")
	// ErrExists says that Insert met a key that has a value.
	ErrExists = errors.New("tiercel: key exists already; use Put to replace its value")
	// ErrKeyTooLarge says that a key is longer than MaxKeySize.
	ErrKeyTooLarge = fmt.Errorf("tiercel: key longer than %d bytes", MaxKeySize)
	// ErrValueTooLarge says that a value is longer than MaxValueSize.
	ErrValueTooLarge = fmt.Errorf("tiercel: value longer than %d bytes; split it over several keys", MaxValueSize)
	// ErrBadSavepoint says that a savepoint is another transaction's, or was undone
	// by a rollback to an earlier one.
	ErrBadSavepoint = errors.New("tiercel: savepoint of another transaction, or undone by a rollback to an earlier one")
	// ErrConcurrentUse says that two goroutines called one *Txn at the same time.
	// The call that was later did nothing.
	ErrConcurrentUse = errors.New("tiercel: a Txn is for one goroutine at a time; begin one each, or share a ReadTxn")
	// ErrManaged says that Commit or Rollback was called within Update, which does
	// that itself. The call did nothing.
	ErrManaged = errors.New("tiercel: Update commits when its function returns nil, and rolls back when it returns an error")
)

// Errors of beginning.
var (
	// ErrNilContext says that a context is nil.
	ErrNilContext = errors.New("tiercel: nil context; pass context.Background() if there is none")
	// ErrNilFunc says that a function is nil which is to be called: that of View, Update
	// or CommitThen, or the pairs of Load.
	ErrNilFunc = errors.New("tiercel: nil function")
	// ErrBadOption says that an option has a value out of its range.
	ErrBadOption = errors.New("tiercel: bad option")
	// ErrClosed says that the Manager was closed, before the transaction began or
	// while it was open.
	ErrClosed = errors.New("tiercel: manager closed")
)

// Errors of ending.
var (
	// ErrTxnDone says that the transaction is over. If it was ended from outside,
	// the error matches the cause as well: ErrTimeout, ErrClosed, or the context's.
	ErrTxnDone = errors.New("tiercel: transaction is over")
	// ErrTimeout says that the transaction took longer than WithTimeout or
	// Options.MaxAge allows. It was rolled back.
	ErrTimeout = errors.New("tiercel: transaction took longer than its limit")
	// ErrConflict says that something that the transaction wrote or read was
	// changed by another since its snapshot. It was rolled back, and may succeed
	// when done again; Update does that. The error is a *ConflictError.
	ErrConflict = errors.New("tiercel: conflict with a concurrent transaction")
	// ErrCommitUnknown says that the log failed at the commit, so that whether it
	// is durable is known only after the store is opened again. A manager in
	// memory never returns it.
	ErrCommitUnknown = errors.New("tiercel: whether the commit is durable is unknown")
)

// IsRetryable reports whether the same transaction may succeed when it is done
// again from the beginning: so after a conflict or a deadlock, and not after
// ErrCommitUnknown, since then it might be done twice.
func IsRetryable(err error) bool {
	return (errors.Is(err, ErrConflict) || errors.Is(err, ErrDeadlock)) && !errors.Is(err, ErrCommitUnknown)
}

// endError is the cause of a forced end. It matches ErrTxnDone too.
type endError struct{ cause error }

// Error says that and why.
func (e *endError) Error() string { return "tiercel: transaction was ended: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *endError) Unwrap() error { return e.cause }

// Is reports whether target is ErrTxnDone.
func (e *endError) Is(target error) bool { return target == ErrTxnDone }

// ConflictKind says what stood in the way of a commit.
type ConflictKind int

const (
	// WriteWrite is a key written here, and by another since the snapshot.
	WriteWrite ConflictKind = iota
	// ReadWrite is a key read here, present or absent, and then written by another.
	ReadWrite
	// RangeWrite is a key in a range read here, and then written by another: a phantom.
	RangeWrite
)

// String returns "write-write", "read-write" or "range-write".
func (k ConflictKind) String() string {
	switch k {
	case WriteWrite:
		return "write-write"
	case ReadWrite:
		return "read-write"
	case RangeWrite:
		return "range-write"
	}
	return fmt.Sprintf("ConflictKind(%d)", int(k))
}

// ConflictError says which key stood in the way of a commit, and who changed it.
// It matches ErrConflict. The slices must not be modified; nil means that there
// is no value.
type ConflictError struct {
	Key  []byte
	Kind ConflictKind

	Base   []byte // the value at the snapshot
	Mine   []byte // the value that this transaction would have written
	Theirs []byte // the newest committed value

	Snapshot   uint64 // of this transaction
	CommitTS   uint64 // of the commit that came between
	Label      string // of this transaction
	OtherLabel string // of the one that committed, if it had one and that is not long ago
}

// Error describes the conflict in one line.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%v: %v on key %q: transaction%s at snapshot %d, changed by transaction%s at %d",
		ErrConflict, e.Kind, e.Key, quoted(e.Label), e.Snapshot, quoted(e.OtherLabel), e.CommitTS)
}

// Is reports whether target is ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

func quoted(label string) string {
	if label == "" {
		return ""
	}
	return fmt.Sprintf(" %q", label)
}

// conflictError puts what the dependency manager found into words.
func (m *Manager) conflictError(r *deps.Record, c *deps.Conflict) *ConflictError {
	return &ConflictError{
		Key:        c.Object.Key(),
		Kind:       ConflictKind(c.Kind),
		Base:       valueOf(c.Base),
		Mine:       valueOf(c.Mine),
		Theirs:     valueOf(c.Theirs),
		Snapshot:   r.Snapshot,
		CommitTS:   c.TS,
		Label:      r.Label(),
		OtherLabel: m.deps.LabelOf(c.TS),
	}
}

// valueOf returns the value of a version, or nil if there is none.
func valueOf(v *storage.Version) []byte {
	if v == nil || v.Tombstone() {
		return nil
	}
	return v.Value()
}
