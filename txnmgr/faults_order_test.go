package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/txnmgr"
)

// chain has clients that commit, each with all it wants to wait for, and counts what
// it comes to: every commit increments one number, so that the store after a failure
// tells how many of them it has.
type chain struct {
	m         *txnmgr.Manager
	mu        sync.Mutex // protects following field
	acked     int        // the greatest number that was acknowledged
	unknown   atomic.Int64
	refused   atomic.Int64
	callbacks sync.WaitGroup
}

// next commits the next number. It reports false when the log has failed.
func (c *chain) next(t *testing.T, how int) bool {
	tx, err := c.m.Begin(context.Background(), txnmgr.WithDurability(txnmgr.Durability(how%2)))
	if err != nil {
		t.Error(err)
		return false
	}
	n := 0
	if value, err := tx.GetForUpdate(context.Background(), []byte("n")); err == nil {
		fmt.Sscan(string(value), &n)
	}
	n++
	err = tx.Put([]byte("n"), fmt.Append(nil, n))
	err = errors.Join(err, tx.Put(fmt.Appendf(nil, "of %06d", n), nil))
	if err != nil {
		t.Error(err)
	}
	if how == 3 {
		c.callbacks.Add(1)
		err = tx.CommitThen(func(err error) {
			defer c.callbacks.Done()
			c.judge(t, n, err)
		})
		if err == nil {
			return true
		}
		c.callbacks.Done()
	} else {
		err = tx.Commit()
		if how%2 == int(txnmgr.Async) && err == nil {
			return true
		}
	}
	return c.judge(t, n, err)
}

func (c *chain) judge(t *testing.T, n int, err error) bool {
	switch {
	case err == nil:
		c.mu.Lock()
		c.acked = max(c.acked, n)
		c.mu.Unlock()
		return true
	case errors.Is(err, txnmgr.ErrConflict):
		return true
	case errors.Is(err, txnmgr.ErrCommitUnknown):
		c.unknown.Inc()
	case errors.Is(err, txnmgr.ErrLogFailed):
		c.refused.Inc()
	default:
		t.Errorf("commit: %v", err)
	}
	return false
}

// TestLogFailsAmongMany: many clients are at work when the log fails. After a crash
// the store has a prefix of what they have committed, with all that was acknowledged.
func TestLogFailsAmongMany(t *testing.T) {
	dice := seededDice(t)
	unknown := false // not in every round: what failed may have been to make room, or of those who do not wait
	for range 40 {
		d, f := breakable()
		c := &chain{m: d.open(t)}
		var clients sync.WaitGroup
		for how := range 8 {
			clients.Go(func() {
				for c.next(t, how%4) {
					continue
				}
			})
		}
		for c.m.Stats().Committed < uint64(20+dice.IntN(300)) {
			continue
		}
		op := []faultfs.Op{faultfs.Write, faultfs.Datasync}[dice.IntN(2)]
		f.set(op, &faultfs.Short{Bytes: dice.IntN(200), Err: syscall.EIO})
		soon(t, "a client after the log has failed", func() { clients.Wait(); c.callbacks.Wait() })
		soon(t, "Close", func() { wantErr(t, "Close", c.m.Close(), syscall.EIO) })
		want(t, "writes and syncs after the failure", f.triedAgain(), 0)
		unknown = unknown || c.unknown.Load() > 0
		for range 5 {
			checkChain(t, d.image(dice), c.acked)
		}
	}
	want(t, "somebody does not know", unknown, true)
}

// checkChain checks that the numbers are a prefix.
func checkChain(t *testing.T, d disk, acked int) {
	t.Helper()
	m := d.open(t)
	defer m.Close()
	has := readAll(t, m)
	n := 0
	fmt.Sscan(has.values["n"], &n)
	if n < acked || len(has.values) != 1+n && n > 0 {
		t.Errorf("the store has commit %d, %d keys, and %d was acknowledged", n, len(has.values), acked)
	}
}
