package history

import "slices"

// Pending is a transaction being recorded. What it reads of its own writes is
// checked at once, and not part of the history.
type Pending struct {
	session *Session
	txn     Txn
	seq     uint16
	own     []ownWrite // in their order, without those rolled back
}

// ownWrite is one write of the transaction.
type ownWrite struct {
	key     Key
	version Version
	removed bool
}

// Begin begins to record a transaction. It is to be called before the transaction
// itself begins.
func (s *Session) Begin(kind Kind, level Level) *Pending {
	p := s.pending()
	s.number++
	p.txn.ID, p.txn.Kind, p.txn.Level = NewID(s.id, s.number), kind, level
	p.txn.Start = s.clock()
	return p
}

// pending returns an empty one.
func (s *Session) pending() *Pending {
	if n := len(s.free); n > 0 {
		p := s.free[n-1]
		s.free = s.free[:n-1]
		return p
	}
	return &Pending{session: s}
}

// ID returns the ID of the transaction.
func (p *Pending) ID() ID { return p.txn.ID }

// Began is to be called when the transaction has begun.
func (p *Pending) Began(snapshot uint64) { p.txn.Snapshot = snapshot }

// Read records what a read of one key returned, 0 for nothing.
func (p *Pending) Read(k Key, v Version) {
	own, written := p.find(k)
	if !written {
		p.txn.Reads = append(p.txn.Reads, Read{k, v})
		return
	}
	if v != own.seen() {
		p.wrong(k, own.seen(), v)
	}
}

// NewVersion returns a version for a write to store.
func (p *Pending) NewVersion() Version {
	p.seq++
	return p.txn.ID.version(p.seq)
}

// Put records a write of a version that NewVersion returned.
func (p *Pending) Put(k Key, v Version) {
	p.own = append(p.own, ownWrite{key: k, version: v})
}

// Delete records the removal of a key.
func (p *Pending) Delete(k Key) {
	p.own = append(p.own, ownWrite{key: k, version: p.NewVersion(), removed: true})
}

// Mark returns the present point, for RollbackTo.
func (p *Pending) Mark() int { return len(p.own) }

// RollbackTo forgets the writes since the mark.
func (p *Pending) RollbackTo(mark int) { p.own = p.own[:mark] }

// Committed ends the transaction. It is to be called when the commit has returned.
// The timestamp is of no interest if nothing was written.
func (p *Pending) Committed(ts uint64) {
	p.txn.Commit = ts
	p.end(Committed)
}

// RolledBack ends the transaction, whatever it was that made it end.
func (p *Pending) RolledBack() { p.end(RolledBack) }

// Discard forgets the transaction, which was not begun.
func (p *Pending) Discard() {
	p.txn = Txn{}
	p.session.free = append(p.session.free, p)
}

// SoFar returns what is recorded until now, as if the transaction were to end here.
// It is for those who must have that elsewhere before it ends, and remains valid.
func (p *Pending) SoFar() Txn {
	t := p.txn
	t.Reads, t.Empty, t.Writes = slices.Clone(t.Reads), slices.Clone(t.Empty), p.writes(nil)
	return t
}

// writes appends the last write to each key.
func (p *Pending) writes(to []Write) []Write {
	for i, w := range p.own {
		if last, _ := p.find(w.key); last == &p.own[i] {
			to = append(to, Write{Key: w.key, Seq: w.version.seq(), Tombstone: w.removed})
		}
	}
	return to
}

func (p *Pending) end(o Outcome) {
	s, t := p.session, p.txn
	t.Finish, t.Outcome = s.clock(), o
	t.Writes = p.writes(t.Writes)
	p.txn = Txn{Reads: t.Reads[:0], Empty: t.Empty[:0], Writes: t.Writes[:0]}
	t.Reads, t.Empty, t.Writes = s.reads.keep(t.Reads), s.empty.keep(t.Empty), s.writes.keep(t.Writes)
	s.txns = append(s.txns, t)
	p.seq, p.own = 0, p.own[:0]
	s.free = append(s.free, p)
}

// find returns the last write to a key.
func (p *Pending) find(k Key) (*ownWrite, bool) {
	for i := len(p.own) - 1; i >= 0; i-- {
		if p.own[i].key == k {
			return &p.own[i], true
		}
	}
	return nil, false
}

// seen is what a read of the write returns.
func (w *ownWrite) seen() Version {
	if w.removed {
		return 0
	}
	return w.version
}

func (p *Pending) wrong(k Key, want, got Version) {
	p.session.own = append(p.session.own, OwnRead{Txn: p.txn.ID, Key: k, Want: want, Got: got})
}

// Scan is a scan being recorded.
type Scan struct {
	p      *Pending
	lo, hi Key // what is not read yet
	down   bool
}

// Ascend begins to record a scan of lo ≤ key < hi, smallest key first.
func (p *Pending) Ascend(lo, hi Key) Scan { return Scan{p: p, lo: lo, hi: max(lo, hi)} }

// Descend begins to record a scan of the same range, greatest key first.
func (p *Pending) Descend(lo, hi Key) Scan { return Scan{p: p, lo: lo, hi: max(lo, hi), down: true} }

// Next records the next key and its version. It reports false if the key does not
// belong there.
func (s *Scan) Next(k Key, v Version) bool {
	if k < s.lo || k >= s.hi {
		return false
	}
	if s.down {
		s.p.nothing(k+1, s.hi)
		s.hi = k
	} else {
		s.p.nothing(s.lo, k)
		s.lo = k + 1
	}
	s.p.Read(k, v)
	return true
}

// End records that there was nothing behind the last key.
func (s *Scan) End() {
	s.p.nothing(s.lo, s.hi)
	s.lo = s.hi
}

// nothing records that a scan passed over lo ≤ key < hi. The keys in it that the
// transaction has written say nothing about others.
func (p *Pending) nothing(lo, hi Key) {
	for lo < hi {
		next := p.nextOwn(lo, hi)
		if next > lo {
			p.txn.Empty = append(p.txn.Empty, Range{lo, next})
		}
		if next < hi {
			p.Read(next, 0)
		}
		lo = next + 1
	}
}

// nextOwn returns the smallest key written in lo ≤ key < hi, or hi.
func (p *Pending) nextOwn(lo, hi Key) Key {
	for i := range p.own {
		if k := p.own[i].key; k >= lo && k < hi {
			hi = k
		}
	}
	return hi
}
