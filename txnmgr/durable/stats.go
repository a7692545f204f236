package durable

import (
	"errors"

	"github.com/tierceldb/tiercel/storage/commitlog"
)

// Stats are the figures of a store, taken one after the other.
type Stats struct {
	Durable      uint64          // D, or V without a log
	Applied      uint64          // the engine has everything up to here
	Unapplied    int64           // bytes that it does not have, or that are about to be committed
	Throttled    uint64          // commits that had to wait for that
	Throttling   int             // those that do now
	Log          commitlog.Stats // zero without a log
	EngineFailed error           // why nothing is applied any more
	Truncation   error           // why the log is longer than it should be
}

// Stats returns the figures.
func (s *Store) Stats() Stats {
	t := &s.throttle
	st := Stats{
		Durable:      s.deps.Visible(),
		Applied:      s.deps.Store.Applied(),
		Unapplied:    t.used.Load(),
		Throttled:    t.count.Load(),
		Throttling:   int(t.waiting.Load()),
		EngineFailed: s.applier.failure(),
		Truncation:   s.applier.truncation(),
	}
	if s.log != nil {
		st.Durable, st.Log = s.deps.DurableUpTo(), s.log.Stats()
		if errors.Is(s.deps.LogFailed(), ErrClosed) {
			st.EngineFailed = nil // Close may have interrupted it
		}
	}
	return st
}
