package workload

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	maxLatency    = int64(time.Minute)
	latencyDigits = 2 // values are kept to 1 %
)

// Latency holds the durations of the transactions that were timed, one
// histogram for those that only read and one for the updates.
//
// Reading the clock twice takes about as long as a read-only transaction, so
// that timing every one would measure the clock. One transaction in Every is
// timed, at random distances, so that no rhythm of the workload is favoured.
type Latency struct {
	Every   int                     // one transaction in so many is in a histogram
	Reads   *hdrhistogram.Histogram // nanoseconds
	Updates *hdrhistogram.Histogram // nanoseconds
	Commits *hdrhistogram.Histogram // of the updates, from the end of the last attempt's body on
}

// NewLatency returns empty histograms.
func NewLatency(every int) *Latency {
	return &Latency{Every: every, Reads: newHistogram(), Updates: newHistogram(), Commits: newHistogram()}
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency, latencyDigits)
}

// Merge adds what another goroutine measured.
func (l *Latency) Merge(from *Latency) {
	l.Reads.Merge(from.Reads)
	l.Updates.Merge(from.Updates)
	l.Commits.Merge(from.Commits)
}

// record keeps one duration. Anything above a minute counts as a minute: a
// histogram that drops its worst values would flatter.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	h.RecordValue(min(max(int64(d), 1), maxLatency))
}

// sampler decides which transactions of one goroutine are timed.
type sampler struct {
	every     int // 0: none
	countdown int
	rng       rand.PCG
	latency   *Latency
}

func newSampler(every int, seed uint64, goroutine int) sampler {
	s := sampler{every: every}
	if every > 0 {
		s.rng.Seed(seed, uint64(goroutine)<<32)
		s.latency = NewLatency(every)
		s.rewind()
	}
	return s
}

// rewind draws the distance to the next timed transaction, `every` on average.
func (s *sampler) rewind() {
	s.countdown = 1 + int(Below(&s.rng, uint64(2*s.every-1)))
}

// due reports whether the next transaction is to be timed.
func (s *sampler) due() bool {
	if s.every == 0 {
		return false
	}
	s.countdown--
	if s.countdown > 0 {
		return false
	}
	s.rewind()
	return true
}

// ClockCost measures what timing a transaction adds to its own duration: the
// median of many empty intervals.
func ClockCost() time.Duration {
	intervals := make([]time.Duration, 10_001)
	for i := range intervals {
		start := time.Now()
		intervals[i] = time.Since(start)
	}
	slices.Sort(intervals)
	return intervals[len(intervals)/2]
}
