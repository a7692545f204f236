package stress

import (
	"context"
	"errors"
	"fmt"

	"github.com/tierceldb/tiercel/txnmgr"
)

// commitPoint is what OnCommit told about one transaction.
type commitPoint struct {
	snapshot uint64
	ts       uint64
	notices  int
}

// watch asks tx for its commit timestamp.
func (c *commitPoint) watch(tx *txnmgr.Txn) {
	c.snapshot = tx.Snapshot()
	tx.OnCommit(func(ts uint64) {
		c.ts = ts
		c.notices++
	})
}

// problem returns which check the end of a transaction violates, given the
// error of its commit and the commit before it on the same goroutine.
func (c commitPoint) problem(err error, before uint64) (Check, error) {
	switch {
	case err != nil && c.notices != 0:
		return CommitNotice, fmt.Errorf("OnCommit called %d times although the commit failed: %w", c.notices, err)
	case err != nil:
		return 0, nil
	case c.notices != 1:
		return CommitNotice, fmt.Errorf("OnCommit called %d times for one commit", c.notices)
	case c.ts <= c.snapshot:
		return CommitOrder, fmt.Errorf("commit timestamp %d, snapshot %d", c.ts, c.snapshot)
	case c.ts <= before:
		return CommitOrder, fmt.Errorf("commit timestamp %d after %d on the same goroutine", c.ts, before)
	}
	return 0, nil
}

// committed checks what OnCommit told, and makes the commit the least that any
// transaction begun from now on must see.
func (w *worker) committed(at commitPoint, err error) {
	if check, problem := at.problem(err, w.lastCommit); problem != nil {
		w.log.Add(check, "goroutine %d: %v", w.id, problem)
	}
	if err == nil {
		w.lastCommit = max(w.lastCommit, at.ts)
		w.newest.raise(at.ts)
	}
}

// checkFloor compares a snapshot with what was committed before its begin, by
// any goroutine.
func (w *worker) checkFloor(snapshot, floor uint64) {
	if snapshot < floor {
		w.log.Add(RealTime, "goroutine %d: snapshot %d, but %d was committed before the begin", w.id, snapshot, floor)
	}
}

func pointKey(id int) []byte { return fmt.Appendf(nil, "%s%06d", pointPrefix, id) }

// commitPoint commits by hand and looks at once whether it is seen.
func (w *worker) commitPoint() outcome {
	stamp := w.nextStamp()
	at, err := w.commitStamp(stamp)
	w.committed(at, err)
	if err != nil {
		return w.settle(err)
	}
	return w.settle(errors.Join(w.seenByReader(stamp, at.ts), w.seenByUpdate(stamp, at.ts)))
}

func (w *worker) commitStamp(stamp int64) (at commitPoint, err error) {
	tx, err := w.m.Begin(context.Background(), txnmgr.WithLabel("commit point"))
	if err != nil {
		return at, err
	}
	w.opened()
	defer w.closed()
	at.watch(tx)
	if err := tx.Put(pointKey(w.id), w.value(stamp)); err != nil {
		return at, errors.Join(err, tx.Rollback())
	}
	return at, tx.Commit()
}

func (w *worker) seenByReader(stamp int64, ts uint64) error {
	tx, err := w.m.BeginRead(context.Background())
	if err != nil {
		return err
	}
	w.opened()
	defer w.closed()
	return errors.Join(w.checkPoint(tx, stamp, ts), tx.Close())
}

func (w *worker) seenByUpdate(stamp int64, ts uint64) error {
	tx, err := w.m.Begin(context.Background())
	if err != nil {
		return err
	}
	w.opened()
	defer w.closed()
	return errors.Join(w.checkPoint(tx, stamp, ts), tx.Rollback())
}

// checkPoint looks for a commit in a transaction begun after it.
func (w *worker) checkPoint(r txnmgr.Reader, stamp int64, ts uint64) error {
	w.checkFloor(r.Snapshot(), ts)
	got, err := r.Get(pointKey(w.id))
	if err != nil && !errors.Is(err, txnmgr.ErrNotFound) {
		return err
	}
	if err != nil || number(got) != stamp {
		w.log.Add(RealTime, "goroutine %d: read %x (%v) at %d, committed %x at %d",
			w.id, got, err, r.Snapshot(), encode(stamp), ts)
	}
	return nil
}
