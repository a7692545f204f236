package deps_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// attempt is a call that may have to wait, on a goroutine of its own.
type attempt struct {
	t      *testing.T
	cancel context.CancelFunc
	err    error
	over   atomic.Bool
}

// try makes a call in a bubble, and returns when it is over or waits.
func try(t *testing.T, call func(ctx context.Context) error) *attempt {
	ctx, cancel := context.WithCancel(context.Background())
	a := &attempt{t: t, cancel: cancel}
	go func() {
		a.err = call(ctx)
		a.over.Store(true)
	}()
	synctest.Wait()
	return a
}

// waits checks that the call is not over.
func (a *attempt) waits(what string) {
	a.t.Helper()
	want(a.t, what+" is over", a.over.Load(), false)
}

// ends checks how the call ended.
func (a *attempt) ends(what string, err error) {
	a.t.Helper()
	synctest.Wait()
	want(a.t, what+" is over", a.over.Load(), true)
	if a.over.Load() {
		want(a.t, what+": error", a.err, err)
	}
}

// lock locks keys that nobody else holds.
func (x *txn) lock(mode storage.LockMode, keys ...string) *txn {
	x.b.t.Helper()
	for _, key := range keys {
		want(x.b.t, "lock "+key, x.lockWith(key, mode, deps.Patience{For: -1}), nil)
	}
	return x
}

func (x *txn) lockWith(key string, mode storage.LockMode, p deps.Patience) error {
	_, err := x.b.Lock(&x.Record, x.b.object(key), mode, p)
	return err
}

// tryLock is Lock that may wait.
func (x *txn) tryLock(mode storage.LockMode, key string) *attempt {
	return try(x.b.t, func(ctx context.Context) error {
		return x.lockWith(key, mode, deps.Patience{Txn: ctx})
	})
}

func (x *txn) tryCommit() *attempt {
	return try(x.b.t, func(ctx context.Context) error { return x.commitWith(ctx) })
}

func (x *txn) rollback() {
	x.b.t.Helper()
	want(x.b.t, "rollback", x.b.Rollback(&x.Record), true)
}

func (x *txn) force() {
	x.b.t.Helper()
	slot, gen := x.Slot()
	want(x.b.t, "force", x.b.Force(slot, gen, errCause), true)
}

// inBubble runs a test with a manager that has the keys, and finally checks that
// nobody holds them or waits, and that no object without a version is left.
func inBubble(t *testing.T, keys []string, test func(b base)) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, keys...)
		test(b)
		synctest.Wait()
		b.isLeftClean()
	})
}

func (b base) isLeftClean() {
	b.t.Helper()
	st := b.Stats()
	want(b.t, "waiting", st.Waiting, 0)
	want(b.t, "active", st.Pool.Active, 0)
	want(b.t, "locked", len(b.Locks()), 0)
	b.Purge()
	c := b.Store.Ascend(nil, nil)
	for o := c.Next(); o != nil; o = c.Next() {
		b.isFree(string(o.Key()))
		if o.Head() == nil {
			b.t.Errorf("%q is left without a version", o.Key())
		}
	}
}

var _ = time.Second
