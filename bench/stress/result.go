package stress

import (
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Result is what a stress run found.
type Result struct {
	Options      Options
	Elapsed      time.Duration // while transactions were begun
	Interrupted  bool          // before Options.Duration had passed
	Transactions uint64        // that ended as they should
	Kinds        []KindCount   // the same by kind
	Stats        txnmgr.Stats  // after the last purge
	Peak         int           // upper bound of what was open at once
	MaxObjects   int           // most transaction objects at any tick and at the end
	Violations   []Violation   // empty if every check held
	Samples      []Sample      // one a tick
	Stacks       string        // of all goroutines, if one was stuck
}

// Throughput returns transactions per second.
func (r Result) Throughput() float64 {
	return float64(r.Transactions) / max(r.Elapsed.Seconds(), 1e-9)
}

// gather adds up what the goroutines counted. Only the published counts are
// safe to read while one is stuck.
func (t *trial) gather(res *Result) {
	res.Kinds = make([]KindCount, numKinds)
	for k := range numKinds {
		res.Kinds[k].Kind = k.Name()
	}
	for _, w := range t.workers {
		res.Transactions += w.published.Load()
	}
	if res.Stacks == "" {
		t.gatherKinds(res)
	}
	res.MaxObjects = max(t.objects, res.Stats.TransactionObjects)
	res.Violations = t.log.Violations()
	res.Samples = t.samples
}

func (t *trial) gatherKinds(res *Result) {
	res.Transactions = 0
	res.Peak = t.peak()
	for _, w := range t.workers {
		for k, n := range w.tally {
			res.Kinds[k].Ended += n[ended]
			res.Kinds[k].GaveUp += n[gaveUp]
			res.Transactions += n[ended]
		}
	}
}
