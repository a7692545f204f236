package crash

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/tierceldb/tiercel/internal/history"
)

// what is the kind of an event.
type what uint8

const (
	opened     what = iota + 1 // Found: the store is open
	ended                      // Txn: it is over, and there was nothing to commit
	committing                 // Txn, Promise: it is about to be committed
	committed                  // ID, Commit, At: so it was
	rolledBack                 // ID, At: it was not
	preparing                  // Txn, XID: it is about to be prepared
	isReady                    // XID: so it was
	finishing                  // XID, Promise, At: it is about to be committed, or rolled back
	finished                   // XID, Finish: so it was
	syncing                    // Manager.Sync is about to be called
	synced                     // ID says which: it has returned nil
	failed                     // Text: something is not as promised
	closed                     // the store is closed
)

// promise is what the acknowledgement of a commit promises.
type promise uint8

const (
	onDisk  promise = iota // it survives a crash
	inOrder                // no more than that its place in commit order is fixed
	nothing                // of a transaction that is rolled back
)

// event is what a child tells its parent.
type event struct {
	What    what
	Txn     history.Txn
	ID      history.ID
	Worker  int
	Promise promise
	XID     string
	Commit  uint64 // timestamp
	At      int64  // when it had returned
	Finish  *finish
	Found   *found
	Text    string
}

// found is what a child found in the store that it opened.
type found struct {
	Snapshot uint64         // at which it looked
	Values   []history.Read // the keys that have a value
	Workers  map[int]history.ID
	XIDs     []string // of marks
	Prepared []preparedKeys
	Opening  int64 // nanoseconds that it took
}

// preparedKeys is a transaction that is prepared.
type preparedKeys struct {
	XID  string
	Keys []string // that it writes, in order
}

// finish is the end of a prepared transaction.
type finish struct {
	Ended       int64
	Commit      uint64 // timestamp, 0 if nobody was told
	After, UpTo uint64 // snapshots before and after it, between which it was
}

// teller writes events. Many goroutines may use it. What is written stays in the
// pipe, whatever becomes of the process.
type teller struct {
	mu  sync.Mutex // protects following field
	enc *gob.Encoder
	end func() // is called if nobody listens any more
}

func newTeller(w io.Writer, end func()) *teller { return &teller{enc: gob.NewEncoder(w), end: end} }

func (t *teller) tell(e event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.enc.Encode(&e); err != nil {
		t.end()
	}
}

// failed tells that something is not as promised.
func (t *teller) failed(format string, args ...any) {
	t.tell(event{What: failed, Text: fmt.Sprintf(format, args...)})
}

// listen calls each with every event up to the end of the pipe. The last one may
// have been cut off.
func listen(r io.Reader, each func(*event)) error {
	dec := gob.NewDecoder(r)
	for {
		e := new(event)
		switch err := dec.Decode(e); {
		case err == nil:
			each(e)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrClosed):
			return nil
		default:
			return fmt.Errorf("what the child says: %w", err)
		}
	}
}
