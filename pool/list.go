package pool

// Snapshots appends the snap words of all active slots to buf and returns it. It
// takes no lock: a slot that is taken during the walk, or appended after the list
// was loaded, passes the second look of take later than whatever the caller
// loaded before.
func (p *Pool) Snapshots(buf []uint64) []uint64 {
	before := len(buf)
	for _, s := range *p.list.Load() {
		if snap := s.snap.Load(); snap != Available && snap != Retired {
			buf = append(buf, snap)
		}
	}
	if active := int64(len(buf) - before); active > p.scanned.Load() {
		p.scanned.Store(active)
	}
	return buf
}

// Active calls fn with every active slot, its generation and snap word. The
// transaction may have ended meanwhile; Force and End check that.
func (p *Pool) Active(fn func(s *Slot, gen, snap uint64)) {
	for _, s := range *p.list.Load() {
		gen := s.gen.Load()
		if snap := s.snap.Load(); snap != Available && snap != Retired {
			fn(s, gen, snap)
		}
	}
}

// Len returns the number of slots.
func (p *Pool) Len() int { return len(*p.list.Load()) }

// shrinkFrom is the length below which a list is not worth shrinking.
const shrinkFrom = 256

// Trim drops the retired slots, and after a burst the many that were not in use
// at any scan since the last Trim. It takes the exclusive lock only if there is
// something to drop.
func (p *Pool) Trim() {
	if !p.looks.TryLock() {
		return
	}
	defer p.looks.Unlock()
	slots, retired := *p.list.Load(), 0
	for _, s := range slots {
		if s.snap.Load() == Retired {
			retired++
		}
	}
	peak := int(p.scanned.Swap(0))
	excess := 0
	if len(slots) >= shrinkFrom && peak < len(slots)/4 {
		excess = len(slots) - max(2*peak, shrinkFrom/2)
	}
	if excess == 0 && retired <= batch {
		return
	}
	p.lockList()
	defer p.lock.Unlock()
	p.retire(excess)
	p.dropRetired()
}

// retire retires up to n slots that are available.
func (p *Pool) retire(n int) {
	for _, s := range *p.list.Load() {
		if n <= 0 {
			return
		}
		if s.snap.CompareAndSwap(Available, Retired) {
			n--
		}
	}
}

// dropRetired takes the retired slots out of the list. The caller holds the
// exclusive lock.
func (p *Pool) dropRetired() {
	old := *p.list.Load()
	kept := make([]*Slot, 0, len(old))
	for _, s := range old {
		if s.snap.Load() == Retired {
			p.ended += s.gen.Load() &^ Forced
			p.forced += s.gen.Load() / Forced
			continue
		}
		kept = append(kept, s)
	}
	p.list.Store(&kept)
}

// Close lets nothing begin any more and ends what is active by calling end,
// which must make the slot leave its generation. It waits for no user.
func (p *Pool) Close(end func(s *Slot, gen, snap uint64)) {
	p.lockList()
	defer p.lock.Unlock()
	p.closed = true
	for _, s := range *p.list.Load() {
		for s.snap.Load() != Retired {
			if s.snap.CompareAndSwap(Available, Retired) {
				break
			}
			gen := s.gen.Load()
			if gen&Forced != 0 {
				gen = gen&^Forced - 1 // end completes what another has begun
			}
			if snap := s.snap.Load(); snap != Available && snap != Retired {
				end(s, gen, snap)
			}
		}
	}
	p.dropRetired()
}

// Stats are the pool's figures.
type Stats struct {
	Slots          int    // in the list
	Active         int    // of these
	Ended          uint64 // transactions that ended, however
	Forced         uint64 // of these, by force
	Made           uint64 // slots ever made
	Oldest         uint64 // the smallest snapshot of these, or 0
	ExclusiveLocks uint64 // times the exclusive lock was taken
}

// Stats adds up the figures; begin and end count nothing but their generation.
func (p *Pool) Stats() Stats {
	token := p.lock.RLock()
	defer p.lock.RUnlock(token)
	st := Stats{Ended: p.ended, Forced: p.forced, Made: p.made, ExclusiveLocks: p.exclusive.Load()}
	for _, s := range *p.list.Load() {
		st.Slots++
		st.Ended += s.gen.Load() &^ Forced
		st.Forced += s.gen.Load() / Forced
		if snap := s.snap.Load(); snap != Available && snap != Retired {
			st.Active++
			if snap &^= Update; st.Oldest == 0 || snap < st.Oldest {
				st.Oldest = snap
			}
		}
	}
	return st
}
