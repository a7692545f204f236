package commits

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/crew"
)

// grace is how long the clients may take to come to an end.
const grace = time.Minute

// slice is one setup, measured once on a new store.
type slice struct {
	opts    Options
	setup   Setup
	maker   *object.Maker
	store   peer.Store
	clients []*Client
}

// run measures. It reports false if it was interrupted.
func (s *slice) run(ctx context.Context) (sample Sample, complete bool, err error) {
	contestant, found := peer.Named(s.setup.Store)
	if !found {
		return sample, false, fmt.Errorf("there is no contestant %q", s.setup.Store)
	}
	dir, err := s.opts.Folder.New(s.setup.Store)
	if err != nil {
		return sample, false, err
	}
	defer os.RemoveAll(dir)
	s.store, err = contestant.Open(peer.Config{Dir: dir, Clients: s.setup.Clients, LogBytes: s.opts.LogBytes})
	if err != nil {
		return sample, false, err
	}
	sample, complete, err = s.use(ctx)
	if err != nil {
		err = fmt.Errorf("%s, %v, %d clients: %w", s.setup.Store, s.setup.Op, s.setup.Clients, err)
	}
	return sample, complete, errors.Join(err, s.store.Close())
}

// use has a burst that is not measured, so that files and memory are there which the
// store uses again, and one that is, and looks whether all is there.
func (s *slice) use(ctx context.Context) (sample Sample, complete bool, err error) {
	for id := range s.setup.Clients {
		s.clients = append(s.clients, NewClient(id, s.store, s.maker, s.opts.groups(s.setup.Clients), s.opts.Seed))
	}
	if s.setup.Op == Update {
		if err := s.each((*Client).Fill); err != nil {
			return sample, false, err
		}
	}
	if _, complete, err = s.measure(ctx, s.opts.Duration); err != nil || !complete {
		return sample, false, err
	}
	if err := s.store.Rest(); err != nil {
		return sample, false, err
	}
	disk.Settle()
	if sample, complete, err = s.measure(ctx, s.opts.Duration); err != nil || !complete || s.setup.Store == peer.Limit {
		return sample, complete, err
	}
	return sample, true, s.each(func(c *Client) error { return c.verify(s.setup.Op) })
}

// each calls f for all clients at once.
func (s *slice) each(f func(*Client) error) error {
	crew.Run(context.Background(), crew.Plan{Goroutines: len(s.clients)}, func(id int, _ *crew.Stop) {
		s.clients[id].err = f(s.clients[id])
	})
	return s.failure()
}

func (s *slice) failure() error {
	for _, c := range s.clients {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// measure has all clients at work for a while.
func (s *slice) measure(ctx context.Context, lasting time.Duration) (sample Sample, complete bool, err error) {
	for _, c := range s.clients {
		c.forget()
	}
	begun := time.Now()
	plan := crew.Plan{Goroutines: len(s.clients), Duration: lasting, Grace: grace}
	out := crew.Run(ctx, plan, func(id int, stop *crew.Stop) { s.clients[id].Run(s.setup.Op, stop) })
	took := time.Since(begun)
	if out.Stuck {
		return sample, false, fmt.Errorf("some client was still at work %v after it was asked to stop", grace)
	}
	if err := s.failure(); err != nil || out.Interrupted {
		return sample, false, err
	}
	times := hdrhistogram.New(1000, int64(time.Minute), 2)
	for _, c := range s.clients {
		sample.Transactions += c.count
		times.Merge(c.times)
	}
	sample.PerSecond = float64(sample.Transactions) / took.Seconds()
	sample.Mean = time.Duration(times.Mean())
	sample.P99 = time.Duration(times.ValueAtQuantile(99))
	return sample, true, nil
}
