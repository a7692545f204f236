package script

import (
	"context"
	"time"
)

// Preparer is a Txn that can vote now and finish later.
type Preparer interface {
	// Prepare votes; a limit of 0 is none.
	Prepare(ctx context.Context, xid string, limit time.Duration) error
}

// Observer is a Store that shows the locks on it, and finishes what is prepared.
type Observer interface {
	CommitPrepared(xid string) error
	RollbackPrepared(xid string) error
	Prepared() string // what is prepared
	Locks() string    // who holds what, and who waits for it
}

// prepare takes a prepare step: XID [limit D].
func (a *actor) prepare(s step) string {
	var limit time.Duration
	if len(s.args) > 1 {
		var err error
		if limit, err = parseDuration("limit", s.args[1:]); err != nil {
			return err.Error()
		}
	}
	preparer, can := a.txn.(Preparer)
	if !can {
		return "nothing is prepared here"
	}
	return a.name(preparer.Prepare(s.ctx, s.args[0], limit))
}

// observe takes a step of the store that only an Observer can.
func (r *runner) observe(s step) string {
	store, can := r.store.(Observer)
	switch {
	case !can:
		return "nothing is prepared or locked here"
	case s.verb == "prepared":
		return orNothing(store.Prepared())
	case s.verb == "locks":
		return orNothing(store.Locks())
	case s.verb == "commit prepared":
		return r.name(store.CommitPrepared(s.args[0]))
	}
	return r.name(store.RollbackPrepared(s.args[0]))
}

// name returns the outcome that an error, or none, stands for.
func (r *runner) name(err error) string {
	if err == nil {
		return ok
	}
	return r.store.Outcome(err)
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}
