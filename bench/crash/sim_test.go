package crash

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/tierceldb/tiercel/internal/history"
)

// sim is a store that crashes, simple enough to be right, and what its clients say. It
// knows what the parent has to find out: who has committed when.
type sim struct {
	rng  *rand.Rand
	load Load
	now  int64

	slowness int // of the disk
	hurry    int // of its clients, who do not wait for it

	versions map[history.Key][]simVersion // oldest first
	visible  uint64
	durable  uint64
	acked    uint64 // newest commit that was acknowledged without being durable
	workers  []*simTxn
	sessions []*history.Session
	marks    map[int]history.ID
	commits  map[history.ID]uint64
	prepared []*simTxn
	waiting  []*simTxn // for the disk, to be acknowledged
	dropped  []*simTxn // were prepared and rolled back, which the disk may not have
	syncs    []simSync // that wait for the disk
	xids     map[string]uint64
	txns     map[string]*simTxn // that were prepared at some time, by xid

	found  *found
	events []*event

	past past
}

// past is the life before.
type past struct {
	found    *found
	events   []*event
	survived uint64    // the newest commit that did
	dropped  []*simTxn // that are still gone, as nobody was told
}

// simSync is a call that waits for commits to be durable.
type simSync struct {
	id   history.ID
	upTo uint64
}

// simVersion is a version of a key.
type simVersion struct {
	ts      uint64
	version history.Version // 0: gone
}

// simTxn is a transaction.
type simTxn struct {
	worker  int
	pending *history.Pending
	txn     history.Txn // when it wants to commit
	keep    promise
	xid     string
	commit  uint64

	// Of those that are prepared.
	ready   bool     // may be finished
	end     *promise // what is about to become of it; nil: nothing yet
	after   uint64   // snapshot before the end
	dropped uint64   // newest commit when it was rolled back
}

func newSim(rng *rand.Rand) *sim {
	s := &sim{
		rng: rng, load: Load{Workers: 2 + rng.IntN(5), Keys: 2 + rng.IntN(7), Async: 40 * rng.IntN(2)},
		slowness: 1 + rng.IntN(8), hurry: 1 + rng.IntN(4),
		versions: map[history.Key][]simVersion{}, visible: 100, durable: 100,
		marks: map[int]history.ID{}, commits: map[history.ID]uint64{}, xids: map[string]uint64{},
		txns: map[string]*simTxn{},
	}
	s.open()
	return s
}

// open begins a life.
func (s *sim) open() {
	s.now, s.events, s.waiting, s.dropped, s.syncs = 0, nil, nil, nil, nil
	s.workers, s.sessions = make([]*simTxn, s.load.Workers), nil
	for w := range s.load.Workers {
		s.sessions = append(s.sessions, history.NewSession(s.load.session(w), s.clock))
	}
	for _, t := range s.prepared {
		t.ready, t.end = true, nil
	}
	s.found = s.look()
	s.say(event{What: opened, Found: s.found})
}

// look returns what there is.
func (s *sim) look() *found {
	f := &found{Snapshot: s.visible, Workers: maps.Clone(s.marks)}
	for xid := range s.xids {
		f.XIDs = append(f.XIDs, xid)
	}
	for k := range history.Key(s.load.Keys) {
		if v := s.at(k, s.visible); v != 0 {
			f.Values = append(f.Values, history.Read{Key: k, Version: v})
		}
	}
	for _, t := range s.prepared {
		f.Prepared = append(f.Prepared, t.listed(s.load.Keys))
	}
	return f
}

// listed returns how somebody is listed who is prepared, if there are n keys.
func (t *simTxn) listed(n int) preparedKeys {
	f := fate{txn: t.txn, xid: t.xid}
	return preparedKeys{XID: t.xid, Keys: f.keys(n)}
}

func (s *sim) clock() int64 { s.now++; return s.now }

func (s *sim) say(e event) { s.events = append(s.events, &e) }

// at returns the version of a key at a snapshot.
func (s *sim) at(k history.Key, snapshot uint64) (v history.Version) {
	for _, x := range s.versions[k] {
		if x.ts <= snapshot {
			v = x.version
		}
	}
	return v
}

// newest returns the timestamp of the newest version of a key.
func (s *sim) newest(k history.Key) uint64 {
	if all := s.versions[k]; len(all) > 0 {
		return all[len(all)-1].ts
	}
	return 0
}

// readable is R.
func (s *sim) readable() uint64 { return max(s.durable, s.acked) }

// step has one worker, or the disk, do one thing.
func (s *sim) step() {
	switch n := s.rng.IntN(10); {
	case n == 0 && s.rng.IntN(s.slowness) == 0:
		s.write()
	case n == 1 && len(s.prepared) > 0:
		s.finishPrepared()
	case n == 2 && s.load.Async > 0 && s.rng.IntN(4) == 0:
		id := history.ID(s.rng.Uint32())
		s.say(event{What: syncing, ID: id})
		s.syncs = append(s.syncs, simSync{id, s.visible})
	default:
		w := s.rng.IntN(len(s.workers))
		if t := s.workers[w]; t == nil {
			s.begin(w)
		} else if t.commit == 0 {
			s.end(t)
		}
	}
}

// write makes something durable, and tells some of those who wait for it.
func (s *sim) write() {
	s.durable += s.rng.Uint64N(s.visible - s.durable + 1)
	s.waiting = slices.DeleteFunc(s.waiting, func(t *simTxn) bool {
		told := t.commit <= s.durable && s.rng.IntN(4) > 0
		if told {
			s.acknowledge(t)
		}
		return told
	})
	s.dropped = slices.DeleteFunc(s.dropped, func(t *simTxn) bool {
		told := t.dropped <= s.durable && s.rng.IntN(4) > 0
		if told {
			s.say(event{What: finished, XID: t.xid, Promise: nothing, Finish: &finish{Ended: s.clock()}})
		}
		return told
	})
	s.syncs = slices.DeleteFunc(s.syncs, func(y simSync) bool {
		told := y.upTo <= s.durable && s.rng.IntN(4) > 0
		if told {
			s.say(event{What: synced, ID: y.id})
		}
		return told
	})
}

func (s *sim) acknowledge(t *simTxn) {
	if t.xid != "" {
		e := &finish{Ended: s.clock(), Commit: t.commit, After: t.after, UpTo: s.readable()}
		if int(t.txn.ID>>32) < s.load.First {
			e.Commit = 0 // nobody was told
		}
		s.say(event{What: finished, XID: t.xid, Promise: onDisk, Finish: e})
		return
	}
	s.say(event{What: committed, ID: t.txn.ID, Commit: t.commit, At: s.clock()})
	if s.workers[t.worker] == t {
		s.workers[t.worker] = nil
	}
}

// begin begins a transaction, and reads and writes.
func (s *sim) begin(w int) {
	kind, snapshot := history.Update, s.visible
	if s.rng.IntN(3) == 0 {
		kind, snapshot = history.ReadOnly, s.readable()
	}
	level := history.Level(min(1, s.rng.IntN(4)/3))
	t := &simTxn{worker: w, pending: s.sessions[w].Begin(kind, level)}
	t.pending.Began(snapshot)
	for range 1 + s.rng.IntN(5) {
		k := history.Key(s.rng.IntN(s.load.Keys))
		switch n := s.rng.IntN(8); {
		case n == 0:
			s.scan(t, k, snapshot)
		case n < 4 || kind == history.ReadOnly:
			s.read(t, k, snapshot)
		case n < 6:
			t.pending.Put(k, t.pending.NewVersion())
		default:
			t.pending.Delete(k)
		}
	}
	s.workers[w] = t
}

// read reads a key, unless the transaction has written it: what a store says then is
// its own business.
func (s *sim) read(t *simTxn, k history.Key, snapshot uint64) {
	if !slices.ContainsFunc(t.pending.SoFar().Writes, func(w history.Write) bool { return w.Key == k }) {
		t.pending.Read(k, s.at(k, snapshot))
	}
}

// scan goes over some keys, if the transaction has written nothing yet.
func (s *sim) scan(t *simTxn, lo history.Key, snapshot uint64) {
	if len(t.pending.SoFar().Writes) > 0 {
		return
	}
	hi := min(lo+3, history.Key(s.load.Keys))
	scan := t.pending.Ascend(lo, hi)
	for k := lo; k < hi; k++ {
		if v := s.at(k, snapshot); v != 0 {
			scan.Next(k, v)
		}
	}
	scan.End()
}

// end ends a transaction, or has it wait for the disk.
func (s *sim) end(t *simTxn) {
	t.txn = t.pending.SoFar()
	s.workers[t.worker] = nil
	e := event{Txn: t.txn, Worker: t.worker}
	give := func(o history.Outcome) {
		e.What, e.Txn.Outcome, e.Txn.Finish = ended, o, s.clock()
		s.say(e)
	}
	switch {
	case t.txn.Kind == history.ReadOnly:
		give(history.Committed)
	case s.rng.IntN(10) == 0:
		give(history.RolledBack)
	case len(t.txn.Writes) == 0:
		if t.txn.Snapshot <= s.readable() {
			give(history.Committed)
		}
	case s.rng.IntN(8) == 0:
		t.xid = xidOf(t.txn.ID)
		e.What, e.XID = preparing, t.xid
		s.say(e)
		s.prepare(t)
	default:
		if t.keep = onDisk; s.rng.IntN(100) < s.load.Async {
			t.keep = inOrder
		}
		e.What, e.Promise = committing, t.keep
		s.say(e)
		s.tryCommit(t)
	}
}

// mayCommit reports whether nothing is in the way of a commit.
func (s *sim) mayCommit(t *simTxn) bool {
	for _, w := range t.txn.Writes {
		if s.newest(w.Key) > t.txn.Snapshot {
			return false
		}
		for _, p := range s.prepared {
			if p.writes(w.Key) || p.txn.Level == history.Serializable && p.reads(w.Key) {
				return false
			}
		}
	}
	for k := range history.Key(s.load.Keys) {
		if t.txn.Level == history.Serializable && t.reads(k) && s.newest(k) > t.txn.Snapshot {
			return false
		}
	}
	return true
}

func (t *simTxn) writes(k history.Key) bool {
	return slices.ContainsFunc(t.txn.Writes, func(w history.Write) bool { return w.Key == k })
}

func (t *simTxn) reads(k history.Key) bool { return (&fate{txn: t.txn}).hasRead(k) }

// tryCommit commits, unless it must not.
func (s *sim) tryCommit(t *simTxn) {
	if !s.mayCommit(t) {
		if s.rng.IntN(6) > 0 {
			s.say(event{What: rolledBack, ID: t.txn.ID, At: s.clock()})
		} else {
			t.commit = never // still about to be told
			s.workers[t.worker] = t
		}
		return
	}
	s.publish(t)
	switch {
	case t.keep == inOrder && s.rng.IntN(6) > 0:
		s.acked = t.commit
		s.acknowledge(t)
	case t.keep == inOrder || s.rng.IntN(s.hurry) == 0:
		s.workers[t.worker] = t // waits
		s.waiting = append(s.waiting, t)
	default:
		s.waiting = append(s.waiting, t) // CommitThen
	}
}

func (s *sim) publish(t *simTxn) {
	s.visible++
	t.commit, s.commits[t.txn.ID] = s.visible, s.visible
	for _, w := range t.txn.Writes {
		v := w.Version(t.txn.ID)
		if w.Tombstone {
			v = 0
		}
		s.versions[w.Key] = append(s.versions[w.Key], simVersion{t.commit, v})
	}
}

func (s *sim) prepare(t *simTxn) {
	if s.rng.IntN(8) == 0 {
		s.workers[t.worker], t.commit = t, never // has not got as far as that
		return
	}
	// What it has read is to stay as it is until its end, whenever that is.
	changing := slices.ContainsFunc(s.prepared, func(p *simTxn) bool {
		return slices.ContainsFunc(p.txn.Writes, func(w history.Write) bool { return t.reads(w.Key) })
	})
	if changing || !s.mayCommit(t) {
		s.say(event{What: rolledBack, ID: t.txn.ID, At: s.clock()})
		return
	}
	// Its record is behind all that is visible, and behind that of any other.
	s.durable = s.visible
	for _, p := range s.dropped {
		p.dropped = 0
	}
	s.prepared, s.txns[t.xid] = append(s.prepared, t), t
	if t.ready = s.rng.IntN(6) > 0; t.ready {
		s.say(event{What: isReady, XID: t.xid})
	} else {
		s.workers[t.worker], t.commit = t, never // still about to be told
	}
}

// finishPrepared commits or rolls back one that is prepared, or is about to.
func (s *sim) finishPrepared() {
	n := s.rng.IntN(len(s.prepared))
	t := s.prepared[n]
	if !t.ready {
		return
	}
	if t.end == nil {
		t.end, t.after = new(onDisk), s.readable()
		if s.rng.IntN(3) == 0 {
			*t.end = nothing
		}
		s.say(event{What: finishing, XID: t.xid, Promise: *t.end, At: s.clock()})
		if s.rng.IntN(4) == 0 {
			return
		}
	}
	s.prepared = slices.Delete(s.prepared, n, n+1)
	if *t.end == nothing {
		t.dropped = s.visible
		s.dropped = append(s.dropped, t)
		return
	}
	s.publish(t)
	s.xids[t.xid] = t.commit
	s.waiting = append(s.waiting, t)
}

// close has everything on the disk and everybody know it.
func (s *sim) close() {
	for s.durable = s.visible; len(s.waiting)+len(s.dropped)+len(s.syncs) > 0; {
		s.write()
	}
	s.say(event{What: closed})
}

// crash loses what is behind some commit.
func (s *sim) crash() {
	newest := s.durable + s.rng.Uint64N(s.visible-s.durable+1)
	s.past = past{found: s.found, events: s.events}
	s.cut(newest)
	for _, t := range s.waiting {
		if t.xid != "" && t.commit > newest {
			s.prepared = append(s.prepared, t)
			delete(s.xids, t.xid)
			delete(s.commits, t.txn.ID)
		}
	}
	for _, t := range s.dropped {
		if t.dropped > newest || t.dropped == newest && s.rng.IntN(2) == 0 {
			s.prepared = append(s.prepared, t)
		} else {
			s.past.dropped = append(s.past.dropped, t)
		}
	}
	s.visible, s.durable, s.acked = s.visible+1000, s.visible+1000, 0
	s.load.First += s.load.Workers + 1
}

// cut loses all commits behind one that are not two-phase.
func (s *sim) cut(newest uint64) {
	s.past.survived = newest
	for k, all := range s.versions {
		s.versions[k] = slices.DeleteFunc(all, func(v simVersion) bool { return v.ts > newest })
	}
	s.marks = maps.Clone(s.past.found.Workers)
	for _, e := range s.past.events {
		if e.What == committing && s.past.has(s.commits[e.Txn.ID]) {
			s.marks[e.Worker] = e.Txn.ID
		}
	}
}

// has reports whether a commit survived.
func (p *past) has(ts uint64) bool { return ts != 0 && ts <= p.survived }
