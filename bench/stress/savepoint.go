package stress

import (
	"context"
	"errors"
	"fmt"

	"github.com/tierceldb/tiercel/txnmgr"
)

// saveKeys are the keys of one goroutine for writes that are rolled back: kept
// holds its newest committed value, gone never exists.
func saveKeys(id int) (kept, gone []byte) {
	return fmt.Appendf(nil, "%s%06d/kept", savePrefix, id), fmt.Appendf(nil, "%s%06d/gone", savePrefix, id)
}

// savepoints writes, rolls back to a savepoint twice, and commits or not.
func (w *worker) savepoints() outcome {
	tx, err := w.m.Begin(context.Background(), txnmgr.WithLabel("savepoints"))
	if err != nil {
		return w.settle(err)
	}
	w.opened()
	defer w.closed()
	stamp := w.nextStamp()
	err = w.writeAndUndo(tx, stamp)
	if err != nil || w.rng.IntN(4) == 0 {
		return w.settle(errors.Join(err, tx.Rollback()))
	}
	if err = tx.Commit(); err == nil {
		w.saved = stamp
	}
	return w.settle(err)
}

func (w *worker) writeAndUndo(tx *txnmgr.Txn, stamp int64) error {
	kept, gone := saveKeys(w.id)
	if err := tx.Put(kept, w.value(stamp)); err != nil {
		return err
	}
	sp := tx.Savepoint()
	for range 2 {
		err := errors.Join(tx.Put(gone, w.value(lost)), w.spoil(tx, kept))
		if err = errors.Join(err, tx.RollbackTo(sp)); err != nil {
			return err
		}
		if err := w.checkSaved(tx, stamp); err != nil {
			return err
		}
	}
	return nil
}

// spoil replaces or deletes a value, to be rolled back.
func (w *worker) spoil(tx *txnmgr.Txn, key []byte) error {
	if w.rng.IntN(2) == 0 {
		return tx.Delete(key)
	}
	return tx.Put(key, w.value(lost))
}

// checkSaved looks at the goroutine's own savepoint keys.
func (w *worker) checkSaved(r txnmgr.Reader, want int64) error {
	kept, gone := saveKeys(w.id)
	value, err := balance(r, kept)
	if err != nil {
		return err
	}
	trace, err := balance(r, gone)
	if err == nil && (value != want || trace != 0) {
		w.log.Add(RolledBackUnseen, "goroutine %d: %s holds %d at snapshot %d, want %d; %s holds %d, want it absent",
			w.id, kept, value, r.Snapshot(), want, gone, trace)
	}
	return err
}

// traces looks through the keys of all goroutines for a value that was rolled
// back, and at the own ones for the value that was not.
func (w *worker) traces() outcome {
	return w.view(func(tx txnmgr.ReadTxn) error {
		w.findLost(tx)
		return errors.Join(tx.Err(), w.checkSaved(tx, w.saved))
	})
}

func (t *trial) findLost(r txnmgr.Reader) {
	s := prefixed(savePrefix)
	for key, value := range r.Scan(s.lo, s.hi) {
		if number(value) == lost {
			t.log.Add(RolledBackUnseen, "%s holds a value that was rolled back, at snapshot %d", key, r.Snapshot())
		}
	}
}
