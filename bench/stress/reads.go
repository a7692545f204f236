package stress

import (
	"bytes"
	"context"
	"errors"

	"github.com/tierceldb/tiercel/txnmgr"
)

// readTwice reads one key twice in the same transaction.
func (w *worker) readTwice() outcome {
	key := w.anyKey()
	return w.view(func(tx txnmgr.ReadTxn) error {
		first, err := getOrNil(tx, key)
		if err != nil {
			return err
		}
		w.pause()
		second, err := getOrNil(tx, key)
		if err == nil && (!bytes.Equal(first, second) || (first == nil) != (second == nil)) {
			w.log.Add(RepeatableRead, "goroutine %d: %s was %x, then %x at snapshot %d",
				w.id, key, first, second, tx.Snapshot())
		}
		return err
	})
}

// getOrNil returns nil for an absent key. No value of a run is empty.
func getOrNil(r txnmgr.Reader, key []byte) ([]byte, error) {
	value, err := r.Get(key)
	if errors.Is(err, txnmgr.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

// anyKey returns a key that somebody changes.
func (w *worker) anyKey() []byte {
	switch w.rng.IntN(4) {
	case 0:
		return w.hot[w.rng.IntN(len(w.hot))]
	case 1:
		return w.batchOf()[w.rng.IntN(batchKeys)]
	case 2:
		other := w.workers[w.rng.IntN(len(w.workers))].own
		return other.keys[w.rng.IntN(len(other.keys))]
	}
	return w.accounts[w.rng.IntN(len(w.accounts))]
}

// oldReader reads through the handle that all goroutines share and that was
// opened before any of them began.
func (w *worker) oldReader() outcome {
	i := w.rng.IntN(len(w.initial))
	if w.rng.IntN(4) == 0 {
		return w.settle(w.oldAbsent())
	}
	want := w.initial[i:min(i+3, len(w.initial))]
	got := gatherSome(w.up[:0], w.old.Scan(want[0].key, nil), len(want))
	w.up = got
	if err := same(got, want); err != nil {
		w.log.Add(OldReader, "goroutine %d: scan from %s at snapshot %d: %v", w.id, want[0].key, w.old.Snapshot(), err)
	}
	value, err := w.old.Get(want[0].key)
	if err != nil || !bytes.Equal(value, want[0].value) {
		w.log.Add(OldReader, "goroutine %d: %s is %x (%v), was %x", w.id, want[0].key, value, err, want[0].value)
	}
	return w.settle(w.old.Err())
}

// oldAbsent looks for keys that did not exist in the first state.
func (w *worker) oldAbsent() error {
	key := w.own.keys[w.rng.IntN(len(w.own.keys))]
	value, err := w.old.Get(key)
	if !errors.Is(err, txnmgr.ErrNotFound) {
		w.log.Add(OldReader, "goroutine %d: %s is %x (%v), was absent", w.id, key, value, err)
	}
	return nil
}

// openOld opens the reader that is held until the end.
func (t *trial) openOld() (err error) {
	t.old, err = t.m.BeginRead(context.Background(), txnmgr.WithLabel("old reader"))
	return err
}
