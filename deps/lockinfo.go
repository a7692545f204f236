package deps

import (
	"bytes"
	"slices"
	"time"

	"github.com/tierceldb/tiercel/storage"
)

// LockInfo is an object that is locked.
type LockInfo struct {
	Key     []byte       // of the object
	Holders []LockHolder // in no order
	Queue   []LockWaiter // first come first
}

// LockHolder is one who holds it.
type LockHolder struct {
	Label, XID string // the xid only if it is prepared
	Mode       storage.LockMode
}

// LockWaiter is one who waits for it.
type LockWaiter struct {
	Label   string           // of the transaction
	Mode    storage.LockMode // that it wants
	Waiting time.Duration    // until now
}

// Locks describes what is locked by Lock, or by prepared transactions, or waited
// for. It is put together while the others go on, so its parts may not be of the
// same moment. Votes that nobody waits for are not in it.
func (m *Manager) Locks() []LockInfo { return m.locksOf(nil, nil) }

// HoldersOf returns who holds o besides r.
func (m *Manager) HoldersOf(o *storage.Object, r *Record) []LockHolder {
	if m.granularity == CoarseLock {
		o = m.whole
	}
	for _, info := range m.locksOf(o, r) {
		return info.Holders
	}
	return nil
}

// locksOf is Locks of one object, or of all if only is nil, without what r holds.
func (m *Manager) locksOf(only *storage.Object, but *Record) []LockInfo {
	s := survey{only: only, infos: make(map[*storage.Object]*LockInfo)}
	g := m.collect()
	for o, queue := range g.queues {
		for _, w := range queue {
			if info := s.of(o); info != nil {
				info.Queue = append(info.Queue, LockWaiter{Label: w.record.Label(), Mode: w.to, Waiting: time.Since(w.since)})
			}
		}
	}
	xids := make(map[*Record]string)
	for _, p := range m.Prepared() {
		xids[p.record] = p.XID
	}
	m.eachRecord(func(r *Record) {
		if r == but {
			return
		}
		for o, mode := range r.locked(xids[r] != "") {
			if info := s.of(o); info != nil {
				info.Holders = append(info.Holders, LockHolder{Label: r.Label(), XID: xids[r], Mode: mode})
			}
		}
	})
	for o, holders := range g.holders { // votes that are waited for
		info := s.of(o)
		for _, h := range holders {
			if info != nil && len(info.Holders) == 0 && h.record != but {
				info.Holders = append(info.Holders, LockHolder{Label: h.record.Label(), XID: xids[h.record], Mode: h.mode})
			}
		}
	}
	list := make([]LockInfo, 0, len(s.infos))
	for _, info := range s.infos {
		list = append(list, *info)
	}
	slices.SortFunc(list, func(a, b LockInfo) int { return bytes.Compare(a.Key, b.Key) })
	return list
}

// survey collects the infos.
type survey struct {
	only  *storage.Object
	infos map[*storage.Object]*LockInfo
}

// of returns the info of o, or nil if it is not asked for.
func (s *survey) of(o *storage.Object) *LockInfo {
	if s.only != nil && s.only != o {
		return nil
	}
	info := s.infos[o]
	if info == nil {
		info = &LockInfo{Key: o.Key()}
		s.infos[o] = info
	}
	return info
}

// locked returns what r has locked by Lock, and if it is prepared what it writes.
func (r *Record) locked(isPrepared bool) map[*storage.Object]storage.LockMode {
	modes := make(map[*storage.Object]storage.LockMode)
	if h := r.held.Load(); h != nil {
		h.each(func(x holding) { modes[x.object] = max(modes[x.object], x.mode) })
	}
	if isPrepared {
		for i := range r.Writes {
			o := r.Writes[i].Object
			modes[o] = max(modes[o], o.Exclusively())
		}
	}
	return modes
}
