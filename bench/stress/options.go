package stress

import (
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Options of a run.
type Options struct {
	Goroutines int // at least 1
	Duration   time.Duration
	Seed       uint64           // same seed, same work
	Accounts   int              // at least 2
	Hot        int              // counters that everybody increments, at least 1
	Churn      int              // keys in the range of each goroutine, at least 1
	Isolation  txnmgr.Isolation // of updates, except where a kind needs Serializable

	// tamper, set in tests, breaks something behind the back of the run, so
	// that the checks can be seen to notice.
	tamper func(*trial, stage)
}

// stage is a moment of a run.
type stage int

const (
	beforeReader stage = iota // the first state is stored, the old reader not yet open
	beforeWork                // the old reader is open, no goroutine has started
	afterWork                 // all goroutines have stopped, nothing is checked yet
	beforePurge               // all transactions are closed
)

// at calls the tampering of a test, if there is one.
func (t *trial) at(s stage) {
	if t.opts.tamper != nil {
		t.opts.tamper(t, s)
	}
}
