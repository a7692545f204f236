package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/beside"
	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/compare/recovery"
	"github.com/tierceldb/tiercel/bench/compare/selects"
	"github.com/tierceldb/tiercel/bench/report"
)

// writers is how many clients commit in the workloads that have one number of them.
const writers = 64

// run measures what the settings say and shows it.
func (p *program) run(ctx context.Context, s *settings) (err error) {
	jsonTo, plotTo, err := s.targets()
	if err != nil {
		return usageError{err}
	}
	output := p.out
	if s.json == toOutput {
		p.out = p.errs // so that there is nothing but JSON in the output
	}
	res := newResult(s)
	if err := p.measure(ctx, s, res); err != nil {
		abandon(jsonTo, plotTo)
		return err
	}
	res.Interrupted = ctx.Err() != nil
	if s.quick {
		res.Goals = []report.Goal{}
	}
	p.conclude(s, res)
	if s.json == toOutput {
		err = report.WriteJSON(output, res)
	}
	if jsonTo != nil {
		err = jsonTo.Write(func(w io.Writer) error { return report.WriteJSON(w, res) })
	}
	if plotTo != nil {
		err = errors.Join(err, plotTo.Write(func(w io.Writer) error { return drawCommits(w, s, res) }))
	}
	return err
}

// targets opens the files for the results, before any work is done.
func (s *settings) targets() (jsonTo, plotTo *report.Target, err error) {
	if s.json != "" && s.json != toOutput {
		if jsonTo, err = report.OpenTarget(s.json); err != nil {
			return nil, nil, fmt.Errorf("--json: %w", err)
		}
	}
	if s.plot != "" {
		if plotTo, err = report.OpenTarget(s.plot); err != nil {
			abandon(jsonTo)
			return nil, nil, fmt.Errorf("--plot: %w", err)
		}
	}
	return jsonTo, plotTo, nil
}

func abandon(targets ...*report.Target) {
	for _, t := range targets {
		if t != nil {
			t.Abandon()
		}
	}
}

// measure runs the workloads in a folder of their own.
func (p *program) measure(ctx context.Context, s *settings, res *result) error {
	folder, err := disk.Make(s.dir)
	if err != nil {
		return usageError{fmt.Errorf("--dir: %w", err)}
	}
	fmt.Fprintf(p.out, "compare: %s\n  in %s%s, seed %d\n", strings.Join(s.workloads, ", "), s.dir, medium(folder), s.seed)
	err = p.workloads(ctx, s, folder, res)
	p.progress.Clear()
	return errors.Join(err, folder.Remove())
}

// medium says what is special about where the stores are.
func medium(f disk.Folder) string {
	if f.InMemory() {
		return " (in memory: a sync costs nothing here, so name a folder on a disk with --dir)"
	}
	return ""
}

func (p *program) workloads(ctx context.Context, s *settings, folder disk.Folder, res *result) error {
	for _, w := range []struct {
		name string
		run  func(context.Context, *settings, disk.Folder, *result) error
	}{
		{commitsLoad, p.commits}, {sustainedLoad, p.sustained}, {selectsLoad, p.selects},
		{besideLoad, p.beside}, {recoveryLoad, p.recovery},
	} {
		if !s.wants(w.name) || ctx.Err() != nil {
			continue
		}
		if err := w.run(ctx, s, folder, res); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (p *program) commits(ctx context.Context, s *settings, folder disk.Folder, res *result) error {
	r, err := commits.Run(ctx, commits.Options{
		Contestants: s.stores(), Clients: s.clients, Duration: s.duration, Rounds: s.rounds, Objects: s.objects,
		LogBytes: int64(s.log), Folder: folder, Seed: s.seed,
	}, p.ticker(commitsLoad))
	if err != nil {
		return err
	}
	p.progress.Clear()
	showCommits(p.out, "a burst", r)
	res.addCommits(r)
	return nil
}

// sustained is commits for longer, without those that have no chance to keep up.
func (p *program) sustained(ctx context.Context, s *settings, folder disk.Folder, res *result) error {
	r, err := commits.Run(ctx, commits.Options{
		Contestants: s.stores(peer.Limit, peer.Tiercel, peer.Pebble), Clients: []int{writers}, Duration: s.sustained,
		Rounds: 1, Objects: s.objects, Folder: folder, Seed: s.seed,
	}, p.ticker(sustainedLoad))
	if err != nil {
		return err
	}
	p.progress.Clear()
	showCommits(p.out, "sustained for "+s.sustained.String(), r)
	res.addSustained(r)
	return nil
}

func (p *program) ticker(workload string) func(commits.Progress) {
	begun := time.Now()
	return func(at commits.Progress) {
		p.progress.Show("%s %.0fs: round %d of %d, %v, %d clients, %s", workload, time.Since(begun).Seconds(),
			at.Round, at.Rounds, at.Op, at.Clients, at.Store)
	}
}

func (p *program) selects(ctx context.Context, s *settings, folder disk.Folder, res *result) error {
	r, err := selects.Run(ctx, selects.Options{
		Contestants: s.stores(peer.Tiercel, peer.Pebble), Sizes: []int{100, commits.ObjectSize}, CacheBytes: int64(s.cache),
		Readers: s.readers, Warm: 4 * s.duration, Duration: s.duration, Rounds: s.rounds, Folder: folder, Seed: s.seed,
	}, func(at selects.Progress) { p.progress.Show("selects of %d bytes: %s", at.Size, at.What) })
	if err != nil {
		return err
	}
	p.progress.Clear()
	showSelects(p.out, r)
	res.addSelects(r)
	return nil
}

func (p *program) beside(ctx context.Context, s *settings, folder disk.Folder, res *result) error {
	r, err := beside.Run(ctx, beside.Options{
		Contestants: s.stores(peer.Tiercel, peer.Pebble), Writers: writers, Readers: s.readers, Duration: s.duration,
		Rounds: s.rounds, LogBytes: int64(s.log), Folder: folder, Seed: s.seed,
	}, func(at beside.Progress) {
		p.progress.Show("beside: round %d of %d, %s, readers %v", at.Round, at.Rounds, at.Store, at.Company)
	})
	if err != nil {
		return err
	}
	p.progress.Clear()
	showBeside(p.out, r)
	res.addBeside(r)
	return nil
}

func (p *program) recovery(ctx context.Context, s *settings, folder disk.Folder, res *result) error {
	if len(s.stores(peer.Tiercel)) == 0 {
		return nil
	}
	child := func(dir string) []string {
		return append(p.child, fillCommand, dir, strconv.FormatInt(int64(s.replay), 10))
	}
	r, err := recovery.Run(ctx, recovery.Options{Bytes: int64(s.replay), Rounds: s.rounds, Folder: folder, Child: child},
		func(doing string) { p.progress.Show("recovery: %s", doing) })
	if err != nil {
		return err
	}
	p.progress.Clear()
	showRecovery(p.out, r)
	res.addRecovery(r)
	return nil
}
