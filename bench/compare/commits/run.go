package commits

import (
	"context"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/object"
)

// Progress says what runs next.
type Progress struct {
	Setup
	Round, Rounds int // from 1
}

// Run measures every setup once a round. If ctx ends, it ends early, with what was
// measured until then. The error is one of a store's.
func Run(ctx context.Context, opts Options, tick func(Progress)) (Result, error) {
	res := Result{Options: opts, samples: map[Setup][]Sample{}}
	maker := object.NewMaker(ObjectSize, opts.Seed)
	for round := range opts.Rounds {
		for _, setup := range opts.setups(round) {
			tick(Progress{setup, round + 1, opts.Rounds})
			disk.Settle()
			s := &slice{opts: opts, setup: setup, maker: maker}
			sample, complete, err := s.run(ctx)
			if err != nil {
				return res, err
			}
			if !complete {
				res.Interrupted = true
				return res, nil
			}
			res.samples[setup] = append(res.samples[setup], sample)
		}
	}
	return res, nil
}
