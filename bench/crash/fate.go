package crash

import (
	"fmt"
	"math"
	"slices"

	"github.com/tierceldb/tiercel/internal/history"
)

// fate is what is known of a transaction, and what became of it.
type fate struct {
	txn     history.Txn
	worker  int
	promise promise
	stage   stage

	// Of those that meant to commit.
	xid   string // if it was prepared
	guest bool   // it was prepared in a former life
	acked bool   // the commit was acknowledged,
	ack   int    // by this event
	after uint64 // the commit timestamp is above this, whatever it is,
	upTo  uint64 // and not above this

	survived bool
	happened bool // the commit survived, or somebody may have seen it

	unclear []history.Key // that it found nothing at, which may have several reasons
}

// stage is how far a transaction got, as far as the parent was told.
type stage uint8

const (
	isOver      stage = iota // it committed, or had nothing to commit
	isBack                   // it was rolled back
	wanting                  // to commit
	preparingIt              // it wants to be prepared
	standing                 // it is prepared
	inDoubt                  // it was prepared, and was about to be finished
)

// never is after everything that happens.
const never = math.MaxInt64

// asCommitted returns what the history has of a commit.
func (f *fate) asCommitted() history.Txn {
	t := f.txn
	t.Outcome = history.Committed
	if !f.acked {
		t.Finish = never
	}
	if !f.guest {
		return t
	}
	// What a serializable one has read was kept from changing until its commit. Of
	// the others nothing is left to be said: it was part of a former life.
	if t.Snapshot = t.Commit - 1; t.Level == history.Snapshot {
		t.Reads, t.Empty = nil, nil
	}
	return t
}

// asRolledBack returns what the history has of a transaction whose writes did not
// come about, or not in this life. What it has read was provisional: others who begin
// after its end need not see that.
func (f *fate) asRolledBack() history.Txn {
	t := f.txn
	t.Outcome, t.Writes, t.Commit, t.Finish = history.RolledBack, nil, 0, never
	return t
}

// protects reports whether nobody else may write k while f is prepared.
func (f *fate) protects(k history.Key) bool {
	return slices.ContainsFunc(f.txn.Writes, func(w history.Write) bool { return w.Key == k }) ||
		f.txn.Level == history.Serializable && f.hasRead(k)
}

// hasRead reports whether f has read k, or a range that has it.
func (f *fate) hasRead(k history.Key) bool {
	return slices.ContainsFunc(f.txn.Reads, func(r history.Read) bool { return r.Key == k }) ||
		slices.ContainsFunc(f.txn.Empty, func(r history.Range) bool { return r.Lo <= k && k < r.Hi })
}

// withoutUnclear leaves out where f has found nothing for a reason that is not known.
func (f *fate) withoutUnclear(t history.Txn) history.Txn {
	for _, k := range f.unclear {
		t.Reads = slices.DeleteFunc(slices.Clone(t.Reads), func(r history.Read) bool { return r.Key == k && r.Version == 0 })
		t.Empty = without(t.Empty, k)
	}
	return t
}

// without takes a key out of ranges.
func without(all []history.Range, k history.Key) (rest []history.Range) {
	for _, r := range all {
		if k < r.Lo || r.Hi <= k {
			rest = append(rest, r)
			continue
		}
		for _, part := range []history.Range{{Lo: r.Lo, Hi: k}, {Lo: k + 1, Hi: r.Hi}} {
			if part.Lo < part.Hi {
				rest = append(rest, part)
			}
		}
	}
	return rest
}

// when says when the transaction committed, if it did.
func (f *fate) when() string {
	switch {
	case !f.happened:
		return "(did not commit)"
	case !f.acked:
		return fmt.Sprintf("(about %d, not acknowledged)", f.txn.Commit)
	}
	return fmt.Sprintf("(%d)", f.txn.Commit)
}
