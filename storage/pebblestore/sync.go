package pebblestore

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Persisted returns the mark in the newest table that is complete. Pebble writes a
// table when a memtable is full (Options.MemTableBytes), so the last of what was
// applied stays in memory until more comes, or until Sync.
func (s *Store) Persisted() uint64 {
	if s.events.flushes.Load() != s.seen.Load() {
		s.calls.RLock()
		defer s.calls.RUnlock()
		s.refresh()
	}
	// A flush may have written a mark whose Apply has not returned yet.
	return min(s.persisted.Load(), s.Mark().Applied)
}

// refresh reads the mark from the tables alone. An error leaves the older one.
// Close is kept out by the caller.
func (s *Store) refresh() {
	s.refreshes.Lock()
	defer s.refreshes.Unlock()
	if s.usable() != nil {
		return // after a failure Pebble believes what is not so
	}
	flushes := s.events.flushes.Load()
	m, err := loadMark(s.db, &pebble.IterOptions{
		OnlyReadGuaranteedDurable: true,
		UpperBound:                []byte{dataByte},
	})
	if err != nil || s.guard.err() != nil {
		return
	}
	s.persisted.Store(max(s.persisted.Load(), m.mark.Applied))
	s.flushed.Store(max(s.flushed.Load(), m.number))
	s.seen.Store(flushes)
}

// Sync writes what is in memory to tables. An error that does not match ErrFailed
// says that the attempt failed that was under way: Pebble goes on trying, and so
// may the caller.
func (s *Store) Sync() error {
	s.calls.RLock()
	defer s.calls.RUnlock()
	if err := s.usable(); err != nil {
		return err
	}
	applies := s.applies.Load()
	if applies == s.synced.Load() {
		return nil
	}
	_, before := s.events.wait()
	flushed, err := s.flush()
	if err != nil {
		return fmt.Errorf("pebblestore: sync: %w", err)
	}
	if err := s.waitFor(flushed, before); err != nil {
		return err
	}
	s.refresh()
	if err := s.guard.err(); err != nil {
		return err
	}
	s.synced.Store(applies)
	return nil
}

// waitFor returns when the flush is through, or one has failed since so many had.
func (s *Store) waitFor(flushed <-chan struct{}, before uint64) error {
	for {
		changed, failures := s.events.wait()
		if failures != before {
			return fmt.Errorf("pebblestore: sync: %w", s.events.lastFailure())
		}
		select {
		case <-flushed:
			return nil
		case <-changed:
		case <-s.guard.failed:
			return s.guard.err()
		case <-s.closing:
			return ErrClosed
		}
	}
}
