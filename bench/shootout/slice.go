package shootout

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/wire"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// slice is one setup, run on an empty store for a short while: adds, then updates
// of what was added, then a look at what is there.
type slice struct {
	m       *txnmgr.Manager
	opts    Options
	setup   Setup
	wire    *wire.Wire
	clients []*client
	log     stress.Log

	samples     [Update + 1]Sample
	interrupted bool
	stuck       bool
}

// grace is how long the clients may take to come to an end, beyond the round trips
// that they wait for one after the other.
const grace = 30 * time.Second

// run runs the slice and closes the manager, unless somebody is stuck in it.
func (s *slice) run(ctx context.Context) error {
	if err := s.share(); err != nil {
		return errors.Join(err, s.m.Close())
	}
	for id := range s.setup.Clients {
		s.clients = append(s.clients, newClient(id, s, s.opts.Seed))
	}
	for _, op := range Ops() {
		s.samples[op] = s.measure(ctx, op)
		if s.interrupted || s.log.Total() > 0 {
			break
		}
		if op == Add && s.opts.tamper != nil {
			s.opts.tamper(s.m)
		}
	}
	if s.stuck {
		return nil
	}
	s.verify()
	return s.m.Close()
}

// share stores the objects that all clients share.
func (s *slice) share() error {
	var key [workload.KeySize]byte
	value := newValue()
	return s.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		for object := range s.opts.Shared {
			workload.PutKey(&key, number(nobody, object))
			fill(value, &key, 0)
			if err := tx.Put(key[:], value); err != nil {
				return err
			}
		}
		return nil
	})
}

// measure has all clients do op for a while.
func (s *slice) measure(ctx context.Context, op Op) Sample {
	runtime.GC() // what others left behind is not to be paid for in some slices
	n := s.setup.Clients
	plan := crew.Plan{Goroutines: n, Duration: s.opts.slice(s.setup.RoundTrip), Grace: grace + time.Duration(3*n)*s.setup.RoundTrip}
	before, begun := s.counted(), time.Now()
	out := crew.Run(ctx, plan, func(id int, stop *crew.Stop) { s.clients[id].run(op, stop) })
	took := time.Since(begun)
	s.interrupted = out.Interrupted
	if out.Stuck {
		s.stuck = true
		s.log.Add(stress.Stuck, "some client is still at work %v after it was asked to stop", plan.Grace)
		return Sample{}
	}
	done := s.counted().minus(before)
	sample := Sample{Op: op, Transactions: done.transactions, Conflicts: done.conflicts}
	sample.PerSecond = float64(done.transactions) / took.Seconds()
	if done.trips > 0 {
		sample.Achieved = done.waited / time.Duration(done.trips)
	}
	var means []float64
	for _, c := range s.clients {
		means = append(means, float64(c.mean())/float64(time.Microsecond))
	}
	sample.Spread = report.NewSpread(means)
	return sample
}

// count is what the clients have done together.
type count struct {
	transactions, conflicts int
	trips                   int
	waited                  time.Duration
}

func (s *slice) counted() (all count) {
	for _, c := range s.clients {
		trips, waited := c.wire.Waited()
		all.transactions += c.added + c.updated
		all.conflicts += c.conflicts
		all.trips += trips
		all.waited += waited
	}
	return all
}

func (a count) minus(b count) count {
	return count{a.transactions - b.transactions, a.conflicts - b.conflicts, a.trips - b.trips, a.waited - b.waited}
}
