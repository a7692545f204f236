package commits

import (
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/peer"
)

const (
	// ObjectsPerTxn is how many objects a transaction writes.
	ObjectsPerTxn = 3
	// ObjectSize is the length of a value in bytes.
	ObjectSize = 999
)

// Op is what transactions do.
type Op int

const (
	// Add puts new objects.
	Add Op = iota
	// Update reads and puts objects of a fixed set.
	Update
)

// Ops lists both.
func Ops() []Op { return []Op{Add, Update} }

// String returns "add" or "update".
func (o Op) String() string {
	switch o {
	case Add:
		return "add"
	case Update:
		return "update"
	}
	return fmt.Sprintf("Op(%d)", int(o))
}

// Options say what to run, and with which Contestants.
type Options struct {
	Contestants []peer.Contestant
	Clients     []int         // numbers of clients, one after the other
	Duration    time.Duration // of each measurement, after one that does not count
	Rounds      int           // how often all are measured
	Objects     int           // in the fixed set, at least; each client has one transaction's in any case
	LogBytes    int64         // see peer.Config
	Folder      disk.Folder
	Seed        uint64 // of every random choice
}

// Setup is one thing that is measured.
type Setup struct {
	Op      Op
	Clients int    // at the same time
	Store   string // name of the contestant
}

// setups lists what one round measures, what is compared next to each other.
func (o Options) setups(round int) (all []Setup) {
	for _, clients := range o.Clients {
		for _, op := range Ops() {
			for i := range o.Contestants {
				c := o.Contestants[(i+round)%len(o.Contestants)]
				all = append(all, Setup{op, clients, c.Name})
			}
		}
	}
	return all
}

// groups is how many transactions' objects each client has in the fixed set.
func (o Options) groups(clients int) int { return max(1, o.Objects/ObjectsPerTxn/clients) }
