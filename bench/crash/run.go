package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tierceldb/tiercel/bench/stress"
)

// trial is one run.
type trial struct {
	opts     Options
	tick     func(Sample)
	rng      *rand.Rand
	begun    time.Time
	opening  time.Duration // that the last child took to start and open
	prepared map[string]*fate
	before   *life // the last one that opened the store
	res      Result
	log      findings
}

// Run runs one child after the other on a new store. It calls tick when one is dead.
// The run ends early when something is found.
func Run(ctx context.Context, opts Options, tick func(Sample)) (Result, error) {
	t := &trial{
		opts: opts, tick: tick, begun: time.Now(), opening: 20 * time.Millisecond,
		rng: rand.New(rand.NewPCG(opts.Seed, 0)), prepared: map[string]*fate{},
	}
	err := t.run(ctx)
	t.res.Options, t.res.Elapsed = opts, time.Since(t.begun)
	t.res.Violations = append([]stress.Violation{}, t.log.list...)
	t.res.Interrupted = ctx.Err() != nil
	return t.res, err
}

func (t *trial) run(ctx context.Context) error {
	for n, e := range t.opts.endings() {
		if ctx.Err() != nil || len(t.log.list) > 0 {
			return nil
		}
		if t.isLate() && (e == killed || e == stopped) {
			continue
		}
		if err := t.live(ctx, n, e); err != nil {
			return err
		}
	}
	return nil
}

// isLate reports whether no more are to be killed.
func (t *trial) isLate() bool { return t.opts.Duration > 0 && time.Since(t.begun) > t.opts.Duration }

// live starts a child and has it end, then looks at what it has said.
func (t *trial) live(ctx context.Context, n int, e ending) error {
	load := t.opts.load(n, e, t.rng)
	p, err := start(t.opts.Start(load.Text()))
	if err != nil {
		return fmt.Errorf("starting a child: %w", err)
	}
	if e == killed {
		err = p.kill(ctx, drawDelay(t.rng, t.opening, t.opts.Life))
		t.res.Crashes++
	} else {
		err = p.finish(ctx)
	}
	var death deathError
	if errors.As(err, &death) {
		t.log.add("", cannotGoOn, "%v", err)
	} else if err != nil {
		return err
	}
	t.lookAt(load, p.events)
	if t.opts.Verify != nil && len(t.log.list) == 0 {
		if err := t.opts.Verify(t.opts.Dir); err != nil {
			t.log.add("", unsound, "after life %d: %v", n, err)
		}
	}
	at := Sample{Elapsed: time.Since(t.begun), Crashes: t.res.Crashes, Commits: t.res.Acknowledged, Violations: len(t.log.list)}
	t.res.Samples = append(t.res.Samples, at)
	t.tick(at)
	return nil
}

// lookAt takes what a child has said, and judges the life before it, now that it is
// known what that has left.
func (t *trial) lookAt(load Load, events []*event) {
	for _, e := range events {
		if e.What == failed {
			t.log.add("", unexpected, "%s", e.Text)
		}
	}
	next := foundBy(events)
	if next == nil {
		t.res.Opening++
		return
	}
	if t.before != nil {
		begun := time.Now()
		j := t.before.judge(next, t.prepared, &t.log)
		t.res.add(t.before, j)
		t.res.Checking += time.Since(begun)
	}
	t.res.Carried += uint64(len(next.Prepared))
	t.res.LongestOpen = max(t.res.LongestOpen, time.Duration(next.Opening))
	t.before = newLife(load, events, t.prepared)
}
