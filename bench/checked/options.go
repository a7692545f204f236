package checked

import (
	"time"

	"github.com/tierceldb/tiercel/internal/history"
)

// Options of a run.
type Options struct {
	Goroutines int // at least 1
	Duration   time.Duration
	Seed       uint64        // same seed, same work
	Keys       int           // that the transactions share
	Level      history.Level // of the update transactions, and what is checked

	// Set in tests: another size of the windows, and what changes a recorded window
	// before it is checked.
	window int
	tamper func(*history.History)
}

// windowSize is how many transactions a window has, about: enough to keep all
// goroutines busy far longer than it takes to start them.
const windowSize = 100_000

// perWorker is how many transactions a goroutine runs in a window.
func (o Options) perWorker() int {
	size := windowSize
	if o.window > 0 {
		size = o.window
	}
	return max(1, size/o.Goroutines)
}
