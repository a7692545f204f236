package locking

import (
	"context"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// slice is the test of one setup, repeated on one database for a short while. It
// begins empty, and each test leaves it so.
type slice struct {
	m     *txnmgr.Manager
	opts  Options
	setup Setup
	log   stress.Log

	tests       int
	clock       time.Duration // of all tests
	cpu         workload.CPU  // likewise
	counts      Counts        // likewise, of all workers
	left        int64         // records in the database
	interrupted bool
	stuck       bool
}

// grace is how long the workers may take to come to an end. It is far beyond any
// test that is not stuck.
const grace = 30 * time.Second

// run repeats the test and returns what one took. It closes the manager, unless
// somebody is stuck in it.
func (s *slice) run(ctx context.Context) (Sample, error) {
	runtime.GC() // what others left behind is not to be paid for in some slices
	for s.clock < sliceLength && !s.over() {
		s.test(ctx)
	}
	if s.stuck {
		return Sample{}, nil
	}
	waits := s.m.Stats().Waits
	s.log.Settle(s.m, s.left, s.setup.Workers)
	return s.sample(waits), s.m.Close()
}

func (s *slice) over() bool { return s.interrupted || s.log.Total() > 0 }

// test runs the test once.
func (s *slice) test(ctx context.Context) {
	workers := make([]*worker, s.setup.Workers)
	for id := range workers {
		rng := rand.New(rand.NewPCG(s.opts.Seed+uint64(s.tests), uint64(id)))
		workers[id] = &worker{id: id, db: database{s.m}, log: &s.log, rng: rng, tamper: func() {}}
	}
	if s.opts.tamper != nil {
		workers[0].tamper = func() { s.opts.tamper(s.m) }
	}
	cpu, begun := workload.ProcessCPU(), time.Now()
	out := s.work(ctx, workers)
	s.clock += time.Since(begun)
	s.cpu = s.cpu.Plus(workload.ProcessCPU().Minus(cpu))
	s.tests++
	s.interrupted = out.Interrupted
	if s.stuck = out.Stuck; s.stuck {
		s.log.Add(stress.Stuck, "some worker is still at work %v after it was asked to stop", grace)
		return
	}
	for _, w := range workers {
		s.counts.Add(w.counts)
		s.left += w.left()
	}
}

// work runs all workers to their end.
func (s *slice) work(ctx context.Context, workers []*worker) crew.Outcome {
	plan := crew.Plan{Goroutines: len(workers), Grace: grace}
	return crew.Run(ctx, plan, func(id int, stop *crew.Stop) { workers[id].run(s.setup.Records, stop) })
}

// sample divides everything by the number of tests.
func (s *slice) sample(waits uint64) Sample {
	tests := float64(max(s.tests, 1))
	of := func(d time.Duration) time.Duration { return time.Duration(float64(d) / tests) }
	sample := Sample{Tests: s.tests, Clock: of(s.clock), User: of(s.cpu.User), System: of(s.cpu.System), Waits: float64(waits) / tests}
	for op, n := range s.counts {
		sample.Counts[op] = n / tests / float64(s.setup.Workers)
	}
	return sample
}
