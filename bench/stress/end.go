package stress

import (
	"context"
	"errors"

	"github.com/tierceldb/tiercel/txnmgr"
)

// checkEnd compares what is stored with what the goroutines did, then ends and
// purges everything and compares what is left in memory with what should be.
func (t *trial) checkEnd() {
	t.at(afterWork)
	t.endForgotten()
	live := t.checkContents()
	t.checkOld()
	t.m.Purge()
	held := t.m.Stats()
	t.checkProgress(held)
	t.log.checkChains(held)
	t.report(t.old.Close())
	t.at(beforePurge)
	t.log.Settle(t.m, live, t.peak())
}

// report records an error that nothing explains.
func (t *trial) report(err error) {
	if err != nil {
		t.log.Add(UnexpectedError, "%v", err)
	}
}

// endForgotten ends what the goroutines left open on purpose.
func (t *trial) endForgotten() {
	for _, w := range t.workers {
		for _, end := range w.forgotten {
			t.report(end())
		}
	}
}

// peak bounds how many transactions were open at once: each goroutine at its
// worst, and the reader held open.
func (t *trial) peak() int {
	n := 1
	for _, w := range t.workers {
		n += w.peak
	}
	return n
}

// checkContents compares everything stored with what was committed and returns
// how many keys there are.
func (t *trial) checkContents() (live int64) {
	t.report(t.m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		t.checkCounters(tx)
		t.checkSums(tx)
		t.findLost(tx)
		errs := []error{tx.Err()}
		for _, w := range t.workers {
			errs = append(errs, w.checkRange(tx, w.own.model, OwnRange), w.checkSaved(tx, w.saved))
		}
		for range tx.Scan(nil, nil) {
			live++
		}
		return errors.Join(append(errs, tx.Err())...)
	}))
	return live
}

// checkCounters compares the hot counters with the successful increments.
func (t *trial) checkCounters(r txnmgr.Reader) {
	for i, key := range t.hot {
		want := uint64(0)
		for _, w := range t.workers {
			want += w.increments[i]
		}
		got, err := balance(r, key)
		if err != nil || uint64(got) != want {
			t.log.Add(LostUpdate, "%s holds %d (%v) after %d successful increments", key, got, err, want)
		}
	}
}

// checkSums looks at the constraints that span several keys once more.
func (t *trial) checkSums(r txnmgr.Reader) {
	w := t.workers[0]
	errs := []error{w.countMoney(r)}
	for _, pair := range t.skew {
		_, _, err := w.readPair(r, pair)
		errs = append(errs, err)
	}
	for _, prefix := range t.claims {
		_, err := w.holder(r, prefix)
		errs = append(errs, err)
	}
	t.report(errors.Join(errs...))
}

// checkOld compares the whole store, as the reader held open sees it, with the
// first state.
func (t *trial) checkOld() {
	up := gather(nil, t.old.Scan(nil, nil))
	if err := same(up, t.initial); err != nil {
		t.log.Add(OldReader, "scan of everything at snapshot %d: %v", t.old.Snapshot(), err)
	}
	if err := mirrored(up, gather(nil, t.old.ScanDescending(nil, nil))); err != nil {
		t.log.Add(OldReader, "scans of everything at snapshot %d: %v", t.old.Snapshot(), err)
	}
	t.report(t.old.Err())
}

// checkClose closes the manager, twice, and knocks at its door.
func (t *trial) checkClose() {
	t.report(t.m.Close())
	t.report(t.m.Close())
	tx, err := t.m.BeginRead(context.Background())
	if !errors.Is(err, txnmgr.ErrClosed) {
		t.log.Add(ClosedManager, "BeginRead after Close returned %v, want %v", err, txnmgr.ErrClosed)
		t.report(tx.Close())
	}
	up, err := t.m.Begin(context.Background())
	if !errors.Is(err, txnmgr.ErrClosed) {
		t.log.Add(ClosedManager, "Begin after Close returned %v, want %v", err, txnmgr.ErrClosed)
	}
	if err == nil {
		t.report(up.Rollback())
	}
}
