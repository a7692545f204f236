package stress

import (
	"fmt"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Both kinds of this file break under snapshot isolation, where two
// transactions may each keep the constraint and break it together. They ask
// for Serializable themselves, whatever the run is set to.

// skew withdraws from one of two keys as long as their sum allows it, or else
// fills both up again. Their sum never falls below 0.
func (w *worker) skew() outcome {
	pair := w.trial.skew[w.rng.IntN(skewPairs)]
	if w.rng.IntN(3) == 0 {
		return w.view(func(tx txnmgr.ReadTxn) error {
			_, _, err := w.readPair(tx, pair)
			return err
		})
	}
	side := w.rng.IntN(2)
	return w.update(func(tx *txnmgr.Txn) error {
		x, y, err := w.readPair(tx, pair)
		if err != nil {
			return err
		}
		w.pause()
		return w.withdraw(tx, pair, [2]int64{x, y}, side)
	}, txnmgr.WithIsolation(txnmgr.Serializable), txnmgr.WithLabel("skew"))
}

// withdraw takes two from one side if both together hold that much.
func (w *worker) withdraw(tx *txnmgr.Txn, pair [2][]byte, have [2]int64, side int) error {
	if have[0]+have[1] >= 2 {
		return tx.Put(pair[side], w.value(have[side]-2))
	}
	if err := tx.Put(pair[0], w.value(1)); err != nil {
		return err
	}
	return tx.Put(pair[1], w.value(1))
}

// readPair reads both keys and checks the constraint.
func (w *worker) readPair(r txnmgr.Reader, pair [2][]byte) (x, y int64, err error) {
	if x, err = balance(r, pair[0]); err != nil {
		return x, y, err
	}
	if y, err = balance(r, pair[1]); err != nil {
		return x, y, err
	}
	if x+y < 0 {
		w.log.Add(WriteSkew, "goroutine %d: %s + %s = %d + %d at snapshot %d, never below 0 in any serial order",
			w.id, pair[0], pair[1], x, y, r.Snapshot())
	}
	return x, y, nil
}

// claim inserts a key into an empty range, or takes away the one that is in it.
// There are never two.
func (w *worker) claim() outcome {
	prefix := w.claims[w.rng.IntN(claimRanges)]
	mine := fmt.Appendf(nil, "%s%06d", prefix, w.id)
	return w.update(func(tx *txnmgr.Txn) error {
		holder, err := w.holder(tx, prefix)
		if err != nil {
			return err
		}
		w.pause()
		if holder == nil {
			return tx.Insert(mine, w.value(int64(w.id)))
		}
		return tx.Delete(holder)
	}, txnmgr.WithIsolation(txnmgr.Serializable), txnmgr.WithLabel("claim"))
}

// holder returns the key in the range, nil if there is none, and checks that
// there are not two.
func (w *worker) holder(r txnmgr.Reader, prefix []byte) ([]byte, error) {
	w.up = gather(w.up[:0], r.Scan(prefix, txnmgr.PrefixEnd(prefix)))
	if err := r.Err(); err != nil || len(w.up) == 0 {
		return nil, err
	}
	if len(w.up) > 1 {
		w.log.Add(Phantom, "goroutine %d: %v hold %s together at snapshot %d", w.id, w.up, prefix, r.Snapshot())
	}
	return w.up[0].key, nil
}
