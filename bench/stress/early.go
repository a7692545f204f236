package stress

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// maxForgotten is how many transactions each goroutine leaves open until the
// end of the run.
const maxForgotten = 2

// tooShort is a timeout that has passed before the transaction is used again.
const tooShort = time.Millisecond

// early runs a transaction that does not end as it should. Each of them writes
// a value that must never be seen.
func (w *worker) early() outcome {
	switch w.rng.IntN(8) {
	case 0:
		return w.settle(w.forgetReader())
	case 1:
		return w.settle(w.forgetUpdate())
	case 2:
		return w.settle(w.timeOut())
	case 3:
		return w.settle(w.cancel())
	case 4:
		return w.settle(w.failing())
	case 5:
		return w.settle(w.panicking())
	case 6:
		return w.settle(w.closeTogether())
	}
	return w.settle(w.endTwice())
}

// putLost writes what must never be seen.
func (w *worker) putLost(tx *txnmgr.Txn) error {
	_, gone := saveKeys(w.id)
	return tx.Put(gone, w.value(lost))
}

// forgetReader leaves a reader open until the end of the run.
func (w *worker) forgetReader() error {
	if len(w.forgotten) == maxForgotten {
		return errIdle
	}
	tx, err := w.m.BeginRead(context.Background(), txnmgr.WithLabel("forgotten reader"))
	if err != nil {
		return err
	}
	w.opened()
	w.forgotten = append(w.forgotten, tx.Close)
	_, err = getOrNil(tx, w.anyKey())
	return err
}

// forgetUpdate leaves an update with a pending write open until the end.
func (w *worker) forgetUpdate() error {
	if len(w.forgotten) == maxForgotten {
		return errIdle
	}
	tx, err := w.m.Begin(context.Background(), txnmgr.WithLabel("forgotten update"))
	if err != nil {
		return err
	}
	w.opened()
	w.forgotten = append(w.forgotten, tx.Rollback)
	return w.putLost(tx)
}

// timeOut uses a transaction after its time.
func (w *worker) timeOut() error {
	tx, err := w.m.Begin(context.Background(), txnmgr.WithTimeout(tooShort), txnmgr.WithLabel("timed out"))
	if err != nil {
		return err
	}
	w.opened()
	defer w.closed()
	if err := w.putLost(tx); err != nil && !errors.Is(err, txnmgr.ErrTimeout) {
		return errors.Join(err, tx.Rollback())
	}
	<-time.After(2 * tooShort)
	_, err = tx.Get(w.anyKey())
	w.expect(err, txnmgr.ErrTimeout, "Get after the timeout")
	w.expect(tx.Commit(), txnmgr.ErrTimeout, "Commit after the timeout")
	w.expect(tx.Commit(), txnmgr.ErrTxnDone, "Commit after the timeout")
	w.expect(tx.Rollback(), nil, "Rollback after the timeout")
	return nil
}

// cancel uses a transaction whose context has ended.
func (w *worker) cancel() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tx, err := w.m.Begin(ctx, txnmgr.WithLabel("cancelled"))
	if err != nil {
		return err
	}
	w.opened()
	defer w.closed()
	if err := w.putLost(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	cancel()
	w.expect(tx.Commit(), context.Canceled, "Commit after cancel")
	w.expect(tx.Rollback(), nil, "Rollback after cancel")
	w.expect(w.m.Update(ctx, w.putLost), context.Canceled, "Update with a cancelled context")
	return nil
}

// errRefused is what the function of a failing update returns.
var errRefused = errors.New("refused by the function")

// failing runs an update whose function returns an error.
func (w *worker) failing() error {
	w.opened()
	defer w.closed()
	err := w.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		return errors.Join(w.putLost(tx), errRefused)
	})
	w.expect(err, errRefused, "Update whose function failed")
	return nil
}

// panicking runs an update whose function panics: the panic must reach the
// caller, and the transaction must be rolled back.
func (w *worker) panicking() (err error) {
	w.opened()
	defer w.closed()
	defer func() {
		cause, _ := recover().(error)
		w.expect(cause, errRefused, "panic in an update")
	}()
	return w.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		panic(errors.Join(w.putLost(tx), errRefused))
	})
}

// endTwice uses both kinds of transaction after their end.
func (w *worker) endTwice() error {
	w.opened()
	defer w.closed()
	tx, err := w.m.Begin(context.Background(), txnmgr.WithLabel("ended twice"))
	if err != nil {
		return err
	}
	err = errors.Join(w.putLost(tx), tx.Rollback())
	w.expect(tx.Rollback(), nil, "second Rollback")
	w.expect(tx.Commit(), txnmgr.ErrTxnDone, "Commit after Rollback")
	w.expect(w.putLost(tx), txnmgr.ErrTxnDone, "Put after Rollback")
	return errors.Join(err, w.closeTwice())
}

func (w *worker) closeTwice() error {
	tx, err := w.m.BeginRead(context.Background(), txnmgr.WithLabel("closed twice"))
	if err != nil {
		return err
	}
	err = tx.Close()
	w.expect(tx.Close(), nil, "second Close")
	_, after := tx.Get(w.anyKey())
	w.expect(after, txnmgr.ErrTxnDone, "Get after Close")
	return err
}

// closings is how many handles closeTogether closes: the two must meet within
// a few instructions to get in each other's way.
const closings = 20

// closeTogether ends copies of one handle on two goroutines at once. One of
// them ends the transaction, and neither may end the one that uses the same
// transaction object next.
func (w *worker) closeTogether() error {
	w.opened()
	defer w.closed()
	for range closings {
		tx, err := w.m.BeginRead(context.Background(), txnmgr.WithLabel("closed together"))
		if err != nil {
			return err
		}
		other := make(chan error)
		go func() { other <- tx.Close() }()
		runtime.Gosched()
		w.expect(tx.Close(), nil, "Close beside another Close")
		w.expect(<-other, nil, "Close beside another Close")
	}
	return nil
}

// expect checks the error of a call on a transaction that has ended.
func (w *worker) expect(got, want error, call string) {
	if !errors.Is(got, want) {
		w.log.Add(EndedHandle, "goroutine %d: %s returned %v, want %v", w.id, call, got, want)
	}
}
