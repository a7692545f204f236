package crash

import (
	"github.com/tierceldb/tiercel/internal/history"
)

// life is what is known of one child.
type life struct {
	load   Load
	found  *found
	fates  []*fate // in the order in which they were told of
	byID   map[history.ID]*fate
	synced int    // everything acknowledged up to this event was waited for
	known  uint64 // newest timestamp or snapshot that was told so far
	closed bool

	newest uint64 // timestamp that survived; known when it is known who did
}

// foundBy returns what a child has found when it opened the store, nil if it did not
// get as far as that.
func foundBy(events []*event) *found {
	for _, e := range events {
		if e.What == opened {
			return e.Found
		}
	}
	return nil
}

// newLife makes a life of what a child has said. What is prepared is in prepared, also
// that of former lives.
func newLife(load Load, events []*event, prepared map[string]*fate) *life {
	l := &life{load: load, found: foundBy(events), byID: map[history.ID]*fate{}}
	syncs := map[history.ID]int{}
	for n, e := range events {
		switch e.What {
		case closed:
			l.closed = true
		case syncing:
			syncs[e.ID] = n
		case synced:
			l.synced = max(l.synced, syncs[e.ID])
		case preparing, isReady, finishing, finished:
			l.twoPhase(n, e, prepared)
		default:
			l.onePhase(n, e)
		}
		if l.known = max(l.known, e.Commit, e.Txn.Snapshot); e.Finish != nil {
			l.known = max(l.known, e.Finish.Commit, e.Finish.UpTo)
		}
	}
	return l
}

// add begins to keep a transaction.
func (l *life) add(f *fate) *fate {
	l.fates = append(l.fates, f)
	l.byID[f.txn.ID] = f
	return f
}

// onePhase takes an event of a transaction that is not prepared.
func (l *life) onePhase(n int, e *event) {
	switch e.What {
	case ended:
		f := l.add(&fate{txn: e.Txn, worker: e.Worker})
		if e.Txn.Outcome == history.RolledBack {
			f.stage = isBack
		}
	case committing:
		l.add(&fate{txn: e.Txn, worker: e.Worker, promise: e.Promise, stage: wanting, upTo: never})
	case committed:
		f := l.byID[e.ID]
		f.acked, f.ack, f.stage = true, n, isOver
		f.txn.Commit, f.txn.Finish = e.Commit, e.At
	case rolledBack:
		f := l.byID[e.ID]
		f.stage, f.txn.Finish = isBack, e.At
	}
}

// twoPhase takes an event of a transaction that is.
func (l *life) twoPhase(n int, e *event, prepared map[string]*fate) {
	f := prepared[e.XID]
	switch e.What {
	case preparing:
		f = l.add(&fate{txn: e.Txn, worker: e.Worker, stage: preparingIt, xid: e.XID, upTo: never})
		prepared[e.XID] = f
	case isReady:
		f.stage = standing
	case finishing:
		f.stage, f.promise, f.after = inDoubt, e.Promise, l.known
		if l.byID[f.txn.ID] == nil {
			f.guest, f.upTo = true, never
			f.txn.Start = e.At
			l.add(f)
		}
	case finished:
		f.acked, f.ack, f.stage = true, n, isOver
		f.txn.Finish = e.Finish.Ended
		if f.promise == nothing {
			f.stage = isBack
			return
		}
		f.txn.Commit, f.after, f.upTo = e.Finish.Commit, max(f.after, e.Finish.After), e.Finish.UpTo
	}
}
