package stress

import (
	"bytes"

	"github.com/tierceldb/tiercel/txnmgr"
)

// batchOf returns a group of keys that are always written together.
func (w *worker) batchOf() [][]byte { return w.trial.batch[w.rng.IntN(batchGroups)] }

// batch writes one stamp to all keys of a group, beginning anywhere.
func (w *worker) batch() outcome {
	group, first := w.batchOf(), w.rng.IntN(batchKeys)
	stamp := w.nextStamp()
	return w.update(func(tx *txnmgr.Txn) error {
		for i := range group {
			if err := tx.Put(group[(first+i)%batchKeys], w.value(stamp)); err != nil {
				return err
			}
			w.pause()
		}
		return nil
	}, txnmgr.WithLabel("batch"))
}

// batchRead reads all keys of a group, beginning anywhere.
func (w *worker) batchRead() outcome {
	group, first := w.batchOf(), w.rng.IntN(batchKeys)
	return w.view(func(tx txnmgr.ReadTxn) error {
		want, err := tx.Get(group[first])
		for i := 1; i < batchKeys && err == nil; i++ {
			w.pause()
			var got []byte
			key := group[(first+i)%batchKeys]
			if got, err = tx.Get(key); err == nil && !bytes.Equal(got, want) {
				w.log.Add(AtomicCommit, "goroutine %d: %s is %x, but %s of the same transaction is %x, at snapshot %d",
					w.id, group[first], want, key, got, tx.Snapshot())
			}
		}
		return err
	})
}
