package mix

import (
	"context"
	"errors"

	"github.com/tierceldb/tiercel/internal/history"
)

// txn is one transaction of a worker.
type txn struct {
	*Worker
	Reader
	writer  Writer // nil if it is read-only
	pending *history.Pending
	cancel  context.CancelFunc // nil if it cannot be cancelled

	commits   int // calls of OnCommit
	commitTS  uint64
	saved     []saved
	abandoned bool // it has been told that it is over

	idle    bool                 // it is going to be left open, so it locks nothing: its worker might wait for it
	held    map[history.Key]bool // locked, so that nobody else changes them
	exposed bool                 // it has read or written something else
	cause   error                // of a rollback after which it may be tried again
}

// saved is a savepoint.
type saved struct {
	mark     int
	rollBack func() error
}

// errGivenUp ends an attempt that Update is not to commit.
var errGivenUp = errors.New("given up")

func (t *txn) began() {
	t.commits, t.saved, t.abandoned = 0, nil, false
	t.held, t.exposed, t.cause = nil, false, nil
	if t.writer != nil {
		t.writer.OnCommit(func(ts uint64) {
			t.commits++
			t.commitTS = ts
		})
		t.lockFirst()
	}
	t.pending.Began(t.Snapshot())
}

// run runs the transaction, or a part of it.
func (t *txn) run() {
	if t.idle {
		t.steps(1)
		t.idle = false
		t.forgotten = append(t.forgotten, t)
		return
	}
	t.finish()
}

// finish does what is left to do, and ends the transaction.
func (t *txn) finish() {
	if err := t.work(); err != nil || t.writer == nil {
		t.close()
		return
	}
	if p, can := t.writer.(Preparer); can && t.chance(t.opts.Prepares) {
		t.prepare(p)
		return
	}
	t.settle(t.writer.Commit())
}

// work does what the transaction is there for. The error says that it is not to
// be committed.
func (t *txn) work() error {
	t.steps(1 + t.rng.IntN(2*t.opts.Steps))
	if t.cancel != nil && t.chance(50) {
		t.cancel()
		t.steps(1)
	}
	if t.cause != nil {
		return t.cause
	}
	if t.abandoned || t.chance(t.opts.RollBacks) {
		return errGivenUp
	}
	return nil
}

// steps does n random things, fewer if the transaction is over.
func (t *txn) steps(n int) {
	for range n {
		if t.abandoned {
			return
		}
		t.pause()
		t.step()
	}
}

// close ends the transaction without effects.
func (t *txn) close() {
	err := t.Close()
	if err != nil {
		t.fault(t.pending.ID(), "ending it: %v", err)
	}
	if t.writer == nil && !t.abandoned {
		t.done(t.pending.Committed)
		return
	}
	t.over(nil)
}

// settle ends the transaction with the result of its commit.
func (t *txn) settle(err error) {
	if err == nil {
		if t.commits != 1 {
			t.fault(t.pending.ID(), "it has committed, and OnCommit was called %d times", t.commits)
		}
		t.done(t.pending.Committed)
		return
	}
	if t.commits != 0 {
		t.fault(t.pending.ID(), "OnCommit was called, and Commit returned %v", err)
	}
	t.over(err)
}

// lost ends an attempt after which there is another.
func (t *txn) lost() {
	if t.pending == nil {
		return
	}
	if t.commits != 0 {
		t.fault(t.pending.ID(), "OnCommit was called, and it was tried again")
	}
	t.over(nil)
}

// over ends the transaction as rolled back, because of an error if there is one.
func (t *txn) over(err error) {
	if err != nil && !errors.Is(err, errGivenUp) {
		switch t.store.Judge(err) {
		case Closed:
			t.closed = true
		case Conflict:
			if !t.exposed && t.pending != nil && t.writer != nil {
				t.fault(t.pending.ID(), "a conflict over keys that it had locked: %v", err)
			}
		case Ended, Deadlock:
		default:
			t.fault(t.pending.ID(), "%v", err)
		}
	}
	t.done(func(uint64) { t.pending.RolledBack() })
}

// done records the end.
func (t *txn) done(end func(uint64)) {
	if t.cancel != nil {
		t.cancel()
	}
	end(t.commitTS)
	t.pending = nil
}

// failed takes note of an error of a call. Only that the transaction is over is to
// be expected.
func (t *txn) failed(call string, err error) {
	switch t.store.Judge(err) {
	case Closed:
		t.closed = true
	case Ended:
	default:
		t.fault(t.pending.ID(), "%s: %v", call, err)
	}
	t.abandoned = true
}
