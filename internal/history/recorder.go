package history

import "github.com/tierceldb/tiercel/internal/pad"

// Recorder makes the history of a run. Each goroutine records in a session of its
// own, which shares nothing with the others; nothing is locked.
//
// The store keeps the versions that Pending.NewVersion hands out as values (or at the
// beginning of them), so that each read tells whose write it returned.
type Recorder struct {
	sessions []*Session
	before   []Read
	after    uint64
}

// NewRecorder returns a recorder for a number of sessions, up to MaxSession+1. The
// clock must never go back, in whatever goroutine it is read.
func NewRecorder(sessions int, clock func() int64) *Recorder {
	r := new(Recorder)
	for n := range sessions {
		r.sessions = append(r.sessions, &Session{id: uint16(n), clock: clock})
	}
	return r
}

// Session returns a session, for the use of one goroutine.
func (r *Recorder) Session(n int) *Session { return r.sessions[n] }

// Cut returns what was recorded since the last Cut. No session may be in use, and no
// transaction open; so the parts can be checked one by one, and show all that the
// whole would.
func (r *Recorder) Cut() *History {
	h := &History{Before: r.before, After: r.after}
	n := 0
	for _, s := range r.sessions {
		n += len(s.txns)
	}
	h.Txns = make([]Txn, 0, n)
	for _, s := range r.sessions {
		h.Txns = append(h.Txns, s.txns...)
		h.Own = append(h.Own, s.own...)
		s.forget()
	}
	r.before, r.after = h.left()
	return h
}

// Left returns the values that keys had at the last Cut.
func (r *Recorder) Left() []Read { return r.before }

// left returns the values that keys have at the end, and the newest timestamp.
func (h *History) left() (values []Read, newest uint64) {
	newest = h.After
	now := make([]Version, countKeys(h))
	for _, r := range h.Before {
		now[r.Key] = r.Version
	}
	for _, i := range inCommitOrder(h.Txns) {
		t := &h.Txns[i]
		newest = max(newest, t.Commit)
		for _, w := range t.Writes {
			now[w.Key] = t.ID.version(w.Seq)
			if w.Tombstone {
				now[w.Key] = 0
			}
		}
	}
	for k, v := range now {
		if v != 0 {
			values = append(values, Read{Key(k), v})
		}
	}
	return values, newest
}

// Session records the transactions of one goroutine. Several may be open at once.
type Session struct {
	_ pad.Line

	id     uint16
	number uint32
	clock  func() int64
	free   []*Pending

	// Since the last Cut.
	txns   []Txn
	own    []OwnRead
	reads  arena[Read]
	empty  arena[Range]
	writes arena[Write]

	_ pad.Line
}

// NewSession returns a session that is part of no recorder, for those who take what
// it records from Pending.SoFar and keep it themselves. The clock is that of
// NewRecorder.
func NewSession(id uint16, clock func() int64) *Session { return &Session{id: id, clock: clock} }

// Forget forgets what was recorded of transactions that have ended, and returns the
// wrong answers about what they had written themselves.
func (s *Session) Forget() []OwnRead {
	wrong := s.own
	s.forget()
	return wrong
}

// forget lets go of what was recorded. The transactions are copied by then.
func (s *Session) forget() {
	clear(s.txns)
	s.txns, s.own = s.txns[:0], nil
	s.reads, s.empty, s.writes = arena[Read]{}, arena[Range]{}, arena[Write]{}
}

// arena keeps small slices in large ones.
type arena[T any] struct{ block []T }

// blockSize is how many elements a block has at least.
const blockSize = 2048

// keep returns a copy of all.
func (a *arena[T]) keep(all []T) []T {
	if len(all) == 0 {
		return nil
	}
	if cap(a.block)-len(a.block) < len(all) {
		a.block = make([]T, 0, max(blockSize, len(all)))
	}
	n := len(a.block)
	a.block = append(a.block, all...)
	return a.block[n:len(a.block):len(a.block)]
}
