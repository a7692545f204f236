package mix

import (
	"fmt"
	"runtime"
	"time"
)

// Preparer is a Writer that can vote now and finish later.
type Preparer interface {
	// Prepare votes; a limit of 0 is none.
	Prepare(xid string, limit time.Duration) error
	// CommitPrepared and RollbackPrepared finish what was prepared under an xid.
	CommitPrepared(xid string) error
	RollbackPrepared(xid string) error
}

// prepare commits the transaction in two phases. Another goroutine finishes it after a
// while, by the handle or by the xid; the worker does nothing until then, since it might
// have to wait for itself.
func (t *txn) prepare(p Preparer) {
	xid, limit := fmt.Sprint(t.pending.ID()), time.Duration(0)
	if t.chance(t.opts.Timeouts) {
		limit = t.opts.Timeout
	}
	if err := p.Prepare(xid, limit); err != nil {
		t.settle(err)
		return
	}
	finish := t.drawFinish(p, xid)
	pauses := t.rng.IntN(20)
	done := make(chan error)
	go func() {
		for range pauses {
			runtime.Gosched()
		}
		done <- finish()
	}()
	t.settle(<-done)
}

// drawFinish draws how to finish what is prepared.
func (t *txn) drawFinish(p Preparer, xid string) func() error {
	byXID, giveUp := t.chance(50), t.chance(t.opts.RollBacks)
	return func() error {
		var err error
		switch {
		case giveUp && byXID:
			err = p.RollbackPrepared(xid)
		case giveUp:
			err = t.Close()
		case byXID:
			return p.CommitPrepared(xid)
		default:
			return t.writer.Commit()
		}
		if err == nil {
			err = errGivenUp
		}
		return err
	}
}
