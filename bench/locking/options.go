package locking

import (
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Options say what to run.
type Options struct {
	Workers  []int         // how many at the same time, one after the other; at least 1
	Records  []int         // that each worker writes at first, likewise
	Duration time.Duration // to aim at, in all
	Seed     uint64        // of the choice of records

	tamper func(*txnmgr.Manager) // after the records are written, in tests
}

// Setup is one of the things to compare.
type Setup struct {
	Records int                // of each worker at first
	Workers int                // at the same time
	Locks   txnmgr.Granularity // of the manager
}

// compared are the granularities for so many workers. Without locks there can be
// only one.
func compared(workers int) []txnmgr.Granularity {
	if workers == 1 {
		return []txnmgr.Granularity{txnmgr.NoLocks, txnmgr.CoarseLock, txnmgr.ObjectLocks}
	}
	return []txnmgr.Granularity{txnmgr.CoarseLock, txnmgr.ObjectLocks}
}

// The least time for which one round compares the granularities for so many records
// and workers. With few workers that is several times, which have more to tell than
// one long slice, and for a single one, where little must be lost, the most.
const (
	comparison = 100 * time.Millisecond
	alone      = 500 * time.Millisecond
)

// comparison is how long that is in this run, which may be a short one.
func (o Options) comparison(workers int) time.Duration {
	least := comparison
	if workers == 1 {
		least = alone
	}
	return min(least, o.Duration/time.Duration(len(o.Workers)*len(o.Records)))
}

// sliceLength is how long the test of one setup is repeated at a time: long enough
// for the clock of processor time, short enough for what disturbs the machine to
// disturb the neighbour in the comparison too. The test runs once at least.
const sliceLength = 20 * time.Millisecond
