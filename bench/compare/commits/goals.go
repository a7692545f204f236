package commits

import (
	"fmt"

	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/report"
)

// aim is a throughput compared with that of another store.
type aim struct {
	op      Op
	clients int
	over    string
	least   float64
}

const (
	single = 1
	crowd  = 64
)

// BurstGoals are those of short runs.
func (r Result) BurstGoals() []report.Goal {
	goals := []report.Goal{}
	for _, op := range Ops() {
		if gain, ran := r.Gain(op, single, peer.Tiercel, peer.Limit); ran {
			name := fmt.Sprintf("%v, 1 client: time over the limit's", op)
			goals = append(goals, report.NewGoal(name, report.AtMost, 1.3, 1/gain))
		}
	}
	return append(goals, r.reach("a burst", []aim{
		{Add, crowd, peer.Limit, 0.75}, {Update, crowd, peer.Limit, 0.75},
		{Add, crowd, peer.Pebble, 1.5}, {Update, crowd, peer.Pebble, 4},
		{Add, crowd, peer.Badger, 10}, {Update, crowd, peer.Badger, 10},
		{Add, crowd, peer.Bbolt, 10}, {Update, crowd, peer.Bbolt, 10},
	})...)
}

// SustainedGoals are those of runs that outlast every buffer.
func (r Result) SustainedGoals() []report.Goal {
	return r.reach("for "+r.Options.Duration.String(), []aim{
		{Update, crowd, peer.Pebble, 3}, {Add, crowd, peer.Pebble, 0.9},
	})
}

func (r Result) reach(what string, aims []aim) []report.Goal {
	goals := []report.Goal{}
	for _, a := range aims {
		if gain, ran := r.Gain(a.op, a.clients, peer.Tiercel, a.over); ran {
			name := fmt.Sprintf("%v, %d clients, %s: throughput over %s", a.op, a.clients, what, a.over)
			goals = append(goals, report.NewGoal(name, report.AtLeast, a.least, gain))
		}
	}
	return goals
}
