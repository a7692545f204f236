package beside

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/compare/thread"
	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/workload"
)

// sampled: one read in so many is timed, at random; to time all would measure the
// clock.
const sampled = 16

// reader selects one object after the other.
type reader struct {
	store   peer.Store
	maker   *object.Maker
	rng     rand.PCG
	writers int
	perEach int // objects of each writer

	number  uint64
	key     object.Key
	correct bool

	count int
	cpu   time.Duration
	times *hdrhistogram.Histogram // in nanoseconds
	err   error
}

func (r *reader) run(stop *crew.Stop) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r.times = hdrhistogram.New(1, int64(time.Minute), 2)
	look := func(value []byte) { r.correct = r.maker.Has(r.number, value) }
	before := thread.CPU()
	for r.err == nil && !stop.Requested() {
		draw := r.rng.Uint64()
		r.number = r.choose(draw)
		workload.PutKey(&r.key, r.number)
		if draw%sampled == 0 {
			begun := time.Now()
			r.once(look)
			r.times.RecordValue(min(int64(time.Since(begun)), int64(time.Minute)))
		} else {
			r.once(look)
		}
	}
	r.cpu = thread.CPU() - before
	if r.err != nil {
		stop.Request()
	}
}

// choose makes an object's number of the upper bits of a draw.
func (r *reader) choose(draw uint64) uint64 {
	n := int(draw >> 32 * uint64(r.writers*r.perEach) >> 32)
	return commits.Number(n/r.perEach, n%r.perEach)
}

func (r *reader) once(look func([]byte)) {
	r.correct = false
	r.err = r.store.Select(r.key[:], look)
	if r.err == nil && !r.correct {
		r.err = fmt.Errorf("object %d has the value of another one", r.number)
	}
	r.count++
}
