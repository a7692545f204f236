package shootout

import (
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/txnmgr"
)

// fastNetwork is the round trip, and crowd the number of clients, that the goals
// are about.
const (
	fastNetwork = 400 * time.Microsecond
	crowd       = 64
)

// Goals compares what was measured with what locks by object should win, and must
// not lose. Goals about what did not run are left out.
func (r Result) Goals() []report.Goal {
	goals := []report.Goal{}
	add := func(op Op, name string, sense report.Sense, limit float64, figure func(Sample) float64, of, to Setup) {
		if measured, ran := r.ratio(op, figure, of, to); ran {
			goals = append(goals, report.NewGoal(fmt.Sprintf("%v, %s", op, name), sense, limit, measured))
		}
	}
	many, coarse := Setup{fastNetwork, crowd, txnmgr.ObjectLocks}, Setup{fastNetwork, crowd, txnmgr.CoarseLock}
	one := Setup{fastNetwork, 1, txnmgr.ObjectLocks}
	for _, op := range Ops() {
		add(op, "0.4 ms, 64 clients: throughput, object-level / coarse", report.AtLeast, 30, perSecond, many, coarse)
		add(op, "0.4 ms, object-level: mean time, 64 clients / 1", report.AtMost, 1.3, meanTime, many, one)
		add(op, "0 ms, 1 client: mean time, object-level / coarse", report.AtMost, 1.05, meanTime,
			Setup{0, 1, txnmgr.ObjectLocks}, Setup{0, 1, txnmgr.CoarseLock})
	}
	return goals
}
