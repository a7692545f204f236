package txnmgr

import (
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/deps"
)

// Stats are the figures of a manager. They are taken one after the other without
// stopping anybody, so those of a busy manager fit together only roughly.
type Stats struct {
	Begun             uint64 // transactions of both kinds
	CommittedReadOnly uint64 // ended without having written anything
	Committed         uint64 // update transactions that made a commit
	RolledBack        uint64 // by their owner, by a conflict, or by force
	Conflicts         uint64 // commits refused
	Retries           uint64 // further attempts of Update

	TransactionObjects int    // in the active list now
	ExclusiveListLocks uint64 // taken on the active list since Open

	Active         int    // transactions open now
	OldestSnapshot uint64 // the oldest that one of them reads at, or Visible
	Visible        uint64 // the newest commit timestamp that may be read at
	Horizon        uint64 // no transaction, now or later, reads below it

	Versions            int64 // of all objects, tombstones included
	Objects             int64 // keys with a version that somebody may see
	CommittedListLength int   // commits whose superseded versions are not yet looked at
	PinnedVersions      int   // versions set aside for a snapshot that sees them

	Waiting   int    // transactions that wait now for a lock, or for the end of a prepared one
	Waits     uint64 // that there ever were, those of a commit under a microsecond not counted
	Deadlocks uint64 // that were found, each with one victim
	Prepared  int    // transactions between Prepare and their finish

	Oldest TxnInfo // the oldest open update transaction

	// The rest is of a manager with Options.Dir or Options.Engine.

	Durable    uint64 // the newest commit timestamp that survives a crash
	Readable   uint64 // the one at which read-only transactions begin now
	Applied    uint64 // the one up to which the object store has everything, on the disk or in its memory
	Unapplied  int64  // what was committed, or is about to be, and it does not have; counted as for Options.LogBytes
	Throttled  uint64 // commits that had to wait until it had more
	Throttling int    // of these, those that wait now
	LogBytes   int64  // what the commit log takes on the disk
	LogSyncs   uint64 // times it was made durable since Open
	CacheBytes int64  // memory for objects that the object store has too, its own caches not counted
	Loads      uint64 // times that an object was read from the object store
	Evictions  uint64 // objects that left memory
	Failure    error  // why commits do not succeed, or some day will not, or nil
}

// TxnInfo describes an open update transaction; the zero value says there is none.
type TxnInfo struct {
	Label    string        // given by WithLabel
	Snapshot uint64        // the commit timestamp it reads at
	Age      time.Duration // since it began
	Stack    string        // that began it, with Options.RecordStacks
}

// Stats returns the figures. It goes over all transaction objects, so it takes
// longer the more there are.
func (m *Manager) Stats() Stats {
	d := m.deps.Stats()
	oldest := d.Pool.Oldest
	if oldest == 0 {
		oldest = d.Visible
	}
	memory := m.store.Memory()
	rolledBack := uint64(m.rolledBack.Value()) + d.Pool.Forced + d.Expired
	st := Stats{
		Begun:               d.Pool.Ended + uint64(d.Pool.Active),
		CommittedReadOnly:   d.Pool.Ended - min(d.Pool.Ended, d.Commits+rolledBack+uint64(d.Undecided)),
		Committed:           d.Commits,
		RolledBack:          rolledBack,
		Conflicts:           uint64(m.conflicts.Value()),
		Retries:             uint64(m.retries.Value()),
		TransactionObjects:  d.Pool.Slots,
		ExclusiveListLocks:  d.Pool.ExclusiveLocks,
		Active:              d.Pool.Active,
		OldestSnapshot:      oldest,
		Visible:             d.Visible,
		Horizon:             d.Horizon,
		Versions:            d.Versions + memory.Loaded - memory.Evicted,
		Objects:             d.Objects,
		CommittedListLength: d.CommittedListLength,
		PinnedVersions:      d.PinnedVersions,
		Waiting:             d.Waiting,
		Waits:               d.Waits,
		Deadlocks:           d.Deadlocks,
		Prepared:            d.Prepared,
		Oldest:              m.oldest(),
		Durable:             d.Visible,
		Readable:            m.deps.Readable(),
		CacheBytes:          memory.CacheBytes,
		Loads:               uint64(memory.Loads),
		Evictions:           uint64(memory.Evicted),
	}
	if m.durable != nil {
		m.durableStats(&st)
	}
	return st
}

// durableStats fills in what log and applier say.
func (m *Manager) durableStats(st *Stats) {
	d := m.durable.Stats()
	st.Durable, st.Applied = d.Durable, d.Applied
	st.Unapplied, st.Throttled, st.Throttling = d.Unapplied, d.Throttled, d.Throttling
	st.LogBytes, st.LogSyncs = d.Log.Bytes, d.Log.Appended.Syncs
	switch {
	case d.Log.Failed != nil:
		st.Failure = fmt.Errorf("%w: %w", ErrLogFailed, d.Log.Failed)
	case d.EngineFailed != nil:
		st.Failure = fmt.Errorf("%w: %w", ErrEngineFailed, d.EngineFailed)
	case d.Truncation != nil:
		st.Failure = fmt.Errorf("tiercel: the commit log cannot be cut: %w", d.Truncation)
	default:
		st.Failure = m.holdup(st)
	}
}

// holdup returns what keeps the object store from catching up, if that is more than
// that there is much to do. It asks only when commits wait for it, or soon may: it is
// not answered before Pebble has written its manifest.
func (m *Manager) holdup(st *Stats) error {
	if m.objects == nil || st.Unapplied <= m.opts.LogBytes/2 {
		return nil
	}
	if err := m.objects.Stats().Retrying; err != nil {
		return fmt.Errorf("tiercel: the object store cannot write, and tries again; commits wait for it: %w", err)
	}
	return nil
}

// oldest describes the update transaction that has been open the longest.
func (m *Manager) oldest() (info TxnInfo) {
	m.deps.Updates(func(r *deps.Record, snapshot uint64) {
		if age := m.deps.Age(r); age > info.Age {
			info = TxnInfo{Label: r.Label(), Snapshot: snapshot, Age: age}
			if r.About != nil {
				info.Stack = r.About.Stack
			}
		}
	})
	return info
}
