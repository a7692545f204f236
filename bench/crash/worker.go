package crash

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/txnmgr"
)

// worker runs one transaction after the other.
type worker struct {
	*child
	id      int
	rng     *rand.Rand
	session *history.Session
	buf     []byte

	old   *txn          // a read-only transaction that is left open, or nil
	later chan struct{} // has an element for each commit that is not waited for
}

const (
	// unawaited is how many commits of a worker are not waited for at once at most.
	unawaited = 4
	// averageSteps is how many things a transaction does.
	averageSteps = 4
)

func newWorker(c *child, id int) *worker {
	return &worker{
		child: c, id: id, rng: rand.New(rand.NewPCG(c.load.Seed, uint64(c.load.session(id)))),
		session: history.NewSession(c.load.session(id), c.now), later: make(chan struct{}, unawaited),
	}
}

func (w *worker) chance(percent int) bool { return w.rng.IntN(100) < percent }

// run runs transactions until it is told to stop, and waits for what they left to be
// waited for.
func (w *worker) run() {
	for !w.stopping.Load() {
		switch {
		case w.chance(35):
			w.read()
		case w.chance(10):
			w.update()
		default:
			w.write()
		}
		for _, own := range w.session.Forget() {
			w.failed("%v read %s as %v, and it had written %v", own.Txn, w.keys[own.Key], own.Got, own.Want)
		}
	}
	if w.old != nil {
		w.old.close()
	}
	for range unawaited {
		w.later <- struct{}{}
	}
}

// begin begins to record a transaction.
func (w *worker) record(kind history.Kind, level history.Level) *txn {
	return &txn{worker: w, pending: w.session.Begin(kind, level)}
}

// beginRead begins a read-only transaction; nil if that fails.
func (w *worker) beginRead() *txn {
	t := w.record(history.ReadOnly, history.Serializable)
	tx, err := w.m.BeginRead(context.Background())
	if err != nil {
		t.unexpected("begin", err)
		return nil
	}
	t.r, t.end = tx, tx.Close
	t.pending.Began(tx.Snapshot())
	return t
}

// close ends a read-only transaction.
func (t *txn) close() {
	if err := t.end(); err != nil {
		t.unexpected("close", err)
		return
	}
	if !t.over {
		t.ended(history.Committed)
	}
	t.pending.RolledBack()
}

// ended tells of a transaction that has nothing to commit.
func (t *txn) ended(o history.Outcome) {
	e := event{What: ended, Worker: t.id, Txn: t.pending.SoFar()}
	e.Txn.Outcome, e.Txn.Finish = o, t.now()
	t.tell(e)
}

// read runs a read-only transaction, or goes on with the one that was left open.
func (w *worker) read() {
	if w.old != nil && w.chance(30) {
		w.old.steps(1)
		if w.chance(10) {
			w.old.close()
			w.old = nil
		}
		return
	}
	t := w.beginRead()
	if t == nil {
		return
	}
	t.steps(1 + w.rng.IntN(2*averageSteps))
	if w.old == nil && w.chance(5) {
		w.old = t
		return
	}
	t.close()
}

// level draws an isolation level.
func (w *worker) level() history.Level {
	if w.chance(25) {
		return history.Snapshot
	}
	return history.Serializable
}

// options returns the options of a transaction, and what they promise.
func (w *worker) options(level history.Level) ([]txnmgr.TxnOption, promise) {
	isolation := txnmgr.Serializable
	if level == history.Snapshot {
		isolation = txnmgr.Snapshot
	}
	opts := []txnmgr.TxnOption{txnmgr.WithIsolation(isolation)}
	if w.chance(w.load.Async) {
		return append(opts, txnmgr.WithDurability(txnmgr.Async)), inOrder
	}
	return opts, onDisk
}

// began takes note of an update transaction that has begun.
func (t *txn) began(tx *txnmgr.Txn) {
	t.tx, t.r = tx, tx
	tx.OnCommit(func(ts uint64) { t.commit = ts })
	t.pending.Began(tx.Snapshot())
}

// write runs an update transaction.
func (w *worker) write() {
	level := w.level()
	opts, p := w.options(level)
	t := w.record(history.Update, level)
	tx, err := w.m.Begin(context.Background(), opts...)
	if err != nil {
		t.unexpected("begin", err)
		return
	}
	t.began(tx)
	t.steps(1 + w.rng.IntN(2*averageSteps))
	switch {
	case t.over || w.chance(5):
		t.giveUp()
	case len(t.pending.SoFar().Writes) == 0:
		t.endUnwritten()
	case w.chance(2) && w.finisher.hasRoom():
		t.prepare()
	case w.chance(15):
		t.commitThen()
	default:
		t.settle(p, t.announce(p, tx.Commit))
	}
	if p == inOrder && w.chance(5) {
		w.sync()
	}
}

// giveUp rolls the transaction back.
func (t *txn) giveUp() {
	if err := t.tx.Rollback(); err != nil {
		t.unexpected("rollback", err)
	}
	t.ended(history.RolledBack)
	t.pending.RolledBack()
}

// endUnwritten commits a transaction that has written nothing.
func (t *txn) endUnwritten() {
	if err := t.tx.Commit(); err != nil {
		t.unexpected("commit of a transaction that wrote nothing", err)
		return
	}
	t.ended(history.Committed)
	t.pending.RolledBack()
}

// mark writes who is about to commit, and tells it.
func (t *txn) mark(p promise) error {
	if err := t.tx.Put([]byte(workerMark(t.id)), appendVersion(nil, t.pending.ID())); err != nil {
		return err
	}
	t.tell(event{What: committing, Worker: t.id, Txn: t.pending.SoFar(), Promise: p})
	return nil
}

// announce is mark, and commit behind it.
func (t *txn) announce(p promise, commit func() error) error {
	if err := t.mark(p); err != nil {
		return err
	}
	return commit()
}

// settle tells what became of the transaction, and ends its record.
func (t *txn) settle(p promise, err error) {
	if err == nil {
		t.tell(event{What: committed, ID: t.pending.ID(), Commit: t.commit, At: t.now()})
	} else {
		t.refused(err)
	}
	t.pending.RolledBack()
}

// refused tells of a commit that did not come about.
func (t *txn) refused(err error) {
	if !errors.Is(err, txnmgr.ErrConflict) && !errors.Is(err, txnmgr.ErrDeadlock) {
		t.unexpected("commit", err)
	}
	t.tell(event{What: rolledBack, ID: t.pending.ID(), At: t.now()})
}

// commitThen commits the transaction and does not wait for the disk.
func (t *txn) commitThen() {
	t.later <- struct{}{}
	id := t.pending.ID()
	err := t.announce(onDisk, func() error {
		return t.tx.CommitThen(func(err error) {
			if err != nil {
				t.failed("%v: %v", id, err)
			} else {
				t.tell(event{What: committed, ID: id, Commit: t.commit, At: t.now()})
			}
			<-t.later
		})
	})
	if err != nil {
		t.refused(err)
		<-t.later
	}
	t.pending.RolledBack()
}

// update has the manager run a transaction, as often as it takes.
func (w *worker) update() {
	level := w.level()
	opts, p := w.options(level)
	var t *txn
	next := w.record(history.Update, level)
	err := w.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		if t != nil {
			t.lost()
		}
		t, next = next, nil
		t.began(tx)
		t.steps(1 + w.rng.IntN(2*averageSteps))
		next = w.record(history.Update, level) // before another attempt begins
		if t.over || len(t.pending.SoFar().Writes) == 0 {
			return errGivenUp
		}
		return t.mark(p)
	}, opts...)
	switch {
	case t == nil:
		w.failed("update: %v", err)
	case errors.Is(err, errGivenUp):
		t.ended(history.RolledBack)
		t.pending.RolledBack()
	default:
		t.settle(p, err)
	}
	next.pending.Discard()
}

// errGivenUp ends an attempt that Update is not to commit.
var errGivenUp = errors.New("given up")

// lost ends an attempt after which there is another.
func (t *txn) lost() {
	t.tell(event{What: rolledBack, ID: t.pending.ID(), At: t.now()})
	t.pending.RolledBack()
}

// sync waits for everything that was committed.
func (w *worker) sync() {
	id := history.ID(w.syncs.Inc())
	w.tell(event{What: syncing, ID: id})
	if err := w.m.Sync(context.Background()); err != nil {
		w.failed("sync: %v", err)
		return
	}
	w.tell(event{What: synced, ID: id})
}

// sweep removes the marks of transactions that were prepared in former lives.
func (w *worker) sweep(xids []string) {
	if len(xids) == 0 {
		return
	}
	t := w.record(history.Update, history.Serializable)
	tx, err := w.m.Begin(context.Background())
	if err != nil {
		t.unexpected("begin", err)
		return
	}
	t.began(tx)
	for _, xid := range xids {
		if err := tx.Delete([]byte(markOfPrepared + xid)); err != nil {
			t.unexpected("delete", err)
		}
	}
	t.settle(onDisk, t.announce(onDisk, tx.Commit))
}
