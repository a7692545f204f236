package selects

import (
	"time"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/workload"
)

// Times is how much larger than the caches the data is.
const Times = 10

// Options say what to run, and with which Contestants.
type Options struct {
	Contestants []peer.Contestant
	Sizes       []int         // of values, in bytes
	CacheBytes  int64         // of each contestant
	Readers     int           // goroutines
	Warm        time.Duration // before the memory is measured; a quarter of Duration before each measurement comes on top
	Duration    time.Duration // of each measurement
	Rounds      int           // how often each is made
	Folder      disk.Folder
	Seed        uint64 // of every random choice
}

// objects is how many objects of a size are stored.
func (o Options) objects(size int) int {
	return max(1, int(Times*o.CacheBytes/int64(size+workload.KeySize)))
}

// Setup is one thing that is measured.
type Setup struct {
	Size         int // of values, in bytes
	Distribution workload.Distribution
	Store        string // name of the contestant
}
