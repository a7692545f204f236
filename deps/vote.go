package deps

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/tierceldb/tiercel/storage"
)

// ErrEnded says that the transaction was ended from outside before it was
// committed; the slot has the cause.
var ErrEnded = errors.New("deps: transaction ended from outside")

// Commit commits r and returns the commit timestamp. Its state must be open, and
// it must have written something. The error is a *Conflict, a *Deadlock, ErrEnded,
// ErrDeadline, or the context's, which may be nil; the transaction is rolled back then.
//
//  1. vote: in key order, win the lock word of each object written and link a
//     pending version. Who waits for an object holds only smaller keys, so votes
//     wait in no circle. A newest version younger than the snapshot is a conflict.
//  2. finish: the section (section.go) validates, draws the timestamp, and makes
//     the transaction visible.
//  3. stamp the versions, let the lock words go, give the slot back, help purging.
func (m *Manager) Commit(ctx context.Context, r *Record) (uint64, error) {
	if err := m.voteAndPass(passage{record: r, why: committing}, &Patience{Txn: ctx}); err != nil {
		return 0, err
	}
	ts := r.CommitTS()
	m.release(r, ts)
	m.leave(r)
	m.helpPurge(ts)
	return ts, nil
}

// voteAndPass takes p through the vote and the section, and ends it if that fails.
// If a prepared transaction has read what r writes, r takes the whole vote back,
// waits for the end of that one, holding nothing but what it locked before its
// vote, and votes again.
func (m *Manager) voteAndPass(p passage, patience *Patience) error {
	r := p.record
	if h := r.held.Load(); h != nil {
		h.beforeVote = int(h.n.Load())
		h.setAlone(true)
		if r.RolledBack() { // and perhaps nothing is held any more
			m.endUnvoted(r)
			return ErrEnded
		}
	}
	for {
		if err := m.vote(r, patience); err != nil {
			return err
		}
		v, err := m.finish(p)
		if err != nil {
			m.findBase(r, err)
			m.undo(r, len(r.Writes))
			return err
		}
		if v.outcome == passed {
			return nil
		}
		m.takeBack(r, len(r.Writes))
		if err := m.waitForEnd(r, v.by, patience); err != nil {
			m.endUnvoted(r)
			return err
		}
	}
}

func (m *Manager) vote(r *Record, p *Patience) error {
	if len(r.Writes) > 1 {
		slices.SortFunc(r.Writes, func(a, b Write) int {
			return bytes.Compare(a.Object.Key(), b.Object.Key())
		})
	}
	if err := m.enterStore(r, p); err != nil {
		m.endUnvoted(r)
		return err
	}
	for i := range r.Writes {
		if err := m.own(r, &r.Writes[i], p); err != nil {
			m.findBase(r, err)
			m.undo(r, i)
			return err
		}
	}
	return nil
}

// enterStore locks the whole store if that is what commits lock, and else makes
// sure that nobody else has.
func (m *Manager) enterStore(r *Record, p *Patience) error {
	h := r.held.Load()
	switch {
	case m.granularity == NoLocks, h != nil && h.exempt:
		return nil
	case m.granularity == CoarseLock:
		_, err := m.lockForVote(r, m.whole, storage.Update, p)
		return err
	case !m.whole.IsLocked():
		return nil
	}
	if _, err := m.acquire(r, m.whole, storage.Unlocked, storage.KeyShare, p); err != nil {
		return err
	}
	m.lower(m.whole, storage.KeyShare, storage.Unlocked)
	return nil
}

// findBase completes a conflict whose Base is in no chain, but in the engine: while
// the snapshot is active, what it sees can be found.
func (m *Manager) findBase(r *Record, err error) {
	var c *Conflict
	if m.Store.HasEngine() && errors.As(err, &c) && c.Base == nil {
		_, c.Base, _ = m.Store.Find(context.Background(), c.Object.Key(), c.Object.Hash(), r.Snapshot) // what cannot be read is not told
	}
}

// own wins the object of w and links the version.
func (m *Manager) own(r *Record, w *Write, p *Patience) error {
	if err := m.lockFor(r, w, p); err != nil {
		return err
	}
	m.Store.Enlist(w.Object)
	if clash := changed(r, w.Object, WriteWrite); clash != nil {
		clash.Mine = w.Version
		if m.granularity == ObjectLocks && r.held.Load() == nil {
			m.lower(w.Object, w.Object.Exclusively(), storage.Unlocked)
		}
		return clash
	}
	w.Object.Link(w.Version)
	return nil
}

// lockFor wins the lock word of the object with the key of w, which it makes if
// there is none. If that was removed since the transaction looked it up, the
// removal is completed and another one is made.
func (m *Manager) lockFor(r *Record, w *Write, p *Patience) error {
	for {
		if w.Object.IsFresh() {
			in := m.Store.Adopt(w.Object)
			if in == w.Object {
				m.keepFresh(r, in)
				return nil
			}
			w.Object = in
		}
		if m.granularity == ObjectLocks {
			result, err := m.lockForVote(r, w.Object, w.mode(&r.State), p)
			if err != nil || result == storage.Locked {
				return err
			}
		} else if !w.Object.IsDead() {
			return nil
		}
		w.Object = m.successor(w.Object)
	}
}

// mode returns how the object has to be locked for the write. That it has a value
// may change until it is locked, but then there is a newer version, and a conflict.
func (w *Write) mode(own *storage.State) storage.LockMode {
	if w.Version.Tombstone() {
		return storage.Update
	}
	if v, _ := storage.Newest(w.Object.Head(), own); !v.HasValue() {
		return storage.Update
	}
	return storage.NoKeyUpdate
}

// lockForVote locks o. Who has locked something before the vote has everything in
// one list.
func (m *Manager) lockForVote(r *Record, o *storage.Object, mode storage.LockMode, p *Patience) (storage.LockResult, error) {
	if h := r.held.Load(); h != nil {
		return m.lockMore(r, h, o, mode, p)
	}
	return m.acquire(r, o, storage.Unlocked, mode, p)
}

// keepFresh makes a lock of the vote of the one that a new object comes with.
func (m *Manager) keepFresh(r *Record, o *storage.Object) {
	if m.granularity != ObjectLocks {
		o.Lower(storage.Update, storage.Unlocked)
	} else if h := r.held.Load(); h != nil {
		h.add(holding{object: o, mode: storage.Update}, &m.lists)
	}
}

// undo takes back the vote on the first n objects, and ends the transaction. No
// trace is left (I7): an object that this vote made goes too, unless somebody
// waits for it, who will write it or take it away in turn.
func (m *Manager) undo(r *Record, n int) {
	r.RollBack()
	m.takeBack(r, n)
	m.letGo(r)
	m.leave(r)
}

// endUnvoted is undo without a vote.
func (m *Manager) endUnvoted(r *Record) {
	r.RollBack()
	m.letGo(r)
	m.leave(r)
}

// takeBack takes back the vote on the first n objects, and lets go what it locked.
func (m *Manager) takeBack(r *Record, n int) {
	for i := range r.Writes[:n] {
		r.Writes[i].Object.Undo(r.Writes[i].Version)
	}
	m.unlockVote(r, n)
}

// unlockVote lets go what the vote locked for the first n objects.
func (m *Manager) unlockVote(r *Record, n int) {
	if m.granularity != ObjectLocks {
		for i := range r.Writes[:n] {
			m.removeEmpty(r.Writes[i].Object)
		}
	}
	if h := r.held.Load(); h != nil {
		m.UnlockTo(r, h.beforeVote)
		return
	}
	switch m.granularity {
	case ObjectLocks:
		for i := range r.Writes[:n] {
			o := r.Writes[i].Object
			m.lower(o, o.Exclusively(), storage.Unlocked)
		}
	case CoarseLock:
		m.lower(m.whole, storage.Update, storage.Unlocked)
	case NoLocks:
	}
}

// removeEmpty removes an object without versions, if nobody holds it.
func (m *Manager) removeEmpty(o *storage.Object) {
	if o.Head() == nil && o.TryLock(storage.Unlocked, storage.Update) == storage.Locked && !m.Store.Remove(o) {
		m.lower(o, storage.Update, storage.Unlocked)
	}
}

// release stamps the versions, and then lets go of the objects.
func (m *Manager) release(r *Record, ts uint64) {
	r.Reads = ReadSet{}
	for i := range r.Writes {
		r.Writes[i].Version.Stamp(ts)
	}
	m.unlockVote(r, len(r.Writes))
	m.letGo(r)
}
