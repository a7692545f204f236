package stress

import "github.com/tierceldb/tiercel/txnmgr"

// increment adds one to two hot counters, in whatever order they are drawn, so
// that two such transactions may each hold what the other wants.
func (w *worker) increment() outcome {
	i := w.rng.IntN(len(w.hot))
	j := w.rng.IntN(len(w.hot))
	o := w.update(func(tx *txnmgr.Txn) error {
		if err := w.addOne(tx, i); err != nil || i == j {
			return err
		}
		w.pause()
		return w.addOne(tx, j)
	}, w.eitherWay(), txnmgr.WithLabel("increment"))
	if o != ended {
		return o
	}
	w.increments[i]++
	if i != j {
		w.increments[j]++
	}
	return o
}

func (w *worker) addOne(tx *txnmgr.Txn, i int) error {
	value, err := tx.Get(w.hot[i])
	if err != nil {
		return err
	}
	return tx.Put(w.hot[i], w.value(number(value)+1))
}
