package crash

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/atomic"
)

// finisher finishes what is prepared, after a while, unless the process is killed
// first.
type finisher struct {
	*child
	mu      sync.Mutex // protects rng
	rng     *rand.Rand
	waiting chan ready
	leave   atomic.Bool // what is left
}

// ready is a prepared transaction.
type ready struct {
	xid string
	txn *txn // nil if it was prepared in a former life
}

const (
	// finishersAtOnce is how many are finished at the same time.
	finishersAtOnce = 2
	// mostPrepared is from how many on none is prepared any more.
	mostPrepared = 8
)

// newFinisher has to finish what was prepared before, too.
func newFinisher(c *child, before []preparedKeys) *finisher {
	f := &finisher{
		child: c, rng: rand.New(rand.NewPCG(c.load.Seed, uint64(c.load.First)<<32)),
		waiting: make(chan ready, mostPrepared+c.load.Workers+len(before)),
	}
	for _, p := range before {
		f.waiting <- ready{xid: p.XID}
	}
	return f
}

// hasRoom reports whether more may be prepared.
func (f *finisher) hasRoom() bool { return len(f.waiting) < mostPrepared }

// draw returns a random number below n.
func (f *finisher) draw(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.IntN(n)
}

// stop has run return when everything is finished that is not to be left. Nobody waits
// for any of it any more.
func (f *finisher) stop() {
	f.leave.Store(f.load.Leave)
	close(f.waiting)
}

// run finishes one after the other.
func (f *finisher) run() {
	for r := range f.waiting {
		if f.leave.Load() {
			return
		}
		if !f.stopping.Load() {
			// Mostly soon, since others wait for its keys.
			wait := time.Duration(f.draw(3)) * time.Millisecond
			if f.draw(8) == 0 {
				wait = time.Duration(f.draw(60)) * time.Millisecond
			}
			<-time.After(wait)
		}
		f.finish(r)
	}
}

// finish commits or rolls back.
func (f *finisher) finish(r ready) {
	e := event{What: finishing, XID: r.xid, Promise: onDisk}
	if f.draw(4) == 0 {
		e.Promise = nothing
	}
	end := &finish{After: f.snapshot()}
	e.At = f.now()
	f.tell(e)
	if err := f.call(r, e.Promise); err != nil {
		f.failed("finishing prepared %s: %v", r.xid, err)
		return
	}
	end.Ended, end.UpTo = f.now(), f.snapshot()
	if r.txn != nil {
		end.Commit = r.txn.commit
	}
	e.What, e.Finish = finished, end
	f.tell(e)
}

// call finishes by the handle or by the xid.
func (f *finisher) call(r ready, p promise) error {
	ctx := context.Background()
	byHandle := r.txn != nil && f.draw(2) == 0
	switch {
	case byHandle && p == nothing:
		return r.txn.tx.Rollback()
	case byHandle:
		return r.txn.tx.Commit()
	case p == nothing:
		return f.m.RollbackPrepared(ctx, r.xid)
	}
	return f.m.CommitPrepared(ctx, r.xid)
}

// snapshot returns what a read-only transaction reads at now.
func (f *finisher) snapshot() uint64 {
	tx, err := f.m.BeginRead(context.Background())
	if err != nil {
		f.failed("begin: %v", err)
		return 0
	}
	defer tx.Close()
	return tx.Snapshot()
}

// prepare prepares the transaction and leaves the rest to the finisher.
func (t *txn) prepare() {
	id := t.pending.ID()
	xid := xidOf(id)
	if err := t.tx.Put([]byte(markOfPrepared+xid), appendVersion(nil, id)); err != nil {
		t.unexpected("put", err)
		return
	}
	t.tell(event{What: preparing, Worker: t.id, XID: xid, Txn: t.pending.SoFar(), Promise: onDisk})
	if err := t.tx.Prepare(context.Background(), xid); err != nil {
		t.refused(err)
	} else {
		t.tell(event{What: isReady, XID: xid})
		t.finisher.waiting <- ready{xid: xid, txn: t}
	}
	t.pending.RolledBack()
}
