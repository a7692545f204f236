package storage

import (
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// State is the word that decides what became of an update transaction. All its
// versions point at it while they are pending, so they become visible at once
// or not at all (I3). It is not used again while a version may point at it: it
// is part of an allocation made for one transaction.
//
//	open ──► committed(timestamp)
//	  ├────► rolled back
//	  ├────► ended by force, which is rolled back by another than its owner
//	  └────► prepared ──► committed(timestamp) or rolled back
//
// Between open and committed lie the vote and the finish section. They need no
// state of their own: a limit or Close may win until the very CAS that commits,
// and the handle takes no calls while its Commit runs.
type State struct {
	_    pad.Align64
	word atomic.Uint64
}

const (
	open = iota
	rolledBack
	forced
	prepared
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

// Force is RollBack by another than the owner.
func (s *State) Force() bool { return s.word.CompareAndSwap(open, forced) }

// RolledBack reports whether the transaction was rolled back, by whomever.
func (s *State) RolledBack() bool { w := s.word.Load(); return w == rolledBack || w == forced }

// IsForced reports whether the transaction was rolled back by another than its owner.
func (s *State) IsForced() bool { return s.word.Load() == forced }

// Prepare moves from open to prepared. It fails like Commit.
func (s *State) Prepare() bool { return s.word.CompareAndSwap(open, prepared) }

// IsPrepared reports whether the transaction is prepared and not yet finished.
func (s *State) IsPrepared() bool { return s.word.Load() == prepared }

// CommitPrepared moves from prepared to committed at ts. Only one finishes what is
// prepared, so it cannot fail.
func (s *State) CommitPrepared(ts uint64) { s.word.Store(committed + ts) }

// RollBackPrepared moves from prepared to rolled back; likewise.
func (s *State) RollBackPrepared() { s.word.Store(rolledBack) }

// CommitTS returns the commit timestamp, or 0 if the transaction is not committed.
func (s *State) CommitTS() uint64 {
	if w := s.word.Load(); w > committed {
		return w - committed
	}
	return 0
}
