package crash

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Load is what a child is to do.
type Load struct {
	Dir        string        // of the store
	First      int           // number of the first session, of which there is one more than Workers
	Seed       uint64        // same seed, same work
	Workers    int           // goroutines that run transactions
	Keys       int           // that they share
	Async      int           // commits that do not wait for the disk, in percent
	LogBytes   int64         // as in txnmgr.Options
	CacheBytes int64         // likewise
	Duration   time.Duration // then close the store; 0: go on until killed
	Leave      bool          // what is prepared; else finish it before
}

// Text returns the load as one argument of a command line.
func (l Load) Text() string {
	text, err := json.Marshal(l)
	if err != nil {
		return err.Error() // cannot be: there is nothing in it that JSON does not have
	}
	return string(text)
}

// ParseLoad is the inverse of Text.
func ParseLoad(text string) (l Load, err error) {
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return l, fmt.Errorf("load %q: %w", text, err)
	}
	return l, nil
}

func (l Load) options() txnmgr.Options {
	return txnmgr.Options{Dir: l.Dir, LogBytes: l.LogBytes, CacheBytes: l.CacheBytes}
}

// session is the number that a worker has among those of all lives.
func (l Load) session(worker int) uint16 { return uint16(l.First + worker) }
