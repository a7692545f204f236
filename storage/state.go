package storage

import "go.uber.org/atomic"

// State is the word that decides what became of an update transaction. All its
// versions point at it while they are pending, so they become visible at once
// or not at all (I3). It is not used again while a version may point at it: it
// is part of an allocation made for one transaction.
//
//	open ──► committed(timestamp)
//	  └────► rolled back
//
// Between open and committed lie the vote and the finish section. They need no
// state of their own: a limit or Close may win until the very CAS that commits,
// and the handle takes no calls while its Commit runs.
type State struct{ word atomic.Uint64 }

const (
	open = iota
	rolledBack
	// Everything above is committed; the timestamp is the word less this.
	committed
)

// IsOpen reports whether the transaction is neither committed nor rolled back.
func (s *State) IsOpen() bool { return s.word.Load() == open }

// Commit moves from open to committed at ts (at least 1). It fails if the
// transaction was ended by a limit or by Close.
func (s *State) Commit(ts uint64) bool { return s.word.CompareAndSwap(open, committed+ts) }

// RollBack moves from open to rolled back. It fails if that has happened already
// or the transaction is committed.
func (s *State) RollBack() bool { return s.word.CompareAndSwap(open, rolledBack) }

// RolledBack reports whether the transaction was rolled back.
func (s *State) RolledBack() bool { return s.word.Load() == rolledBack }

// CommitTS returns the commit timestamp, or 0 if the transaction is not committed.
func (s *State) CommitTS() uint64 {
	if w := s.word.Load(); w > committed {
		return w - committed
	}
	return 0
}
