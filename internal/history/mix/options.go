package mix

import (
	"time"

	"github.com/tierceldb/tiercel/internal/history"
)

// Options say what the transactions are like. The shares are in percent.
type Options struct {
	Keys  int // how many there are
	Range int // the most keys that a scan covers
	Steps int // how many things a transaction does, on average

	Levels []history.Level // of update transactions

	ReadOnly   int // transactions that are read-only
	Managed    int // update transactions run by Update
	Savepoints int // steps that are about savepoints, in update transactions
	Scans      int // steps that are scans
	Deletes    int // writes that are removals
	Inserts    int // writes that are inserts
	RollBacks  int // transactions that are given up
	Forgets    int // transactions that are left open for a while
	Cancels    int // transactions that are cancelled in the middle
	Timeouts   int // transactions that are given Timeout only
	Pauses     int // steps before which others are let through
	Locks      int // steps that lock a key, and transactions that begin with it
	Prepares   int // update transactions committed in two phases

	Timeout time.Duration
}

// Moderate is a mix of everything on a number of keys.
func Moderate(keys int, levels ...history.Level) Options {
	return Options{
		Keys: keys, Range: 10, Steps: 5, Levels: levels,
		ReadOnly: 40, Managed: 10, Savepoints: 6, Scans: 15, Deletes: 20, Inserts: 20,
		RollBacks: 5, Forgets: 2, Cancels: 1, Pauses: 10,
	}
}
