package crash

import (
	"math/rand/v2"
	"os/exec"
	"time"
)

// Options of a run.
type Options struct {
	Dir        string        // of the store, which must be new
	Crashes    int           // how often to kill
	Goroutines int           // that each child runs transactions on
	Keys       int           // that they share
	Seed       uint64        // same seed, same work and same delays
	Duration   time.Duration // after which none is killed any more; 0: never
	Life       time.Duration // how long a child lives at most once it has opened the store

	// Start returns the command that starts a child with a load, given as text.
	Start func(load string) *exec.Cmd
	// Verify checks the store when a child is dead; nil does not.
	Verify func(dir string) error
}

// MaxSessions bounds Crashes × Goroutines: so many can be told apart.
const MaxSessions = 50_000

// ending is how a child's life ends.
type ending int

const (
	killed      ending = iota
	stopped            // it stops and closes the store, and leaves what is prepared
	finishedAll        // it stops when everything is finished
	looked             // it only looks at what there is
)

const (
	// stoppedFor is how long a child runs transactions that is not killed.
	stoppedFor = 100 * time.Millisecond
	// stopEvery is how often one is stopped among those that are killed.
	stopEvery = 6
)

// endings returns how all lives are to end.
func (o Options) endings() (all []ending) {
	for n := range o.Crashes {
		if n%stopEvery == stopEvery-1 {
			all = append(all, stopped)
		}
		all = append(all, killed)
	}
	return append(all, finishedAll, looked)
}

// load returns what the child of a life is to do.
func (o Options) load(life int, e ending, rng *rand.Rand) Load {
	l := Load{
		Dir: o.Dir, First: life * (o.Goroutines + 1), Seed: o.Seed, Workers: o.Goroutines, Keys: o.Keys,
		LogBytes:   64 << 10 << rng.IntN(7),
		CacheBytes: 4 << 10 << rng.IntN(10),
	}
	// Every other life waits for the disk always: then read-only transactions see
	// nothing that a crash could lose.
	if life%2 == 1 {
		l.Async = 40
	}
	switch e {
	case stopped:
		l.Duration, l.Leave = stoppedFor, true
	case finishedAll:
		l.Duration = stoppedFor
	case looked:
		l.Duration, l.Workers, l.Leave = 1, 0, true
	}
	return l
}
