package deps

import (
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/pool"
	"github.com/tierceldb/tiercel/storage"
)

// Record is the manager's side of one update transaction. Nothing in it points
// at the handle that the user has. Once committed it is an element of the
// committed list.
//
// Until Commit is called only the transaction's own goroutine touches it, but for
// the state word. From then on its writes do not change, so that everybody who
// comes along the committed list may read them.
type Record struct {
	storage.State // the word that decides; first, for its alignment

	Snapshot uint64        // the commit timestamp it reads at
	Begun    time.Duration // since the manager was opened
	About    *About        // nil if nothing of it was given

	Writes []Write
	Reads  ReadSet // empty under snapshot isolation

	slot *pool.Slot
	tag  pool.Tag // hangs on the slot; has the generation

	next      atomic.Pointer[Record] // in the committed list
	endsGroup bool                   // set in the section, before the group is visible
	// Room is what the transaction has reserved in the log, for whoever keeps that.
	Room int64

	prepared *Prepared              // once it is, or was
	total    uint64                 // writes of all records up to this one
	waiting  atomic.Pointer[waiter] // the wait for an object, if there is one
	held     atomic.Pointer[holdings]

	inline [2]Write
}

// About is what few transactions have, and no commit needs.
type About struct {
	Label    string    // for statistics and the errors of others
	Stack    string    // that began it, if stacks are recorded
	Deadline time.Time // zero: none
}

// Write is one element of a write set.
type Write struct {
	Object  *storage.Object
	Version *storage.Version
}

// Label returns the label, or "".
func (r *Record) Label() string {
	if r.About == nil {
		return ""
	}
	return r.About.Label
}

// XID returns the name under which the transaction was prepared, or "".
func (r *Record) XID() string {
	if r.prepared == nil {
		return ""
	}
	return r.prepared.XID
}

// Slot returns the transaction object and its generation.
func (r *Record) Slot() (*pool.Slot, uint64) { return r.slot, r.tag.Gen }

// Add appends to the write set.
func (r *Record) Add(w Write) {
	if r.Writes == nil {
		r.Writes = r.inline[:0]
	}
	r.Writes = append(r.Writes, w)
}

// Begin begins an update transaction. It reports false after Close.
func (m *Manager) Begin(r *Record) bool {
	slot, gen, snapshot := m.pool.Begin(pool.Update)
	if slot == nil {
		return false
	}
	r.slot, r.Snapshot = slot, snapshot
	r.Begun = time.Since(m.opened)
	r.tag = pool.Tag{Gen: gen, Of: r}
	slot.SetTag(&r.tag)
	// Close and limits look for the tag before or after they win gen. If they won
	// it before the tag was there, this look finds that out.
	return slot.Gen() == gen
}

// Rollback ends a transaction that has not called Commit. It reports false if it
// was over already.
func (m *Manager) Rollback(r *Record) bool {
	if !r.RollBack() {
		return false
	}
	m.letGo(r)
	m.leave(r)
	return true
}

// leave gives the slot back, after the state is final, or the transaction prepared.
func (m *Manager) leave(r *Record) {
	r.slot.DropTag(&r.tag)
	r.slot.End(r.tag.Gen, r.Snapshot|pool.Update)
}

// Force ends the transaction in the slot from outside, with err for its handle.
// It reports whether it did.
//
// Of an update transaction the state is won before the slot is retired: while it
// may still commit, its snapshot has to keep versions from being purged. A tag that
// was not there is looked for again after gen is won: a Begin that sets it looks at
// gen afterwards, so either that look finds the end, or this one finds the tag.
func (m *Manager) Force(slot *pool.Slot, gen uint64, err error) bool {
	blamed := slot.Blame(gen, err)
	r, tagged := slot.Tag(gen).(*Record)
	if tagged && !r.Force() && !r.RolledBack() {
		return false // committed or prepared: its owner gives the slot back
	}
	won := blamed && slot.Win(gen)
	if !tagged {
		if r, tagged = slot.Tag(gen).(*Record); tagged && !r.Force() && !r.RolledBack() {
			won = false // committed in between; only its slot is taken
		}
	}
	slot.Retire(gen)
	if tagged {
		r.interrupt()
		slot.DropTag(&r.tag)
		if r.IsForced() {
			m.dropByForce(r)
		}
	}
	return won
}

// Cause returns why the transaction was ended by force, or nil if it was not. Its
// state says that before its slot does.
func (r *Record) Cause() error {
	if r.IsForced() {
		return r.slot.Blamed(r.tag.Gen)
	}
	return r.slot.Cause(r.tag.Gen)
}

// Close ends everything that is open with err, and lets nothing begin any more.
// A transaction that has passed the finish section is committed, whatever its
// goroutine still has to do; only its slot is taken.
//
// What is prepared stays so, and can be finished no more.
func (m *Manager) Close(err error) {
	m.prepared.close()
	m.pool.Close(func(slot *pool.Slot, gen, _ uint64) {
		if !m.Force(slot, gen, err) {
			slot.Force(gen, err)
		}
	})
}
