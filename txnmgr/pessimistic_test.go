package txnmgr_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/txnmgr"
)

// bustle is writers that commit all the time, to one key, and with new ones in the
// range from r to s.
type bustle struct {
	m       *txnmgr.Manager
	stop    atomic.Bool
	all     sync.WaitGroup
	commits atomic.Int64
}

// startBustle starts four of them.
func startBustle(t *testing.T, m *txnmgr.Manager) *bustle {
	b := &bustle{m: m}
	for n := range 4 {
		b.all.Go(func() {
			for i := 0; !b.stop.Load(); i++ {
				wantErr(t, "Update of a writer", b.write(fmt.Appendf(nil, "r%d.%d", n, i)))
				time.Sleep(time.Millisecond)
			}
		})
	}
	return b
}

func (b *bustle) write(inserted []byte) error {
	return b.m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		tx.OnCommit(func(uint64) { b.commits.Inc() })
		value, err := tx.Get([]byte("hot"))
		if err != nil {
			return err
		}
		if err := tx.Insert(inserted, nil); err != nil {
			return err
		}
		return tx.Put([]byte("hot"), append(value, '.'))
	})
}

// end stops the writers, and checks that no commit of theirs got lost.
func (b *bustle) end(t *testing.T) {
	t.Helper()
	b.stop.Store(true)
	b.all.Wait()
	tx := beginRead(t, b.m)
	defer tx.Close()
	value, err := tx.Get([]byte("hot"))
	wantErr(t, "Get", err)
	inserted := 0
	for range tx.Scan([]byte("r"), []byte("s")) {
		inserted++
	}
	want(t, "length of the hot value", int64(len(value)), b.commits.Load())
	want(t, "keys in the range", int64(inserted), b.commits.Load())
}

// longUpdate reads much and slowly, and writes what it read. Between the reads there
// are many commits of others.
func longUpdate(tx *txnmgr.Txn) error {
	hot, err := tx.Get([]byte("hot"))
	if err != nil {
		return err
	}
	n := 0
	for range tx.Scan([]byte("r"), []byte("s")) {
		if n++; n <= 3 {
			time.Sleep(10 * time.Millisecond)
		}
	}
	time.Sleep(10 * time.Millisecond)
	return tx.Put([]byte("long"), fmt.Appendf(nil, "%d %d", len(hot), n))
}

// TestPessimistic: one long transaction against many short ones has no chance with
// two attempts, unless the second is pessimistic. What it saw is then of one moment.
func TestPessimistic(t *testing.T) {
	for _, locks := range granularities() {
		t.Run(locks.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { againstBustle(t, locks) })
		})
	}
}

func againstBustle(t *testing.T, locks txnmgr.Granularity) {
	m, ctx := open(t, txnmgr.Options{Locks: locks, Retries: 1000}), context.Background()
	put(t, m, "hot", "")
	b := startBustle(t, m)
	time.Sleep(100 * time.Millisecond)
	wantErr(t, "Update", m.Update(ctx, longUpdate, txnmgr.WithRetry(1)), txnmgr.ErrConflict)
	for range 3 {
		attempts := 0
		before := b.commits.Load()
		wantErr(t, "pessimistic Update", m.Update(ctx, func(tx *txnmgr.Txn) error {
			if attempts++; attempts > 10 {
				return errOwn // one overtook it that was about to commit, perhaps, but not so many
			}
			return longUpdate(tx)
		}, txnmgr.WithRetry(1), txnmgr.WithPessimistic()))
		want(t, "lost the first attempt", attempts > 1, true)
		time.Sleep(100 * time.Millisecond)
		want(t, "the others go on", b.commits.Load() > before, true)
	}
	b.end(t)
	idle(t, m)
	tx := beginRead(t, m)
	defer tx.Close()
	value, err := tx.Get([]byte("long"))
	wantErr(t, "Get", err)
	var hot, n int
	fmt.Sscan(string(value), &hot, &n)
	want(t, "keys that it saw", n, hot)
}

// TestPessimisticAtOnce: several at a time take turns, and readers do not wait.
func TestPessimisticAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "hot", ""), context.Background()
		b := startBustle(t, m)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				wantErr(t, "Update", m.Update(ctx, longUpdate, txnmgr.WithRetry(0), txnmgr.WithPessimistic()))
			})
		}
		for range 50 {
			begun := time.Now()
			contents(t, m)
			want(t, "a reader waited", time.Since(begun), 0)
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		b.end(t)
		idle(t, m)
	})
}

// TestPessimisticAgainstHolders: it waits for who locked what it writes. If they want
// to commit meanwhile, they are victims, never it.
func TestPessimisticAgainstHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "a", "1"), context.Background()
		writes, locks, ends := begin(t, m), begin(t, m), begin(t, m)
		for _, tx := range []*txnmgr.Txn{writes, locks, ends} {
			for i := range 10 {
				wantErr(t, "Put", tx.Put([]byte{'b' + byte(i)}, nil)) // more work than the other has
			}
			wantErr(t, "Lock", tx.Lock(ctx, []byte("a"), txnmgr.ForShare))
		}
		c := start("Update", func() error {
			return m.Update(ctx, func(tx *txnmgr.Txn) error {
				if err := tx.Lock(ctx, []byte("z"), txnmgr.ForUpdate); err != nil {
					return err
				}
				return tx.Put([]byte("a"), []byte("2"))
			}, txnmgr.WithRetry(0), txnmgr.WithPessimistic())
		})
		c.waits(t)
		commit := start("Commit", writes.Commit)
		lock := start("Lock", func() error { return locks.Lock(ctx, []byte("z"), txnmgr.ForShare) })
		time.Sleep(patience)
		commit.returns(t, txnmgr.ErrDeadlock)
		lock.returns(t, txnmgr.ErrDeadlock)
		c.waits(t)
		wantErr(t, "Rollback", ends.Rollback())
		c.returns(t)
		want(t, "contents", contents(t, m), "a=2")
		idle(t, m)
	})
}

// TestPessimisticAgainstPrepared: what is prepared already is finished first.
func TestPessimisticAgainstPrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, ctx := openWith(t, "a", "1", "b", "1"), context.Background()
		prepared(t, m, "x", []string{"b"}, []string{"a"})
		attempts := 0
		c := start("Update", func() error {
			return m.Update(ctx, func(tx *txnmgr.Txn) error {
				attempts++
				value, err := tx.Get([]byte("a"))
				if err != nil {
					return err
				}
				return tx.Put([]byte("b"), value)
			}, txnmgr.WithRetry(0), txnmgr.WithPessimistic())
		})
		c.waits(t)
		other := begin(t, m)
		wantErr(t, "Put", other.Put([]byte("c"), nil))
		commit := start("Commit", other.Commit)
		commit.waits(t)
		wantErr(t, "CommitPrepared", m.CommitPrepared(ctx, "x"))
		c.returns(t)
		commit.returns(t)
		want(t, "attempts", attempts, 2)
		want(t, "contents", contents(t, m), "a=x b=x c=")
		idle(t, m)
	})
}

// TestPessimisticGivesUp: however it ends, the others go on.
func TestPessimisticGivesUp(t *testing.T) {
	pessimistic := []txnmgr.TxnOption{txnmgr.WithRetry(0), txnmgr.WithPessimistic()}
	for name, c := range map[string]struct {
		opts []txnmgr.TxnOption
		fn   func(tx *txnmgr.Txn, cancel func()) error
		err  []error
	}{
		"error":   {nil, func(*txnmgr.Txn, func()) error { return errOwn }, []error{errOwn}},
		"cancel":  {nil, func(_ *txnmgr.Txn, cancel func()) error { cancel(); return nil }, []error{context.Canceled}},
		"timeout": {[]txnmgr.TxnOption{txnmgr.WithTimeout(time.Second)}, func(*txnmgr.Txn, func()) error { time.Sleep(time.Minute); return nil }, []error{txnmgr.ErrTimeout}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := openWith(t, "a", "1")
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				err := m.Update(ctx, func(tx *txnmgr.Txn) error {
					wantErr(t, "Put", tx.Put([]byte("a"), []byte("2")))
					return c.fn(tx, cancel)
				}, append(pessimistic, c.opts...)...)
				wantErr(t, "Update", err, c.err...)
				put(t, m, "b", "1")
				want(t, "contents", contents(t, m), "a=1 b=1")
				idle(t, m)
			})
		})
	}
	m := openWith(t, "a", "1")
	got := recovered(func() {
		m.Update(context.Background(), func(*txnmgr.Txn) error { panic(errOwn) }, pessimistic...)
	})
	want(t, "recovered", got, any(errOwn))
	put(t, m, "b", "1")
	idle(t, m)
}
