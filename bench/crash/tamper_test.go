package crash

import (
	"slices"

	"github.com/tierceldb/tiercel/internal/history"
)

// tamperings change what the next life finds, so that no right store can have left it.
// They report whether they did: in many lives a change is one that might have been,
// such as the loss of a commit that nobody was told of and nobody saw.
var tamperings = map[string]func(*sim) bool{
	"a value is gone":                loseValue,
	"an older value":                 loseOverwriting,
	"a mark is gone":                 loseMark,
	"a mark of somebody who is lost": keepMark,
	"lost though on the disk":        loseFrom(onTheDisk),
	"lost though waited for":         loseFrom(waitedFor),
	"lost though closed":             loseFrom(wasClosed),
	"lost though read":               loseFrom(wasRead),
	"a stale read":                   readStale,
	"prepared and gone":              losePrepared,
	"prepared with a key too many":   addKeyToPrepared,
	"prepared again":                 keepDropped,
	"prepared again and overwritten": keepOverwritten,
	"prepared and committed":         keepCommitted,
	"mark of prepared is gone":       loseMarkOfPrepared,
	"an earlier timestamp":           loseTimestamps,
}

func loseValue(s *sim) bool {
	n := len(s.found.Values)
	if n > 0 {
		s.found.Values = s.found.Values[:n-1]
	}
	return n > 0
}

func loseOverwriting(s *sim) bool {
	for i, r := range s.found.Values {
		if all := s.versions[r.Key]; len(all) > 1 && all[len(all)-2].version != 0 {
			s.found.Values[i].Version = all[len(all)-2].version
			return true
		}
	}
	return false
}

// loseMark takes back all that a worker has committed in a life.
func loseMark(s *sim) bool {
	for w := range s.load.Workers {
		var gone []history.Txn
		for _, e := range s.past.events {
			if e.What == committing && e.Worker == w && s.past.has(s.commits[e.Txn.ID]) {
				gone = append(gone, e.Txn)
			}
		}
		if !slices.ContainsFunc(gone, s.isMissed) {
			continue
		}
		if s.found.Workers[w] = s.past.found.Workers[w]; s.found.Workers[w] == 0 {
			delete(s.found.Workers, w)
		}
		return true
	}
	return false
}

// isMissed reports whether a commit that survived cannot just as well have been lost,
// with what else its worker has done: it was promised that it is on the disk; it is
// known that a later one survived; or one of its values is there, or was there for
// somebody who survived.
func (s *sim) isMissed(t history.Txn) bool {
	wrote := func(r history.Read) bool { return r.Version.Writer() == t.ID }
	if slices.ContainsFunc(s.found.Values, wrote) {
		return true
	}
	acked := s.past.acked(t.ID)
	for _, e := range s.past.events {
		id := max(e.ID, e.Txn.ID)
		if ts := s.commits[id]; id>>32 == t.ID>>32 || !s.past.has(ts) || ts < s.commits[t.ID] {
			continue
		}
		if e.What == committed && acked || slices.ContainsFunc(e.Txn.Reads, wrote) {
			return true
		}
	}
	return acked && s.past.promise(t.ID) == onDisk
}

// acked reports whether a commit was acknowledged.
func (p *past) acked(id history.ID) bool {
	return slices.ContainsFunc(p.events, func(e *event) bool { return e.What == committed && e.ID == id })
}

// promise returns what the acknowledgement of a commit promises.
func (p *past) promise(id history.ID) promise {
	n := slices.IndexFunc(p.events, func(e *event) bool { return e.What == committing && e.Txn.ID == id })
	return p.events[n].Promise
}

// keepMark keeps the mark of a worker who has lost commits that should be seen in what
// there is.
func keepMark(s *sim) bool {
	lost := map[int][]history.Txn{}
	for _, e := range s.past.events {
		if ts := s.commits[e.Txn.ID]; e.What == committing && ts != 0 && !s.past.has(ts) {
			lost[e.Worker] = append(lost[e.Worker], e.Txn)
		}
	}
	for w := range s.load.Workers {
		if all := lost[w]; s.wouldShow(all) {
			s.found.Workers[w] = all[len(all)-1].ID
			return true
		}
	}
	return false
}

// wouldShow reports whether what is found would be something else if those had
// survived, too.
func (s *sim) wouldShow(all []history.Txn) bool {
	last := map[history.Key]history.Write{}
	for _, t := range all {
		for _, w := range t.Writes {
			last[w.Key] = w
		}
	}
	for k, w := range last {
		if !w.Tombstone || slices.ContainsFunc(s.found.Values, func(r history.Read) bool { return r.Key == k }) {
			return true
		}
	}
	return false
}

// loseFrom loses all commits from one on that must not be lost. Must says which, of
// those that event n shows.
func loseFrom(must func(s *sim, n int) uint64) func(*sim) bool {
	return func(s *sim) bool {
		var from []uint64
		for n := range s.past.events {
			if ts := must(s, n); ts > s.past.found.Snapshot && s.past.has(ts) && ts > s.newestTwoPhase() {
				from = append(from, ts)
			}
		}
		if len(from) == 0 {
			return false
		}
		s.cut(from[s.rng.IntN(len(from))] - 1)
		s.found = s.look()
		return true
	}
}

// newestTwoPhase returns the newest commit of somebody who was prepared.
func (s *sim) newestTwoPhase() (ts uint64) {
	for _, xid := range s.found.XIDs {
		ts = max(ts, s.commits[s.txns[xid].txn.ID])
	}
	return ts
}

// onTheDisk returns who was promised that it is on the disk.
func onTheDisk(s *sim, n int) uint64 {
	if e := s.past.events[n]; e.What == committed && s.past.promise(e.ID) == onDisk {
		return e.Commit
	}
	return 0
}

// waitedFor returns who was acknowledged before a Sync that has returned.
func waitedFor(s *sim, n int) uint64 {
	synced := func(id history.ID) bool {
		return slices.ContainsFunc(s.past.events, func(e *event) bool { return e.What == synced && e.ID == id })
	}
	waits := func(e *event) bool { return e.What == syncing && synced(e.ID) }
	if e := s.past.events[n]; e.What == committed && slices.ContainsFunc(s.past.events[n:], waits) {
		return e.Commit
	}
	return 0
}

// wasClosed returns who was acknowledged before Close has returned.
func wasClosed(s *sim, n int) uint64 {
	all := s.past.events
	if all[n].What == committed && all[len(all)-1].What == closed {
		return all[n].Commit
	}
	return 0
}

// wasRead returns of whom a read-only transaction has read that had to be on the disk.
// No acknowledgement shows that.
func wasRead(s *sim, n int) (ts uint64) {
	e := s.past.events[n]
	if e.What != ended || e.Txn.Kind != history.ReadOnly || s.load.Async > 0 {
		return 0
	}
	for _, r := range e.Txn.Reads {
		ts = max(ts, s.commits[r.Version.Writer()])
	}
	if slices.ContainsFunc(s.past.events, func(e *event) bool { return e.What == committed && e.Commit >= ts }) {
		return 0
	}
	return ts
}

// readStale has somebody read what was overwritten when he began.
func readStale(s *sim) bool {
	for _, e := range s.past.events {
		if e.What != ended && e.What != committing || e.Txn.Snapshot > s.past.survived {
			continue
		}
		for n, r := range e.Txn.Reads {
			if r.Version == 0 || !s.past.acked(r.Version.Writer()) {
				continue
			}
			e.Txn.Reads = slices.Clone(e.Txn.Reads)
			e.Txn.Reads[n].Version = s.before(r)
			return true
		}
	}
	return false
}

// before returns the version before one, 0 if there was none.
func (s *sim) before(r history.Read) history.Version {
	all := s.versions[r.Key]
	n := slices.IndexFunc(all, func(v simVersion) bool { return v.version == r.Version })
	if n <= 0 {
		return 0
	}
	return all[n-1].version
}

// losePrepared loses somebody who was prepared, and was not about to be rolled back.
func losePrepared(s *sim) bool {
	for n, p := range s.found.Prepared {
		is := slices.ContainsFunc(s.past.found.Prepared, func(old preparedKeys) bool { return old.XID == p.XID })
		for _, e := range s.past.events {
			switch {
			case e.XID != p.XID:
			case e.What == isReady:
				is = true
			case e.What == finishing:
				is = e.Promise == onDisk
			}
		}
		if is {
			s.found.Prepared = slices.Delete(s.found.Prepared, n, n+1)
			return true
		}
	}
	return false
}

func addKeyToPrepared(s *sim) bool {
	n := len(s.found.Prepared)
	if n > 0 {
		s.found.Prepared[n-1].Keys = append(s.found.Prepared[n-1].Keys, "k0")
	}
	return n > 0
}

// keepDropped has somebody prepared of whom it was said that he was rolled back.
func keepDropped(s *sim) bool {
	for _, e := range s.past.events {
		if e.What == finished && e.Promise == nothing {
			s.found.Prepared = append(s.found.Prepared, s.txns[e.XID].listed(s.load.Keys))
			return true
		}
	}
	return false
}

// keepOverwritten has somebody prepared who was rolled back, and somebody else has
// written what he had protected.
func keepOverwritten(s *sim) bool {
	for _, t := range s.past.dropped {
		p := &fate{txn: t.txn}
		for _, e := range s.past.events {
			if ts := s.commits[e.Txn.ID]; e.What != committing || !s.past.has(ts) || e.Txn.Snapshot < p.txn.Snapshot {
				continue
			}
			if slices.ContainsFunc(e.Txn.Writes, func(w history.Write) bool { return p.protects(w.Key) }) {
				s.found.Prepared = append(s.found.Prepared, t.listed(s.load.Keys))
				return true
			}
		}
	}
	return false
}

// keepCommitted has somebody prepared who has committed.
func keepCommitted(s *sim) bool {
	for _, e := range s.past.events {
		if e.What == finishing && slices.Contains(s.found.XIDs, e.XID) {
			s.found.Prepared = append(s.found.Prepared, s.txns[e.XID].listed(s.load.Keys))
			return true
		}
	}
	return false
}

// loseMarkOfPrepared has the mark gone of somebody who was prepared and has committed.
func loseMarkOfPrepared(s *sim) bool {
	for _, e := range s.past.events {
		if n := slices.Index(s.found.XIDs, e.XID); e.What == finishing && n >= 0 {
			s.found.XIDs = slices.Delete(s.found.XIDs, n, n+1)
			return true
		}
	}
	return false
}

// loseTimestamps has timestamps used again.
func loseTimestamps(s *sim) bool {
	for _, e := range s.past.events {
		if e.What == committed && e.Commit > s.past.found.Snapshot {
			s.found.Snapshot = s.past.found.Snapshot
			return true
		}
	}
	return false
}
