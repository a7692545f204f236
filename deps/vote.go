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
// it must have written something. The error is a *Conflict, ErrEnded,
// ErrDeadline, or the context's, which may be nil; the transaction is rolled back then.
//
//  1. vote: in key order, win the lock word of each object written and link a
//     pending version. Who waits for an object holds only smaller keys, so votes
//     wait in no circle. A newest version younger than the snapshot is a conflict.
//  2. finish: the section (section.go) validates, draws the timestamp, and makes
//     the transaction visible.
//  3. stamp the versions, let the lock words go, give the slot back, help purging.
func (m *Manager) Commit(ctx context.Context, r *Record) (uint64, error) {
	if err := m.vote(ctx, r); err != nil {
		return 0, err
	}
	if err := m.finish(r); err != nil {
		m.undo(r, len(r.Writes))
		return 0, err
	}
	ts := r.CommitTS()
	m.release(r, ts)
	m.leave(r)
	m.helpPurge(ts)
	return ts, nil
}

func (m *Manager) vote(ctx context.Context, r *Record) error {
	if len(r.Writes) > 1 {
		slices.SortFunc(r.Writes, func(a, b Write) int {
			return bytes.Compare(a.Object.Key(), b.Object.Key())
		})
	}
	for i := range r.Writes {
		if err := m.own(ctx, r, &r.Writes[i]); err != nil {
			m.undo(r, i)
			return err
		}
	}
	return nil
}

// own wins the object of w and links the version.
func (m *Manager) own(ctx context.Context, r *Record, w *Write) error {
	if err := m.lockFor(ctx, r, w); err != nil {
		return err
	}
	if clash := changed(r, w.Object, WriteWrite); clash != nil {
		clash.Mine = w.Version
		m.unlock(w.Object)
		return clash
	}
	w.Object.Link(w.Version)
	return nil
}

// lockFor wins the lock word of the object with the key of w, which it makes if
// there is none. If that was removed since the transaction looked it up, the
// removal is completed and another one is made.
func (m *Manager) lockFor(ctx context.Context, r *Record, w *Write) error {
	for {
		if w.Object.IsFresh() {
			in := m.Store.Adopt(w.Object)
			if in == w.Object {
				return nil
			}
			w.Object = in
		}
		result, err := m.lock(ctx, r, w.Object)
		if err != nil || result == storage.Locked {
			return err
		}
		m.Store.Forget(w.Object)
		w.Object = storage.NewObject(w.Object.Key(), w.Object.Hash())
	}
}

// undo takes back the vote on the first n objects, and ends the transaction. No
// trace is left (I7): an object that this vote made goes too, unless somebody
// waits for it, who will write it or take it away in turn.
func (m *Manager) undo(r *Record, n int) {
	r.RollBack()
	for i := range r.Writes[:n] {
		w := &r.Writes[i]
		w.Object.Undo(w.Version)
		if w.Object.Head() != nil || !m.Store.Remove(w.Object) {
			m.unlock(w.Object)
		}
	}
	m.leave(r)
}

// release stamps the versions, and then lets go of the objects.
func (m *Manager) release(r *Record, ts uint64) {
	r.Reads = ReadSet{}
	for i := range r.Writes {
		r.Writes[i].Version.Stamp(ts)
	}
	for i := range r.Writes {
		m.unlock(r.Writes[i].Object)
	}
}
