package stress

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/txnmgr"
)

// worker is one goroutine of a run, with what it knows must be true of the
// keys that only it writes.
type worker struct {
	_ pad.Line

	*trial
	id  int
	rng *rand.Rand

	tally      [numKinds][2]uint64 // by outcome: ended, gaveUp
	open, peak int                 // transactions of this goroutine open now, and at most
	forgotten  []func() error      // ends what was left open on purpose

	increments []uint64 // of each hot counter, successful
	own        *ownRange
	saved      int64 // newest committed value of its savepoint key
	stamp      int64 // a number that this goroutine has not used yet
	lastCommit uint64

	up, down []entry
	buf      [8]byte

	_         pad.Line
	published atomic.Uint64 // transactions so far, for the progress line
	_         pad.Line
}

func newWorker(t *trial, id int) *worker {
	return &worker{
		trial:      t,
		id:         id,
		rng:        rand.New(rand.NewPCG(t.opts.Seed, uint64(id))),
		increments: make([]uint64, t.opts.Hot),
		own:        newOwnRange(id, t.opts.Churn),
		stamp:      int64(id) << 40,
	}
}

// work runs one transaction after the other until stopped.
func (w *worker) work(stop *crew.Stop) {
	for n := uint64(1); !stop.Requested(); n++ {
		k := pick(w.rng)
		if o := w.run(k); o != idle {
			w.tally[k][o]++
		}
		w.published.Store(n)
	}
}

// pause gives way now and then in the middle of a transaction, so that others
// come between its calls even on one processor.
func (w *worker) pause() {
	if w.rng.IntN(4) == 0 {
		runtime.Gosched()
	}
}

// value encodes n in the goroutine's own buffer: Put copies.
func (w *worker) value(n int64) []byte {
	copy(w.buf[:], encode(n))
	return w.buf[:]
}

// nextStamp returns a number that was never stored before.
func (w *worker) nextStamp() int64 {
	w.stamp++
	return w.stamp
}

// opened and closed keep count for ObjectsBounded.
func (w *worker) opened() {
	w.open++
	w.peak = max(w.peak, w.open)
}

func (w *worker) closed() { w.open-- }

// view runs fn in a read-only transaction.
func (w *worker) view(fn func(txnmgr.ReadTxn) error) outcome {
	floor := w.newest.ts.Load()
	w.opened()
	defer w.closed()
	return w.settle(w.m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		w.checkFloor(tx.Snapshot(), floor)
		return fn(tx)
	}))
}

// update runs fn in an update transaction. fn must write something.
func (w *worker) update(fn func(*txnmgr.Txn) error, opts ...txnmgr.TxnOption) outcome {
	floor := w.newest.ts.Load()
	w.opened()
	defer w.closed()
	var at commitPoint
	err := w.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		w.checkFloor(tx.Snapshot(), floor)
		at.watch(tx)
		return fn(tx)
	}, opts...)
	w.committed(at, err)
	return w.settle(err)
}

// eitherWay returns an isolation for transactions that keep their promises at
// any: Snapshot now and then, so that it is tested beside Serializable.
func (w *worker) eitherWay() txnmgr.TxnOption {
	if w.rng.IntN(4) == 0 {
		return txnmgr.WithIsolation(txnmgr.Snapshot)
	}
	return txnmgr.WithIsolation(w.opts.Isolation)
}

// errIdle ends an update that found nothing to do.
var errIdle = errors.New("nothing to do")

// settle sorts the error of a transaction: a conflict is no fault.
func (w *worker) settle(err error) outcome {
	switch {
	case err == nil:
		return ended
	case errors.Is(err, errIdle):
		return idle
	case errors.Is(err, txnmgr.ErrConflict):
		return gaveUp
	}
	w.log.Add(UnexpectedError, "goroutine %d: %v", w.id, err)
	return idle
}
