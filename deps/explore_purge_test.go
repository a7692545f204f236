package deps_test

import (
	"fmt"
	"math/bits"

	"github.com/tierceldb/tiercel/internal/explore"
)

// storePurge is the purge: what its mutex protects.
type storePurge struct {
	storeScan
	at, written uint8 // records done, and writes of the next one
	horizon     uint8
	aside       [storeStamps]uint8 // by snapshot, masks of versions; 0 is the list of busy objects
	graves      [storeStamps]uint8 // the same for tombstones that wait for an update transaction
	freed       uint8              // mask of versions
}

// storeScan is what a scan found.
type storeScan struct {
	m               uint8
	active, updates uint8 // masks of snapshots; updates are those that may write
}

// purger is what one purge keeps from step to step.
type purger struct {
	storeScan
	v, x, below uint8 // versions: the newer one, the one that goes, the one below
	settling    bool  // and not going along the records
}

// scanned is the scan that a purge goes by: the last one. (Purges that do not
// exclude each other go each by their own, or they would fail for that alone.)
func (p *storeProcess) scanned(s *storeState, number int) *storeScan {
	if p.fault == purgersTogether {
		return &s.purgers[number].storeScan
	}
	return &s.purge.storeScan
}

// purgeAll is Manager.Purge, so many times.
func (p *storeProcess) purgeAll(number, times int) {
	for i := range times {
		name := fmt.Sprintf("purge %d: ", i+1)
		p.step(name+"lock", func(s *storeState) explore.Next {
			if p.fault == purgersTogether {
				return explore.On()
			}
			if s.mutex {
				return explore.Wait()
			}
			s.mutex = true
			return explore.On()
		})
		if i > 0 {
			p.purgeStep(number, name+"before: ")
		}
		p.scan(number, name)
		p.purgeStep(number, name)
		p.step(name+"unlock", func(s *storeState) explore.Next {
			s.mutex = false
			s.purgers[number] = purger{}
			return explore.On()
		})
	}
}

// scan is Manager.scan.
func (p *storeProcess) scan(number int, name string) {
	p.step(name+"load V", func(s *storeState) explore.Next {
		s.purgers[number] = purger{storeScan: storeScan{m: s.visible}}
		if p.fault == purgeByApplied {
			s.purgers[number].m = s.last
		}
		return explore.On()
	})
	for t := range storeTxns {
		plan := &p.plans[t]
		p.step(fmt.Sprintf("%sload slot %d", name, t), func(s *storeState) explore.Next {
			x := &s.purgers[number]
			if snap := s.slots[t]; snap != 0 {
				x.active |= 1 << snap
				if len(plan.writes) > 0 {
					x.updates |= 1 << snap
				}
			}
			// Slots that nobody has in this model need no steps of their own.
			if t+1 == p.used {
				return p.to(name + "take stock")
			}
			return explore.On()
		})
	}
	p.step(name+"take stock", func(s *storeState) explore.Next {
		x, in := &s.purgers[number], &s.purge
		in.storeScan = x.storeScan
		oldest := x.m
		for snap := x.m; snap > 0; snap-- {
			if x.active>>snap&1 == 1 {
				oldest = snap
			}
		}
		in.horizon = max(in.horizon, oldest)
		for snap := range in.aside {
			if x.active>>snap&1 == 0 {
				in.freed |= in.aside[snap]
				in.aside[snap] = 0
			}
			if x.updates>>snap&1 == 0 {
				in.freed |= in.graves[snap]
				in.graves[snap] = 0
			}
		}
		return explore.On()
	})
}

// purgeStep is Manager.step without a budget.
func (p *storeProcess) purgeStep(number int, name string) {
	p.step(name+"next", func(s *storeState) explore.Next {
		x, in := &s.purgers[number], &s.purge
		x.v, x.x, x.below, x.settling = 0, 0, 0, false
		for v := uint8(1); v <= storeVersions; v++ {
			if in.freed>>v&1 == 1 {
				in.freed &^= 1 << v
				x.x, x.settling = v, true
				return p.to(name + "settle")
			}
		}
		return p.nextWrite(s, number, name)
	})
	p.settle(number, name)
	p.superseded(number, name)
	p.unlink(number, name)
	p.bury(number, name)
	p.step(name+"done, cut links", func(s *storeState) explore.Next {
		p.cutLinks(s, number)
		return explore.On()
	})
}

// cutLinks is Manager.unlinkRecords.
func (p *storeProcess) cutLinks(s *storeState, number int) {
	bound := p.scanned(s, number).m
	for t := range s.txns {
		if stood := s.txns[t].stood; stood != 0 && p.fault != cutDespiteValidation {
			bound = min(bound, stood)
		}
	}
	for at := range s.purge.at {
		if s.recordTS(at) < bound {
			s.cut |= 1 << at
		}
	}
}

// recordTS is the timestamp of a record of the committed list; 0 is the origin.
func (s *storeState) recordTS(place uint8) uint8 {
	if place == 0 {
		return first
	}
	return s.txns[s.records[place]-1].state - stateCommitted
}

// nextWrite goes along the committed list.
func (p *storeProcess) nextWrite(s *storeState, number int, name string) explore.Next {
	x, in := &s.purgers[number], &s.purge
	for in.at < s.linked {
		by := s.records[in.at+1]
		ts := s.txns[by-1].state - stateCommitted
		if m := p.scanned(s, number).m; ts > m || ts == m && p.fault == purgeBelowV {
			break
		}
		if writes := p.plans[by-1].writes; int(in.written) < len(writes) {
			x.v = p.version(int(by-1), int(in.written))
			in.written++
			return p.to(name + "superseded")
		}
		in.at++
		in.written = 0
	}
	return p.to(name + "done, cut links")
}

// superseded is Manager.superseded, for one version at a time.
func (p *storeProcess) superseded(number int, name string) {
	p.step(name+"superseded", func(s *storeState) explore.Next {
		x := &s.purgers[number]
		if x.x = s.versions[x.v].older; x.x == 0 {
			if s.versions[x.v].marks&markTombstone != 0 {
				return p.to(name + "bury")
			}
			return p.to(name + "next")
		}
		return p.pinOrUnlink(s, number, name)
	})
}

// pinOrUnlink sets x aside, if a snapshot sees it, or unlinks it.
func (p *storeProcess) pinOrUnlink(s *storeState, number int, name string) explore.Next {
	x, in := &s.purgers[number], &s.purge
	if snap := youngestBelow(p.scanned(s, number).active, s.commitTS(x.v)); snap >= s.commitTS(x.x) {
		s.setAside(&in.aside[snap], x.x, markAsideVisible)
		return p.to(name + "next")
	}
	return p.to(name + "unlink: load older")
}

// youngestBelow returns the largest snapshot of a mask below limit, or 0.
func youngestBelow(mask, limit uint8) uint8 {
	if below := mask & (1<<limit - 1); below != 0 {
		return uint8(bits.Len8(below)) - 1
	}
	return 0
}

// setAside is purge.setAside.
func (s *storeState) setAside(list *uint8, v, why uint8) {
	if s.versions[v].marks&why == 0 {
		s.versions[v].marks |= why
		*list |= 1 << v
	}
}

// settle is Manager.settle.
func (p *storeProcess) settle(number int, name string) {
	p.step(name+"settle", func(s *storeState) explore.Next {
		x := &s.purgers[number]
		v := &s.versions[x.x]
		o := &s.objects[v.object]
		if v.marks&markUnlinked != 0 || o.lock == lockDead {
			return p.to(name + "next")
		}
		v.marks &^= markAsideTombstone | markAsideVisible
		x.v = 0
		for n := o.head; n != 0; n = s.versions[n].older {
			if s.versions[n].older == x.x {
				x.v = n
			}
		}
		if x.v == 0 || s.commitTS(x.v) == 0 {
			if v.marks&markTombstone != 0 && v.older == 0 {
				x.v = x.x
				return p.to(name + "bury")
			}
			return p.to(name + "next")
		}
		if s.commitTS(x.v) > p.scanned(s, number).m {
			return p.to(name + "next")
		}
		return p.pinOrUnlink(s, number, name)
	})
}

// unlink is storage.Unlink.
func (p *storeProcess) unlink(number int, name string) {
	p.step(name+"unlink: load older", func(s *storeState) explore.Next {
		x := &s.purgers[number]
		x.below = s.versions[x.x].older
		return explore.On()
	})
	p.step(name+"unlink: store older", func(s *storeState) explore.Next {
		x := &s.purgers[number]
		v := &s.versions[x.v]
		v.older = x.below
		s.versions[x.x].marks |= markUnlinked
		switch {
		case !x.settling:
			return p.to(name + "superseded")
		case v.marks&markTombstone != 0 && v.older == 0:
			return p.to(name + "bury")
		}
		return p.to(name + "next")
	})
}

// bury is Manager.bury of the tombstone v, with Store.Remove.
func (p *storeProcess) bury(number int, name string) {
	object := func(s *storeState) uint8 { return s.versions[s.purgers[number].v].object }
	next := p.to(name + "next")
	p.step(name+"bury", func(s *storeState) explore.Next {
		x := &s.purgers[number]
		if snap := youngestBelow(p.scanned(s, number).updates, s.commitTS(x.v)); snap != 0 && p.fault != buryDespiteUpdates {
			s.setAside(&s.purge.graves[snap], x.v, markAsideTombstone)
			return next
		}
		switch o := &s.objects[object(s)]; o.lock {
		case lockFree:
			o.lock = lockHeld
			return explore.On()
		case lockHeld:
			s.setAside(&s.purge.aside[0], x.v, markAsideTombstone)
		}
		return next
	})
	p.step(name+"bury: look at head", func(s *storeState) explore.Next {
		if o := &s.objects[object(s)]; o.head != s.purgers[number].v {
			o.lock = lockFree
			return next
		}
		return explore.On()
	})
	p.step(name+"bury: kill", func(s *storeState) explore.Next {
		s.objects[object(s)].lock = lockDead
		return explore.On()
	})
	p.forget(name+"bury: ", explore.On(), object)
	p.step(name+"bury: mark", func(s *storeState) explore.Next {
		s.versions[s.purgers[number].v].marks |= markUnlinked
		return next
	})
}
