package mix

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"

	"github.com/tierceldb/tiercel/internal/history"
)

// Worker runs one transaction after the other, in one goroutine.
type Worker struct {
	store   Store
	opts    Options
	rng     *rand.Rand
	session *history.Session
	keys    Keys
	buf     [32]byte

	closed    bool
	forgotten []*txn
	faults    []string
}

// NewWorker returns a worker that records in the session.
func NewWorker(store Store, opts Options, rng *rand.Rand, session *history.Session) *Worker {
	return &Worker{store: store, opts: opts, rng: rng, session: session, keys: NewKeys(opts.Keys)}
}

// mostForgotten is how many transactions are left open before one is taken up again.
const mostForgotten = 3

// MostOpen is how many transactions of a worker are open at the same time at most.
const MostOpen = mostForgotten + 2

// Run runs n transactions, fewer if the store is closed or stop returns true.
// Finish is to be called behind the last Run.
func (w *Worker) Run(n int, stop func() bool) {
	for range n {
		if w.closed || stop() {
			return
		}
		if len(w.forgotten) > 0 && (len(w.forgotten) > mostForgotten || w.chance(10)) {
			w.remember()
		}
		if w.chance(100-w.opts.ReadOnly) && w.chance(w.opts.Managed) {
			w.update()
		} else if t := w.begin(); t != nil {
			t.run()
		}
	}
}

// Finish ends what was left open.
func (w *Worker) Finish() {
	for len(w.forgotten) > 0 {
		w.remember()
	}
}

// Faults returns what was wrong without a look at the history: errors that the
// contract of the store does not name, and answers of which nothing can be made.
func (w *Worker) Faults() []string { return w.faults }

// keepFaults is how many faults are described.
const keepFaults = 5

func (w *Worker) fault(id history.ID, format string, args ...any) {
	if len(w.faults) < keepFaults {
		w.faults = append(w.faults, fmt.Sprintf("%v: %s", id, fmt.Sprintf(format, args...)))
	}
}

// chance is true so often in a hundred.
func (w *Worker) chance(percent int) bool { return percent > 0 && w.rng.IntN(100) < percent }

// pause lets others through now and then.
func (w *Worker) pause() {
	if w.chance(w.opts.Pauses) {
		runtime.Gosched()
	}
}

// remember goes on with a transaction that was left open.
func (w *Worker) remember() {
	n := w.rng.IntN(len(w.forgotten))
	t := w.forgotten[n]
	w.forgotten = append(w.forgotten[:n], w.forgotten[n+1:]...)
	t.finish()
}

// how draws how a transaction is to be run.
func (w *Worker) how() How {
	h := How{Level: w.opts.Levels[w.rng.IntN(len(w.opts.Levels))]}
	if w.chance(w.opts.Timeouts) {
		h.Timeout = w.opts.Timeout
	}
	return h
}

// context returns a context for one transaction, which some cancel.
func (w *Worker) context() (context.Context, context.CancelFunc) {
	if w.chance(w.opts.Cancels) {
		return context.WithCancel(context.Background())
	}
	return context.Background(), nil
}

// begin begins a transaction; nil if that fails.
func (w *Worker) begin() *txn {
	how := w.how()
	t := &txn{Worker: w, idle: w.chance(w.opts.Forgets)}
	var ctx context.Context
	ctx, t.cancel = w.context()
	var err error
	if w.chance(w.opts.ReadOnly) {
		t.pending = w.session.Begin(history.ReadOnly, how.Level)
		t.Reader, err = w.store.BeginRead(ctx, how)
	} else {
		t.pending = w.session.Begin(history.Update, how.Level)
		t.writer, err = w.store.Begin(ctx, how)
		t.Reader = t.writer
	}
	if err != nil {
		t.over(err)
		return nil
	}
	t.began()
	return t
}

// update has the store run a transaction, which calls what it is to do once for
// each attempt. Of the attempts that are not the last, Commit has failed.
func (w *Worker) update() {
	how := w.how()
	t := &txn{Worker: w}
	var ctx context.Context
	ctx, t.cancel = w.context()
	next := w.session.Begin(history.Update, how.Level)
	err := w.store.Update(ctx, how, func(tx Writer) error {
		t.lost()
		t.pending, next = next, nil
		t.Reader, t.writer = tx, tx
		t.began()
		err := t.work()
		next = w.session.Begin(history.Update, how.Level) // before another attempt begins
		return err
	})
	if t.pending == nil { // it did not come to that
		t.pending, next = next, nil
	}
	if next != nil {
		next.Discard()
	}
	t.settle(err)
}
