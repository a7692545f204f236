package stress

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tierceldb/tiercel/txnmgr"
)

// ownRange is a range of keys that one goroutine inserts into and deletes
// from, with what must be in it.
type ownRange struct {
	span
	keys  [][]byte
	model []int64 // committed values; 0: absent
	draft []int64 // the same in the current attempt of the current transaction
}

func newOwnRange(id, n int) *ownRange {
	prefix := fmt.Sprintf("%s%06d/", churnPrefix, id)
	return &ownRange{span: prefixed(prefix), keys: keys(prefix, n), model: make([]int64, n), draft: make([]int64, n)}
}

// entries lists what a scan must yield if the range holds values.
func (o *ownRange) entries(values []int64) []entry {
	var list []entry
	for i, v := range values {
		if v != 0 {
			list = append(list, entry{o.keys[i], encode(v)})
		}
	}
	return list
}

// churn inserts, replaces and deletes a few keys of the own range.
func (w *worker) churn() outcome {
	o := w.update(func(tx *txnmgr.Txn) error {
		copy(w.own.draft, w.own.model)
		for range 1 + w.rng.IntN(3) {
			if err := w.churnOne(tx, w.rng.IntN(len(w.own.keys))); err != nil {
				return err
			}
			w.pause()
		}
		if w.rng.IntN(8) == 0 {
			return w.checkRange(tx, w.own.draft, OwnWrites)
		}
		return nil
	}, txnmgr.WithLabel("churn"))
	if o == ended {
		copy(w.own.model, w.own.draft)
	}
	return o
}

func (w *worker) churnOne(tx *txnmgr.Txn, i int) error {
	key, draft := w.own.keys[i], w.own.draft
	if draft[i] != 0 && w.rng.IntN(2) == 0 {
		draft[i] = 0
		if err := tx.Delete(key); err != nil {
			return err
		}
		return w.checkKey(tx, i, draft, OwnWrites)
	}
	stamp := w.nextStamp()
	err := tx.Insert(key, w.value(stamp))
	if exists := errors.Is(err, txnmgr.ErrExists); exists != (draft[i] != 0) && (err == nil || exists) {
		w.log.Add(InsertExists, "goroutine %d: Insert of %s returned %v, the key holds %d", w.id, key, err, draft[i])
	}
	if errors.Is(err, txnmgr.ErrExists) {
		err = tx.Put(key, w.value(stamp))
	}
	if err != nil {
		return err
	}
	draft[i] = stamp
	return w.checkKey(tx, i, draft, OwnWrites)
}

// churnRead compares the own range with the model, in a transaction of its own.
func (w *worker) churnRead() outcome {
	return w.view(func(tx txnmgr.ReadTxn) error {
		for range 4 {
			if err := w.checkKey(tx, w.rng.IntN(len(w.own.keys)), w.own.model, OwnRange); err != nil {
				return err
			}
		}
		return w.checkRange(tx, w.own.model, OwnRange)
	})
}

// checkKey compares one key with what must be in it.
func (w *worker) checkKey(r txnmgr.Reader, i int, want []int64, check Check) error {
	got, err := balance(r, w.own.keys[i])
	if err == nil && got != want[i] {
		w.log.Add(check, "goroutine %d: %s holds %d at snapshot %d, want %d (0: absent)",
			w.id, w.own.keys[i], got, r.Snapshot(), want[i])
	}
	return err
}

// checkRange compares scans in both directions with what must be there.
func (w *worker) checkRange(r txnmgr.Reader, want []int64, check Check) error {
	list := w.own.entries(want)
	w.up = gather(w.up[:0], r.Scan(w.own.lo, w.own.hi))
	w.down = gather(w.down[:0], r.ScanDescending(w.own.lo, w.own.hi))
	if err := r.Err(); err != nil {
		return err
	}
	if err := same(w.up, list); err != nil {
		w.log.Add(check, "goroutine %d: scan of %s at snapshot %d: %v", w.id, w.own.lo, r.Snapshot(), err)
	}
	slices.Reverse(w.down)
	if err := same(w.down, list); err != nil {
		w.log.Add(check, "goroutine %d: descending scan of %s at snapshot %d: %v", w.id, w.own.lo, r.Snapshot(), err)
	}
	return nil
}
