package durable

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/redo"
)

// kept is the record of a prepared transaction in the log. The log is not truncated
// there until the end of the transaction is in the log too; if that takes long, the
// record is written once more, at the young end.
type kept struct {
	prepared *deps.Prepared
	payload  []byte
	room     int64 // reserved for its commit

	_       pad.Align64
	segment atomic.Uint64 // of the log that has the record, or an earlier one
	written atomic.Bool
	dropped atomic.Bool // it is over without a commit, or about to be
}

// isOver reports whether the log has the end of the transaction up to commit timestamp
// ts, or hears soon that there is no commit.
func (k *kept) isOver(ts uint64) bool {
	commit := k.prepared.Record().CommitTS()
	return k.dropped.Load() || commit != 0 && commit <= ts
}

// ErrNotLogged says that the log has nothing of a transaction that was to be prepared.
var ErrNotLogged = errors.New("durable: not prepared")

// register has the prepared transactions that the log has records of.
type register struct {
	mu  sync.Mutex // protects following field
	all []*kept
}

func (g *register) add(k *kept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, k)
}

// find returns what is kept of p, or nil.
func (g *register) find(p *deps.Prepared) *kept {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range g.all {
		if k.prepared == p {
			return k
		}
	}
	return nil
}

// remove returns what was kept of p, or nil.
func (g *register) remove(p *deps.Prepared) (of *kept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = slices.DeleteFunc(g.all, func(k *kept) bool {
		if k.prepared == p {
			of = k
		}
		return k.prepared == p
	})
	return of
}

// before returns those whose record may be in a segment of the log before this one.
func (g *register) before(segment uint64) (old []*kept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range g.all {
		if k.segment.Load() < segment && k.written.Load() {
			old = append(old, k)
		}
	}
	return old
}

// oldest returns the first segment of the log that may have a record of one that was
// added.
func (g *register) oldest() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := uint64(math.MaxUint64)
	for _, k := range g.all {
		first = min(first, k.segment.Load())
	}
	return first
}

// needed returns the first segment of the log that has, or will have, the record of a
// prepared transaction: one that is added from now on is written no earlier than in the
// segment that is the current one before the others are looked at. So nobody who prepares
// or finishes waits while the segments before it are given up.
func (s *Store) needed() uint64 {
	current := s.log.Stats().Current
	return min(current, s.prepared.oldest())
}

// LogPrepared makes the prepared p survive a crash, and returns when it does. The
// error is that of Wait, or else matches ErrNotLogged: then nothing was written.
func (s *Store) LogPrepared(p *deps.Prepared) error {
	if s.log == nil {
		s.throttle.giveBack(weight(p.Record())) // it may stay for long
		return nil
	}
	payload := encodePrepared(p)
	// What its commit takes stays reserved, so that it cannot fail; its own record is
	// not in front of the commits that have reserved theirs.
	room, err := commitlog.Need(len(payload)), error(nil)
	if room > commitlog.MaxPayload {
		err = fmt.Errorf("%w: prepared it takes %d bytes, and %d are possible", ErrTooLarge, room, commitlog.MaxPayload)
	} else {
		err = s.reserve(room)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	defer s.log.Release(room)
	k := &kept{prepared: p, payload: payload, room: p.Record().Room}
	k.segment.Store(s.log.Stats().Current)
	s.prepared.add(k)
	s.throttle.giveBack(weight(p.Record())) // it may stay for long
	return s.waitNote(&note{payload: payload, of: k})
}

// waitNote writes the note and returns when it is on the disk.
func (s *Store) waitNote(n *note) error {
	s.writer.leave(n)
	if s.writer.enter() {
		s.writer.round()
		s.writer.busy.Store(false)
		s.writer.nudge()
	}
	<-n.done
	return n.err
}

// Finishing is called when the prepared p is about to commit: it counts again with
// what the engine does not have.
func (s *Store) Finishing(p *deps.Prepared) {
	if p.Wrote() {
		s.throttle.add(weight(p.Record()))
	}
}

// Finished returns when the commit of p at ts, or its end if it wrote nothing, is
// durable. The error is that of Wait.
func (s *Store) Finished(p *deps.Prepared, ts uint64) error {
	if s.log == nil {
		s.applier.wakeIdle()
		return nil
	}
	if !p.Wrote() {
		return s.WaitNotes()
	}
	if err := s.Wait(ts); err != nil {
		return err
	}
	s.prepared.remove(p)
	return nil
}

// Dropped has the log say, some time soon, that p was not committed: before all commits
// that are not visible yet. It does not wait. It may come beside Close, or after it: then
// the log does not say so, and p is prepared again by the next Open.
func (s *Store) Dropped(p *deps.Prepared) {
	if s.log == nil {
		return
	}
	if k := s.prepared.find(p); k != nil {
		k.dropped.Store(true) // before the log says so, or it might be written once more behind that
	}
	n := &note{payload: redo.AppendDropped(redo.AppendHeader(nil), p.XID)}
	s.writer.leave(n)
	s.errands.run(func() {
		<-n.done
		if k := s.prepared.remove(p); k != nil {
			s.log.Release(k.room)
		}
	})
}

// WaitNotes returns when what Dropped has left to be written is on the disk. The
// error is that of Wait.
func (s *Store) WaitNotes() error {
	if s.log == nil {
		return nil
	}
	return s.waitNote(&note{})
}

// encodePrepared returns the payload that restores p.
func encodePrepared(p *deps.Prepared) []byte {
	r := p.Record()
	locks := r.LocksOf()
	var keys []*storage.Object
	r.Reads.Keys(func(o *storage.Object) { keys = append(keys, o) })
	ranges := r.Reads.Ranges()
	buf := redo.AppendPrepare(redo.AppendHeader(nil), redo.Preparation{
		XID: p.XID, Label: r.Label(), Since: p.Since.UnixNano(), Limit: p.Limit,
		Writes: len(r.Writes), Locks: len(locks), Keys: len(keys), Ranges: len(ranges),
	})
	buf = appendWrites(buf, r.Writes)
	for _, l := range locks {
		buf = redo.AppendLock(buf, l.Object.Key(), byte(l.Mode))
	}
	for _, o := range keys {
		buf = redo.AppendKey(buf, o.Key())
	}
	for _, r := range ranges {
		buf = redo.AppendRange(buf, redo.Range{Lo: r.Lo, Hi: r.Hi, Closed: r.Closed})
	}
	return buf
}

// restore makes what the log says of a prepared transaction one again.
func (s *Store) restore(rec *redo.Record, payload []byte) *kept {
	store, r := s.deps.Store, new(deps.Record)
	if len(rec.Label) > 0 {
		r.About = &deps.About{Label: string(rec.Label)}
	}
	object := func(key []byte) *storage.Object {
		hash := store.Hash(key)
		if o := store.Lookup(key, hash); o != nil {
			return o
		}
		return storage.NewObject(key, hash)
	}
	for _, w := range rec.Writes {
		v := storage.NewTombstone(&r.State)
		if !w.Delete {
			v = storage.NewVersion(w.Value, &r.State)
		}
		r.Add(deps.Write{Object: object(w.Key), Version: v})
	}
	for _, key := range rec.Keys {
		r.Reads.AddAbsent(key, store.Hash(key))
	}
	for _, x := range rec.Ranges {
		r.Reads.AddRange(deps.Range{Lo: slices.Clone(x.Lo), Hi: slices.Clone(x.Hi), Closed: x.Closed})
	}
	r.Room = roomOf(string(rec.XID), r.Writes)
	p := &deps.Prepared{XID: string(rec.XID), Since: time.Unix(0, rec.Since), Limit: rec.Limit}
	var locked []deps.Locked
	for _, l := range rec.Locks {
		locked = append(locked, deps.Locked{Object: object(l.Key), Mode: storage.LockMode(l.Mode)})
	}
	p.Drop = func() { s.Dropped(p) }
	s.deps.RecoveredPrepared(p, r, locked)
	k := &kept{prepared: p, payload: payload, room: r.Room}
	k.segment.Store(s.log.Stats().Oldest)
	k.written.Store(true)
	return k
}
