package crash

import (
	"time"

	"github.com/tierceldb/tiercel/bench/stress"
)

// Result is what a run found.
type Result struct {
	Options     Options
	Elapsed     time.Duration // since the start
	Interrupted bool          // before all crashes

	Crashes int // children that were killed
	Opening int // of these, before they had opened the store
	Lives   int // that were judged

	Acknowledged uint64 // commits
	Async        uint64 // of these, that did not wait for the disk
	AsyncLost    uint64 // of these, that a crash has lost, which is allowed
	Survived     uint64 // commits that were not acknowledged, and survived
	Gone         uint64 // that were not, and did not
	ReadOnly     uint64 // transactions that only read
	Prepared     uint64 // transactions that were prepared
	Carried      uint64 // of these, that were prepared after a restart, each time counted

	Checked     uint64        // transactions whose history was checked
	Edges       uint64        // of the graphs of that
	Checking    time.Duration // that it took to judge the lives
	LongestOpen time.Duration // that a child took to open the store

	Violations []stress.Violation // empty if every check held
	Samples    []Sample           // one for each child
}

// Throughput returns acknowledged commits per second of the run, restarts included.
func (r *Result) Throughput() float64 {
	return float64(r.Acknowledged) / max(r.Elapsed.Seconds(), 1e-9)
}

// Sample is the state of a run when a child is dead.
type Sample struct {
	Elapsed    time.Duration // since the start
	Crashes    int           // children that were killed
	Commits    uint64        // acknowledged
	Violations int           // found
}

// add adds what came of a life.
func (r *Result) add(l *life, j judgement) {
	r.Lives++
	r.Checked += uint64(j.report.Transactions)
	r.Edges += uint64(j.report.Edges)
	r.Survived += uint64(j.survived)
	r.AsyncLost += uint64(j.lost)
	for _, f := range l.fates {
		r.count(f)
	}
}

func (r *Result) count(f *fate) {
	switch {
	case f.promised():
		r.Acknowledged++
		if f.promise == inOrder {
			r.Async++
		}
	case f.stage == wanting && !f.survived:
		r.Gone++
	case f.stage == isOver && !f.happened:
		r.ReadOnly++
	}
	if f.xid != "" && !f.guest {
		r.Prepared++
	}
}
