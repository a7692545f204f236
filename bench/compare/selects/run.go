package selects

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/memory"
	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/workload"
)

// grace is how long the readers may take to come to an end.
const grace = time.Minute

// Progress says what runs next.
type Progress struct {
	What string // in words
	Size int    // of values, in bytes
}

// trial is the run on objects of one size.
type trial struct {
	opts    Options
	tick    func(Progress)
	maker   *object.Maker
	objects int
	choices map[workload.Distribution]*workload.Choices
	stores  []peer.Store // as Options.Contestants
	dirs    []string
	begun   int // readers so far
	res     *Result
}

// Run measures all contestants. If ctx ends, it ends early, with what was measured
// until then. The error is one of a store's.
func Run(ctx context.Context, opts Options, tick func(Progress)) (Result, error) {
	res := Result{Options: opts, samples: map[Setup][]float64{}, memory: map[Held]memory.Live{}}
	for _, size := range opts.Sizes {
		t := &trial{
			opts: opts, tick: tick, maker: object.NewMaker(size, opts.Seed), objects: opts.objects(size),
			choices: map[workload.Distribution]*workload.Choices{}, res: &res,
		}
		err := errors.Join(t.run(ctx), t.close())
		if res.Interrupted = ctx.Err() != nil; err != nil || res.Interrupted {
			return res, err
		}
	}
	return res, nil
}

func (t *trial) show(format string, args ...any) {
	t.tick(Progress{fmt.Sprintf(format, args...), t.maker.Size()})
}

func (t *trial) run(ctx context.Context) error {
	for _, d := range workload.Distributions() {
		t.choices[d] = workload.NewChoices(d, t.objects, t.opts.Seed)
	}
	for _, c := range t.opts.Contestants {
		if err := t.open(ctx, c); err != nil || ctx.Err() != nil {
			return err
		}
	}
	for _, d := range workload.Distributions() {
		for round := range t.opts.Rounds {
			if err := t.round(ctx, d, round); err != nil || ctx.Err() != nil {
				return err
			}
		}
	}
	return nil
}

// open makes the data of a contestant, opens it, and measures what it holds in
// memory after it was read for a while.
func (t *trial) open(ctx context.Context, c peer.Contestant) error {
	t.show("%s stores %d objects", c.Name, t.objects)
	dir, err := t.opts.Folder.New(c.Name)
	if err != nil {
		return err
	}
	t.dirs = append(t.dirs, dir)
	if err := t.store(ctx, c, dir); err != nil || ctx.Err() != nil {
		return err
	}
	disk.Settle()
	before := memory.Now()
	s, err := c.Open(peer.Config{Dir: dir, Clients: 1, CacheBytes: t.opts.CacheBytes})
	if err != nil {
		return err
	}
	t.stores = append(t.stores, s)
	held := Held{t.maker.Size(), c.Name}
	for _, d := range workload.Distributions() {
		t.show("%s, %v: warming up", c.Name, d)
		if _, err := t.read(ctx, s, d, t.opts.Warm); err != nil {
			return err
		}
		if live := memory.Now().Minus(before); live.Total() > t.res.memory[held].Total() {
			t.res.memory[held] = live
		}
	}
	return nil
}

// round has all contestants read in turn.
func (t *trial) round(ctx context.Context, d workload.Distribution, round int) error {
	for i := range t.stores {
		n := (i + round) % len(t.stores)
		name := t.opts.Contestants[n].Name
		t.show("%s, %v: round %d of %d", name, d, round+1, t.opts.Rounds)
		if _, err := t.read(ctx, t.stores[n], d, t.opts.Duration/4); err != nil {
			return err
		}
		perSecond, err := t.read(ctx, t.stores[n], d, t.opts.Duration)
		if err != nil || ctx.Err() != nil {
			return err
		}
		setup := Setup{t.maker.Size(), d, name}
		t.res.samples[setup] = append(t.res.samples[setup], perSecond)
	}
	return nil
}

// read has readers read for a while, and returns the throughput. None chooses again
// what an earlier one has: that would be in memory.
func (t *trial) read(ctx context.Context, s peer.Store, d workload.Distribution, lasting time.Duration) (float64, error) {
	readers := make([]*reader, t.opts.Readers)
	for id := range readers {
		readers[id] = &reader{store: s, maker: t.maker, choose: t.choices[d].Chooser(t.begun)}
		t.begun++
	}
	plan := crew.Plan{Goroutines: len(readers), Duration: lasting, Grace: grace}
	begun := time.Now()
	out := crew.Run(ctx, plan, func(id int, stop *crew.Stop) { readers[id].run(stop) })
	took := time.Since(begun)
	if out.Stuck {
		return 0, fmt.Errorf("some reader was still at work %v after it was asked to stop", grace)
	}
	count := 0
	for _, r := range readers {
		if r.err != nil {
			return 0, r.err
		}
		count += r.count
	}
	return float64(count) / took.Seconds(), nil
}

// close closes the stores and removes their folders.
func (t *trial) close() error {
	var errs []error
	for _, s := range t.stores {
		errs = append(errs, s.Close())
	}
	for _, dir := range t.dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
