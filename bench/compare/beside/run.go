package beside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/crew"
)

const (
	// grace is how long everybody may take to come to an end.
	grace = time.Minute
	// groups of objects of each writer: all of them are hot.
	groups = 5
)

// Options say what to run, and with which Contestants.
type Options struct {
	Contestants []peer.Contestant
	Writers     int           // clients that commit at the same time
	Readers     int           // goroutines that read at the same time
	Duration    time.Duration // of each measurement, after a warm-up of a quarter
	Rounds      int           // how often each is made
	LogBytes    int64         // see peer.Config
	Folder      disk.Folder
	Seed        uint64 // of every random choice
}

// Progress says what runs next.
type Progress struct {
	Setup
	Round, Rounds int // from 1
}

// trial is a contestant being measured.
type trial struct {
	opts    Options
	tick    func(Progress)
	maker   *object.Maker
	store   peer.Store
	writers []*commits.Client
	begun   uint64 // readers so far
	res     *Result
}

// Run measures the contestants one after the other, and of each in turn what its
// readers do alone and beside writers. If ctx ends, it ends early, with what was
// measured until then. The error is one of a store's.
func Run(ctx context.Context, opts Options, tick func(Progress)) (Result, error) {
	res := Result{Options: opts, samples: map[Setup][]Sample{}}
	for _, c := range opts.Contestants {
		t := &trial{opts: opts, tick: tick, maker: object.NewMaker(commits.ObjectSize, opts.Seed), res: &res}
		if err := t.run(ctx, c); err != nil {
			return res, fmt.Errorf("%s: %w", c.Name, err)
		}
		if res.Interrupted = ctx.Err() != nil; res.Interrupted {
			return res, nil
		}
	}
	return res, nil
}

func (t *trial) run(ctx context.Context, c peer.Contestant) error {
	dir, err := t.opts.Folder.New(c.Name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t.store, err = c.Open(peer.Config{Dir: dir, Clients: t.opts.Writers, LogBytes: t.opts.LogBytes})
	if err != nil {
		return err
	}
	for id := range t.opts.Writers {
		t.writers = append(t.writers, commits.NewClient(id, t.store, t.maker, groups, t.opts.Seed))
	}
	return errors.Join(t.rounds(ctx, c.Name), t.store.Close())
}

func (t *trial) rounds(ctx context.Context, name string) error {
	errs := make([]error, len(t.writers))
	crew.Run(ctx, crew.Plan{Goroutines: len(errs)}, func(id int, _ *crew.Stop) { errs[id] = t.writers[id].Fill() })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for round := range t.opts.Rounds {
		for i := range Companies() {
			setup := Setup{name, Companies()[(i+round)%len(Companies())]}
			t.tick(Progress{setup, round + 1, t.opts.Rounds})
			if _, err := t.measure(ctx, setup.Company, t.opts.Duration/4); err != nil {
				return err
			}
			sample, err := t.measure(ctx, setup.Company, t.opts.Duration)
			if err != nil || ctx.Err() != nil {
				return err
			}
			t.res.samples[setup] = append(t.res.samples[setup], sample)
		}
	}
	return nil
}

// measure has the readers read for a while, in company or not.
func (t *trial) measure(ctx context.Context, company Company, lasting time.Duration) (Sample, error) {
	readers := make([]*reader, t.opts.Readers)
	for i := range readers {
		readers[i] = &reader{store: t.store, maker: t.maker, writers: t.opts.Writers, perEach: groups * commits.ObjectsPerTxn}
		readers[i].rng.Seed(t.opts.Seed, t.begun)
		t.begun++
	}
	all := len(readers)
	if company == Writers {
		all += len(t.writers)
	}
	before, _ := t.committed()
	begun := time.Now()
	out := crew.Run(ctx, crew.Plan{Goroutines: all, Duration: lasting, Grace: grace}, func(id int, stop *crew.Stop) {
		if id < len(readers) {
			readers[id].run(stop)
			return
		}
		t.writers[id-len(readers)].Run(commits.Update, stop)
	})
	took := time.Since(begun)
	if out.Stuck {
		return Sample{}, fmt.Errorf("somebody was still at work %v after being asked to stop", grace)
	}
	after, err := t.committed()
	sample := Sample{Commits: float64(after-before) / took.Seconds()}
	return sample, errors.Join(err, sample.add(readers, took))
}

// committed counts what the writers have committed so far.
func (t *trial) committed() (all int, err error) {
	for _, w := range t.writers {
		n, failed := w.Count()
		all += n
		err = errors.Join(err, failed)
	}
	return all, err
}

// add adds what the readers did.
func (s *Sample) add(readers []*reader, took time.Duration) error {
	times := hdrhistogram.New(1, int64(time.Minute), 2)
	var count int
	var cpu time.Duration
	for _, r := range readers {
		if r.err != nil {
			return r.err
		}
		count += r.count
		cpu += r.cpu
		times.Merge(r.times)
	}
	s.PerSecond = float64(count) / took.Seconds()
	if cpu > 0 {
		s.PerCPUSecond = float64(count) / cpu.Seconds()
	}
	s.P99 = time.Duration(times.ValueAtQuantile(99))
	s.P999 = time.Duration(times.ValueAtQuantile(99.9))
	s.Longest = time.Duration(times.Max())
	return nil
}
