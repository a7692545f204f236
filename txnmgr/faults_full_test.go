package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/txnmgr"
)

// roomy returns a disk on which the log gets long before it is made shorter.
func roomy() disk {
	d, _ := breakable()
	d.log = 512 << 10
	return d
}

// full fails unless err is that of a full disk, and says that nothing was committed.
func full(t testing.TB, what string, err error) {
	t.Helper()
	wantErr(t, what, err, syscall.ENOSPC, txnmgr.ErrTxnDone)
	for _, other := range []error{txnmgr.ErrCommitUnknown, txnmgr.ErrLogFailed, txnmgr.ErrConflict} {
		if errors.Is(err, other) {
			t.Errorf("%s: %v matches %q", what, err, other)
		}
	}
}

// fill commits until the disk is full, and returns how often that was. The keys are
// filler 0, 1, ....
func fill(t testing.TB, m *txnmgr.Manager) (commits int) {
	t.Helper()
	value := make([]byte, 3000)
	for ; ; commits++ {
		err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
			return tx.Put(fmt.Append(nil, "filler ", commits), value)
		})
		if err != nil {
			full(t, "Update", err)
			return commits
		}
		if commits == 1000 {
			t.Fatal("the disk does not get full")
		}
	}
}

// TestFullDisk: a commit for which the log gets no room is rolled back, and can be done
// again when there is some. Nothing else changes.
func TestFullDisk(t *testing.T) {
	d := roomy()
	m, ctx := d.open(t), context.Background()
	put(t, m, "a", "1")
	d.fs.Limit(200 << 10)
	commits := fill(t, m)

	before := m.Stats()
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("a"), make([]byte, 100<<10)))
	full(t, "Commit", tx.Commit())
	full(t, "second Commit", tx.Commit())
	tx = begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("b"), make([]byte, 100<<10)))
	full(t, "Prepare", tx.Prepare(ctx, "x"))
	full(t, "Commit after that", tx.Commit())
	tx = begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("b"), make([]byte, 100<<10)))
	full(t, "CommitThen", tx.CommitThen(func(err error) { t.Errorf("done is called with %v", err) }))
	after := m.Stats()
	want(t, "rolled back", after.RolledBack, before.RolledBack+3)
	want(t, "waiting to be applied", after.Unapplied >= 0 && after.Unapplied <= before.Unapplied, true)
	want(t, "failure", after.Failure, nil)
	want(t, "prepared", len(m.Prepared()), 0)
	want(t, "locks", len(m.Locks()), 0)
	want(t, "keys", len(readAll(t, m).values), commits+1)

	d.fs.Limit(1 << 30)
	put(t, m, "a", "2")
	wantErr(t, "Close", m.Close())
	has := readAll(t, d.reopen(t)).values
	want(t, "keys when opened again", len(has), commits+1)
	want(t, "the last value", has["a"], "2")
}

// TestFullDiskAfterVote: whoever has voted, or is prepared, has room for what is left.
func TestFullDiskAfterVote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := roomy()
		m, ctx := d.open(t), context.Background()
		put(t, m, "a", "1", "b", "1", "c", "1")
		prepared(t, m, "x", nil, []string{"a"})
		prepared(t, m, "y", nil, []string{"b"})
		prepared(t, m, "only read", []string{"c"}, nil)
		voted := begin(t, m)
		wantErr(t, "Put", voted.Put([]byte("a"), []byte("2")))
		commit := start("Commit", voted.Commit)
		commit.waits(t)
		d.fs.Limit(0)
		fill(t, m)
		fillSmall(t, m)
		wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"))
		commit.returns(t, txnmgr.ErrConflict)
		wantErr(t, "CommitPrepared of one that only read", m.CommitPrepared(ctx, "only read"))
		wantErr(t, "RollbackPrepared", m.RollbackPrepared(ctx, "y"))
		want(t, "failure", m.Stats().Failure, nil)
		wantErr(t, "Close", m.Close())
		d.fs.Limit(1 << 30)
		m = d.reopen(t)
		has := readAll(t, m)
		want(t, "a", has.values["a"], "x")
		want(t, "b", has.values["b"], "1")
		want(t, "prepared", len(has.prepared), 0)
	})
}

// fillSmall takes the last bytes.
func fillSmall(t testing.TB, m *txnmgr.Manager) {
	t.Helper()
	for {
		err := m.Update(context.Background(), func(tx *txnmgr.Txn) error { return tx.Put([]byte("s"), nil) })
		if err != nil {
			full(t, "Update", err)
			return
		}
	}
}

// TestFullDiskAtRandom: the disk is full now and then, while clients commit in one
// phase and in two. Each of them knows at any time what the store has of it.
func TestFullDiskAtRandom(t *testing.T) {
	dice := seededDice(t)
	for range 20 {
		d := roomy()
		m := d.open(t)
		var running sync.WaitGroup
		clients := make([]*fullClient, 6)
		var refused atomic.Int64
		for i := range clients {
			clients[i] = &fullClient{m: m, name: fmt.Sprint("client ", i), dice: rand.New(rand.NewPCG(dice.Uint64(), 0)), refused: &refused}
			running.Go(func() {
				for range 150 {
					clients[i].step(t)
				}
			})
		}
		done := make(chan struct{})
		go func() { running.Wait(); close(done) }()
		for over := false; !over; {
			d.fs.Limit(int64(dice.IntN(3)) * dice.Int64N(100<<10))
			select {
			case <-done:
				over = true
			default:
				m.Sync(context.Background())
			}
		}
		want(t, "failure", m.Stats().Failure, nil)
		wantErr(t, "Close", m.Close())
		d.fs.Limit(1 << 40)
		has := readAll(t, d.reopen(t))
		for _, c := range clients {
			want(t, c.name, has.values[c.name], c.value)
			_, isPrepared := has.prepared[c.name]
			want(t, c.name+" is prepared", isPrepared, c.prepared != "")
		}
		t.Logf("%d commits refused", refused.Load())
	}
}

// fullClient writes its own key, whose value it knows.
type fullClient struct {
	m        *txnmgr.Manager
	name     string
	dice     *rand.Rand
	value    string
	prepared string // the value that is prepared
	refused  *atomic.Int64
	n        int
}

func (c *fullClient) step(t *testing.T) {
	ctx := context.Background()
	switch {
	case c.prepared != "" && c.dice.IntN(2) == 0:
		wantErr(t, "RollbackPrepared", c.m.RollbackPrepared(ctx, c.name))
		c.prepared = ""
	case c.prepared != "":
		wantErr(t, "CommitPrepared", c.m.CommitPrepared(ctx, c.name))
		c.value, c.prepared = c.prepared, ""
	case c.dice.IntN(3) == 0:
		tx, value := c.write(t)
		if err := tx.Prepare(ctx, c.name); err == nil {
			c.prepared = value
		} else {
			full(t, "Prepare", err)
			c.refused.Inc()
		}
	default:
		tx, value := c.write(t)
		if err := tx.Commit(); err == nil {
			c.value = value
		} else {
			full(t, "Commit", err)
			c.refused.Inc()
		}
	}
}

func (c *fullClient) write(t *testing.T) (tx *txnmgr.Txn, value string) {
	c.n++
	value = fmt.Sprintf("%d %0*d", c.n, c.dice.IntN(4000), 0)
	tx = begin(t, c.m)
	for range c.dice.IntN(3) {
		if _, err := tx.Get(fmt.Appendf(nil, "%0*d", c.dice.IntN(900), c.n)); !errors.Is(err, txnmgr.ErrNotFound) {
			t.Error(err)
		}
	}
	wantErr(t, "Put", tx.Put([]byte(c.name), []byte(value)))
	return tx, value
}
