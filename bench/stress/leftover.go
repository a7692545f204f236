package stress

import (
	"fmt"

	"github.com/tierceldb/tiercel/txnmgr"
)

// finding is a violation that has not been recorded yet.
type finding struct {
	check Check
	err   error
}

// maxChainHeld is how many versions a chain may hold after a purge while one
// reader is open: one for the snapshot and two (see the purge protocol).
const maxChainHeld = 3

// Settle purges a manager whose transactions have all ended and tells which
// checks of what must be left do not hold. live is the number of keys that a
// scan would yield, peak how many transactions were open at once at most.
func Settle(m *txnmgr.Manager, live int64, peak int) []Violation {
	var log Log
	log.Settle(m, live, peak)
	return log.Violations()
}

// SettleStored is Settle for a manager over a durable store: objects leave memory and
// come back there, so how many are in it says nothing.
func SettleStored(m *txnmgr.Manager, peak int) []Violation {
	var log Log
	m.Purge()
	for _, f := range leftovers(m.Stats(), 0, peak) {
		switch f.check {
		case NothingActive, NothingPinned, ObjectsBounded:
			log.Add(f.check, "%v", f.err)
		}
	}
	return log.Violations()
}

// Settle is the function Settle into a log that has other violations too.
func (l *Log) Settle(m *txnmgr.Manager, live int64, peak int) {
	m.Purge()
	for _, f := range leftovers(m.Stats(), live, peak) {
		l.Add(f.check, "%v", f.err)
	}
}

// leftovers judges the statistics after the last purge.
func leftovers(s txnmgr.Stats, live int64, peak int) []finding {
	var found []finding
	must := func(holds bool, c Check, format string, args ...any) {
		if !holds {
			found = append(found, finding{c, fmt.Errorf(format, args...)})
		}
	}
	must(s.Active == 0, NothingActive, "%d transactions count as active, all have been closed", s.Active)
	must(s.Versions == s.Objects, OneVersion, "%d versions of %d objects", s.Versions, s.Objects)
	must(s.Objects == live, DeletedGone, "%d objects, a scan yields %d", s.Objects, live)
	must(s.CommittedListLength == 0, CommittedList, "%d entries in the committed list", s.CommittedListLength)
	must(s.PinnedVersions == 0, NothingPinned, "%d versions set aside, no snapshot is open", s.PinnedVersions)
	must(s.TransactionObjects <= MaxObjects(peak), ObjectsBounded,
		"%d transaction objects, at most %d transactions were open at once", s.TransactionObjects, peak)
	return found
}

// checkChains judges the statistics after a purge while one reader is open.
func (l *Log) checkChains(s txnmgr.Stats) {
	if s.Versions > maxChainHeld*s.Objects {
		l.Add(ChainLength, "%d versions of %d objects with one reader open, want at most %d an object",
			s.Versions, s.Objects, maxChainHeld)
	}
}

// MaxObjects is the longest that the active list may become when so many
// transactions are open at once: it grows only when all its objects are in
// use, by one and ten more, or an eighth of its length if that is more.
func MaxObjects(peak int) int { return peak + 1 + max(10, peak/8) }
