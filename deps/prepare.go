package deps

import (
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage"
)

var (
	// ErrXIDInUse says that another prepared transaction has the xid.
	ErrXIDInUse = errors.New("deps: xid in use")
	// ErrUnknownXID says that no prepared transaction has the xid.
	ErrUnknownXID = errors.New("deps: unknown xid")
	// ErrClosed says that the manager is closed.
	ErrClosed = errors.New("deps: closed")
)

// Two-phase commit. Prepare is the vote and the half of the finish that may fail;
// what is left is to draw a timestamp and to become visible, which cannot. Between
// them the transaction owns the objects that it writes, by their lock words, and
// what it read must not change: else it would be committed at a timestamp at which
// its reads are no longer true (I8). So the section knows what the prepared ones
// have read and will write (guards), and sends back who writes what one has read,
// and who is to be prepared and has read what another will write: both could not
// be put in an order any more. A commit that only read what a prepared one will
// write goes on; it comes before that one.
//
// The timestamp is drawn at the finish. Were it drawn at the vote, everybody's
// commits would have to wait for the slowest client between vote and finish, since
// V cannot pass a timestamp that is not decided.

// Prepared is a prepared transaction.
type Prepared struct {
	XID      string                  // its name, which no other has
	Since    time.Time               // when it was prepared
	Limit    time.Duration           // how long it may stay so; 0: for ever
	OnCommit []func(commitTS uint64) // for whoever commits it
	Log      func() error            // makes it survive a crash, before it can be finished; nil: it need not
	Drop     func()                  // called when it is to end without a commit, if not nil; must not wait

	record *Record
	expiry *time.Timer   // rolls it back at its limit
	done   chan struct{} // closed when it is finished
	ready  bool          // protected by the registry's mutex: may be finished
	taken  bool          // likewise: somebody finishes it
	cause  error         // likewise: why it was rolled back, if not by anybody's wish
}

// Record returns the transaction.
func (p *Prepared) Record() *Record { return p.record }

// Wrote reports whether it wrote anything.
func (p *Prepared) Wrote() bool { return len(p.record.Writes) > 0 }

// registry has the prepared transactions. Each has its xid for itself until it is
// finished: a log could not tell the end of one from that of the next otherwise.
type registry struct {
	mu     sync.Mutex // protects following fields
	by     map[string]*Prepared
	closed bool

	_       pad.Align64
	expired atomic.Uint64 // so many were rolled back at their limit
}

// Prepare takes r through vote and validation. The error is ErrXIDInUse, which
// leaves r as it is, or one of Commit's, and then r is over; or that of p.Log, and
// then nobody can finish it, but Abandon it. Else it is prepared under p.XID, and its
// slot is given back.
func (m *Manager) Prepare(r *Record, p *Prepared, patience Patience) error {
	if p.record, p.done = r, make(chan struct{}); !m.prepared.reserve(p) {
		return ErrXIDInUse
	}
	r.prepared = p
	if err := m.prepare(r, p, &patience); err != nil {
		m.prepared.freeXID(p)
		return err
	}
	m.leave(r)
	p.Since = time.Now()
	if p.Log != nil {
		if err := p.Log(); err != nil {
			return err
		}
	}
	m.limit(p)
	return nil
}

// Abandon rolls back p, for which Prepare has returned the error of p.Log. Nobody else
// can, since it could not be finished yet.
func (m *Manager) Abandon(p *Prepared) {
	p.Drop = nil
	m.RollbackPrepared(p)
}

// limit lets p be finished, and sets its limit.
func (m *Manager) limit(p *Prepared) {
	m.prepared.mu.Lock()
	defer m.prepared.mu.Unlock()
	p.ready = true
	if p.Limit > 0 && !m.prepared.closed {
		p.expiry = time.AfterFunc(p.Limit-time.Since(p.Since), func() { m.expire(p) })
	}
}

func (m *Manager) prepare(r *Record, p *Prepared, patience *Patience) error {
	if len(r.Writes) > 0 {
		return m.voteAndPass(passage{record: r, why: preparing, prepared: p}, patience)
	}
	// What it read was true at its snapshot, and that is where it will be committed.
	if h := r.held.Load(); h != nil {
		h.setAlone(true)
	}
	if !r.Prepare() {
		m.endUnvoted(r)
		return ErrEnded
	}
	return nil
}

// reserve gives p its xid, unless another transaction is prepared under it. It waits for
// one that is being finished, which takes no longer than a commit in memory.
func (g *registry) reserve(p *Prepared) bool {
	for {
		before := g.tryReserve(p)
		if before == nil {
			return true
		}
		if before == p {
			return false
		}
		<-before.done
	}
}

// tryReserve returns nil if it has given p its xid, the transaction that is about to
// give it back, or p if none is.
func (g *registry) tryReserve(p *Prepared) *Prepared {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch before := g.by[p.XID]; {
	case before == nil:
	case before.taken:
		return before
	default:
		return p
	}
	if g.by == nil {
		g.by = make(map[string]*Prepared)
	}
	g.by[p.XID] = p
	return nil
}

// freeXID makes the xid free for others.
func (g *registry) freeXID(p *Prepared) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.by, p.XID)
}

// Take returns the prepared transaction with the xid, for the caller to finish, and
// nobody else. The error is ErrUnknownXID or ErrClosed.
func (m *Manager) Take(xid string) (*Prepared, error) {
	g := &m.prepared
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.by[xid]
	return p, g.take(p, nil)
}

// TakeThis is Take for who knows the transaction.
func (m *Manager) TakeThis(p *Prepared) error {
	g := &m.prepared
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.take(p, nil)
}

func (g *registry) take(p *Prepared, cause error) error {
	switch {
	case p == nil || g.by[p.XID] != p || !p.ready || p.taken:
		return ErrUnknownXID
	case g.closed:
		return ErrClosed
	}
	p.taken, p.cause = true, cause
	if p.expiry != nil {
		p.expiry.Stop()
	}
	return nil
}

// expire rolls p back at its limit.
func (m *Manager) expire(p *Prepared) {
	g := &m.prepared
	g.mu.Lock()
	err := g.take(p, ErrDeadline)
	g.mu.Unlock()
	if err == nil {
		m.RollbackPrepared(p)
		if p.Wrote() {
			g.expired.Inc()
		}
	}
}

// Expired reports whether p was rolled back at its limit.
func (m *Manager) Expired(p *Prepared) bool {
	m.prepared.mu.Lock()
	defer m.prepared.mu.Unlock()
	return p.cause != nil
}

// CommitPrepared commits what was taken, and returns the commit timestamp, or the
// snapshot if nothing was written.
func (m *Manager) CommitPrepared(p *Prepared) uint64 {
	r := p.record
	defer close(p.done)
	if !p.Wrote() {
		m.dropUnwritten(p)
		return r.Snapshot
	}
	m.passThrough(passage{record: r, why: finishing, prepared: p})
	m.prepared.freeXID(p)
	ts := r.CommitTS()
	m.release(r, ts)
	m.helpPurge(ts)
	return ts
}

// RollbackPrepared rolls back what was taken. The log hears of it first: nobody for
// whom this makes room may get there before.
func (m *Manager) RollbackPrepared(p *Prepared) {
	r := p.record
	defer close(p.done)
	if !p.Wrote() {
		m.dropUnwritten(p)
		return
	}
	p.drop()
	m.prepared.freeXID(p)
	m.passThrough(passage{record: r, why: dropping, prepared: p})
	m.takeBack(r, len(r.Writes))
	m.letGo(r)
	r.Reads = ReadSet{}
}

func (m *Manager) dropUnwritten(p *Prepared) {
	p.drop()
	m.prepared.freeXID(p)
	p.record.RollBackPrepared()
	m.letGo(p.record)
}

func (p *Prepared) drop() {
	if p.Drop != nil {
		p.Drop()
	}
}

// Prepared returns the prepared transactions, oldest first.
func (m *Manager) Prepared() (list []*Prepared) {
	g := &m.prepared
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.by {
		if p.ready && !p.taken {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *Prepared) int { return a.Since.Compare(b.Since) })
	return list
}

// close stops the limits and lets nobody finish any more.
func (g *registry) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, p := range g.by {
		if p.expiry != nil {
			p.expiry.Stop()
		}
	}
}

// waitForEnd waits until p is finished.
func (m *Manager) waitForEnd(r *Record, p *Prepared, patience *Patience) error {
	w := &waiter{record: r, behind: p}
	m.announce(w)
	defer m.retract(w)
	alarms := m.alarms(r, patience)
	defer alarms.stop()
	for {
		select {
		case <-p.done:
			return nil
		default:
		}
		if err := m.sleep(w, patience, alarms); err != nil {
			return err
		}
		if r.RolledBack() {
			return ErrEnded
		}
	}
}

// guards are the prepared transactions that have written something, as the section
// sees them; only who is in the section may touch them. The hashes are those of
// keys, so what they find has to be compared.
type guards struct {
	all    []*Prepared
	reads  map[uint64][]*Prepared
	writes map[uint64][]*Prepared
}

func (g *guards) add(p *Prepared) {
	if g.reads == nil {
		g.reads, g.writes = make(map[uint64][]*Prepared), make(map[uint64][]*Prepared)
	}
	g.all = append(g.all, p)
	p.record.Reads.each(func(o *storage.Object) bool {
		g.reads[o.Hash()] = append(g.reads[o.Hash()], p)
		return true
	})
	for _, w := range p.record.Writes {
		g.writes[w.Object.Hash()] = append(g.writes[w.Object.Hash()], p)
	}
}

func (g *guards) remove(p *Prepared) {
	g.all = without(g.all, p)
	drop := func(of map[uint64][]*Prepared, hash uint64) {
		if left := without(of[hash], p); len(left) > 0 {
			of[hash] = left
		} else {
			delete(of, hash)
		}
	}
	p.record.Reads.each(func(o *storage.Object) bool {
		drop(g.reads, o.Hash())
		return true
	})
	for _, w := range p.record.Writes {
		drop(g.writes, w.Object.Hash())
	}
}

func without(list []*Prepared, p *Prepared) []*Prepared {
	return slices.DeleteFunc(list, func(x *Prepared) bool { return x == p })
}

// protecting returns a prepared transaction that has read what r writes, or nil.
func (g *guards) protecting(r *Record) *Prepared {
	if len(g.all) == 0 {
		return nil
	}
	for i := range r.Writes {
		o := r.Writes[i].Object
		for _, p := range g.reads[o.Hash()] {
			if p.record.Reads.hasKey(o) {
				return p
			}
		}
		for _, p := range g.all {
			if p.record.Reads.inRange(o.Key()) {
				return p
			}
		}
	}
	return nil
}

// changing returns a prepared transaction that writes what r has read, or nil.
func (g *guards) changing(r *Record) (by *Prepared) {
	if len(g.all) == 0 {
		return nil
	}
	r.Reads.each(func(o *storage.Object) bool {
		for _, p := range g.writes[o.Hash()] {
			if slices.ContainsFunc(p.record.Writes, func(w Write) bool { return sameKey(w.Object, o) }) {
				by = p
			}
		}
		return by == nil
	})
	if by != nil || !r.Reads.hasRanges() {
		return by
	}
	for _, p := range g.all {
		if slices.ContainsFunc(p.record.Writes, func(w Write) bool { return r.Reads.inRange(w.Object.Key()) }) {
			return p
		}
	}
	return nil
}
