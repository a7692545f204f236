package recovery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Options say what to run.
type Options struct {
	Bytes  int64 // to commit before the process is killed
	Rounds int   // how often
	Folder disk.Folder

	// Child returns the command line of a process that calls Fill with this folder,
	// Bytes, and its standard output.
	Child func(dir string) []string
}

// Run kills and opens stores. If ctx ends, it ends early, with what was measured
// until then.
func Run(ctx context.Context, opts Options, tick func(doing string)) (Result, error) {
	res := Result{Options: opts}
	for round := range opts.Rounds {
		sample, err := opts.once(ctx, func(doing string) { tick(fmt.Sprintf("%s, round %d of %d", doing, round+1, opts.Rounds)) })
		if res.Interrupted = ctx.Err() != nil; res.Interrupted {
			return res, nil
		}
		if err != nil {
			return res, err
		}
		res.samples = append(res.samples, sample)
	}
	return res, nil
}

func (o Options) once(ctx context.Context, tick func(doing string)) (Sample, error) {
	dir, err := o.Folder.New("recovery")
	if err != nil {
		return Sample{}, err
	}
	defer os.RemoveAll(dir)
	tick("filling the log")
	committed, err := o.kill(ctx, dir)
	if err != nil {
		return Sample{}, err
	}
	disk.Settle()
	sample := Sample{}
	opts := options(dir, o.Bytes)
	opts.Replaying = func(done, all int64) {
		sample.Reports++
		sample.Bytes = max(sample.Bytes, all)
		tick(fmt.Sprintf("replayed %d of %d MiB", done>>20, all>>20))
	}
	begun := time.Now()
	m, err := txnmgr.Open(ctx, opts)
	if err != nil {
		return Sample{}, err
	}
	sample.Took = time.Since(begun)
	sample.Transactions = min(committed, sample.Bytes/recordBytes)
	return sample, errors.Join(verify(ctx, m, committed), m.Close())
}

// kill has a child commit, kills it, and returns how many transactions it had
// committed.
func (o Options) kill(ctx context.Context, dir string) (int64, error) {
	line := o.Child(dir)
	child := exec.CommandContext(ctx, line[0], line[1:]...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := child.Start(); err != nil {
		return 0, err
	}
	said, reading := bufio.NewReader(out).ReadString('\n')
	child.Process.Kill()
	child.Wait() // it was killed, or says on its standard error what is wrong
	if reading != nil {
		return 0, fmt.Errorf("the child process ended early: %w", reading)
	}
	return strconv.ParseInt(strings.TrimSpace(said), 10, 64)
}

// verify reads some of the objects that were committed, the last ones too.
func verify(ctx context.Context, m *txnmgr.Manager, transactions int64) error {
	const looks = 1000
	maker := object.NewMaker(commits.ObjectSize, seed)
	last := uint64(transactions)*commits.ObjectsPerTxn - 1
	return m.View(ctx, func(tx txnmgr.ReadTxn) error {
		for i := range uint64(looks) {
			var key object.Key
			number := last - i*last/looks
			workload.PutKey(&key, number)
			value, err := tx.Get(key[:])
			if err == nil {
				_, err = maker.Updates(number, value)
			}
			if err != nil {
				return fmt.Errorf("after recovery, object %d of %d: %w", number, last+1, err)
			}
		}
		return nil
	})
}
