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

// leftovers judges the statistics of a manager whose transactions have all
// ended and that has been purged. held are the statistics after a purge while
// one reader was open, live is the number of keys that a scan yields, peak the
// most transactions that were open at once.
func leftovers(after, held txnmgr.Stats, live int64, peak int) []finding {
	var found []finding
	must := func(holds bool, c Check, format string, args ...any) {
		if !holds {
			found = append(found, finding{c, fmt.Errorf(format, args...)})
		}
	}
	must(held.Versions <= maxChainHeld*held.Objects, ChainLength,
		"%d versions of %d objects with one reader open, want at most %d an object", held.Versions, held.Objects, maxChainHeld)
	must(after.Active == 0, NothingActive, "%d transactions count as active, all have been closed", after.Active)
	must(after.Versions == after.Objects, OneVersion, "%d versions of %d objects", after.Versions, after.Objects)
	must(after.Objects == live, DeletedGone, "%d objects, a scan yields %d", after.Objects, live)
	must(after.CommittedListLength == 0, CommittedList, "%d entries in the committed list", after.CommittedListLength)
	must(after.PinnedVersions == 0, NothingPinned, "%d versions set aside, no snapshot is open", after.PinnedVersions)
	must(after.TransactionObjects <= maxObjects(peak), ObjectsBounded,
		"%d transaction objects, at most %d transactions were open at once", after.TransactionObjects, peak)
	return found
}

// maxObjects is the longest that the active list may become: it grows only
// when all its objects are in use, by one and ten more, or an eighth of its
// length if that is more.
func maxObjects(peak int) int { return peak + 1 + max(10, peak/8) }
