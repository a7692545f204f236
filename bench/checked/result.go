package checked

import (
	"strings"
	"time"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Result is what a run found.
type Result struct {
	Options     Options
	Elapsed     time.Duration // until the last window was checked
	Interrupted bool          // before Options.Duration had passed

	// Checked are the transactions that were checked, Committed and RolledBack what
	// became of them.
	Checked, Committed, RolledBack uint64

	Windows  int           // that the run was divided into
	Edges    uint64        // of all serialization graphs
	Cycles   uint64        // in them
	Faults   uint64        // other than cycles
	Checking time.Duration // that the checks took, while other windows ran

	// Skews says, at Snapshot, how many cycles by write skew the first window had,
	// which are allowed there: it shows that the transactions did meet.
	Skews int

	Stats      txnmgr.Stats       // after the last purge
	Violations []stress.Violation // empty if every check held
	Samples    []Sample           // one a window
}

// Sample is the state of a run when a window has been checked.
type Sample struct {
	// Counted since the start.
	Elapsed time.Duration
	Checked uint64 // transactions
	Cycles  uint64
}

// Throughput returns checked transactions per second.
func (r *Result) Throughput() float64 {
	return float64(r.Checked) / max(r.Elapsed.Seconds(), 1e-9)
}

// add adds the report on one window.
func (r *Result) add(report *history.Report, h *history.History) {
	r.Windows++
	r.Checked += uint64(report.Transactions)
	r.Edges += uint64(report.Edges)
	r.Cycles += uint64(report.Cycles)
	r.Faults += uint64(report.Faults)
	for i := range h.Txns {
		if h.Txns[i].Outcome == history.Committed {
			r.Committed++
		}
	}
	r.RolledBack = r.Checked - r.Committed
	for _, a := range report.Anomalies {
		r.Violations = append(r.Violations, stress.Violation{
			Invariant: Invariant(a.Fault), Name: a.Name(), Count: 1,
			Details: []string{strings.ReplaceAll(strings.TrimSpace(a.Schedule), "\n", "\n    ")},
		})
	}
}

// Invariant returns the number of the invariant that a fault breaks.
func Invariant(f history.Fault) string {
	switch f {
	case history.BadCommit:
		return "I1"
	case history.FracturedRead, history.OTV:
		return "I3"
	case history.StaleRead, history.StaleSnapshot:
		return "I4"
	case history.G1a:
		return "I7"
	}
	return "I8"
}
