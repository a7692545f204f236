package deps_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/tierceldb/tiercel/storage"
)

// TestNewcomerGoesBehind: who could share an object with those who hold it does not,
// if somebody waits for it who could not: that one would wait for ever, in
// front of a stream of newcomers.
func TestNewcomerGoesBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, "k")
		o := b.object("k")
		want(t, "sharer", o.TryLock(storage.Unlocked, storage.KeyShare), storage.Locked)
		want(t, "second sharer", o.TryLock(storage.Unlocked, storage.KeyShare), storage.Locked)
		x := b.begin().remove("k")
		done := commitAll(x)
		want(t, "waiting", b.Waiting(o), 1)
		want(t, "newcomer", o.TryLock(storage.Unlocked, storage.KeyShare), storage.Owned)
		b.Lower(o, storage.KeyShare)
		want(t, "newcomer", o.TryLock(storage.Unlocked, storage.KeyShare), storage.Owned)
		b.Lower(o, storage.KeyShare)
		done.wg.Wait()
		want(t, "commit", done.errs[0], nil)
		b.Purge()
		want(t, "keys", b.keys(), "")
	})
}

// TestVotesLockInKeyOrder: who waits in a vote holds smaller keys only, in whatever
// order they were written.
func TestVotesLockInKeyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := filled(t, "a", "b", "c")
		o := b.object("b")
		want(t, "lock", o.TryLock(storage.Unlocked, storage.Update), storage.Locked)
		ctx, cancel := context.WithCancel(context.Background())
		x := b.begin().put("x", "c", "b", "a")
		done := make(chan error)
		go func() { done <- x.commitWith(ctx) }()
		synctest.Wait()
		want(t, "waiting", b.Waiting(o), 1)
		want(t, "smaller key is locked", b.object("a").IsLocked(), true)
		want(t, "greater key is locked", b.object("c").IsLocked(), false)
		cancel()
		wantCause(t, "gave up", <-done, context.Canceled)
		b.Unlock(o)
		b.isFree("a", "b", "c")
	})
}
