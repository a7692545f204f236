package deps_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"context"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

func TestProbeB1(t *testing.T) {
	left, n := 0, 0
	b := newBase(t)
	for time0 := time.Now(); time.Since(time0) < 3*time.Second; n++ {
		x, y := b.begin(), b.begin()
		x.lock(storage.KeyShare, "k")
		y.lock(storage.KeyShare, "k")
		var wg sync.WaitGroup
		start := make(chan bool)
		wg.Go(func() { <-start; b.Rollback(&x.Record) })
		wg.Go(func() { <-start; b.Rollback(&y.Record) })
		close(start)
		wg.Wait()
		if b.keys() != "" { left++
		b.begin().lock(storage.KeyShare, "k").rollback()
		 }
	}
	t.Log("left", left, n)
}

func TestProbeB2(t *testing.T) {
	inBubble(t, []string{"k", "z"}, func(b base) {
		z := b.object("z")
		want(t, "lock", z.TryLock(storage.Unlocked, storage.Update), storage.Locked)
		x := b.begin().lock(storage.Update, "k").put("x", "k", "z")
		x.force()
		want(t, "commit", x.commit(), deps.ErrEnded)
		want(t, "waits", b.Stats().Waits, 0)
		b.Unlock(z)
	})
}

func TestProbeB3(t *testing.T) {
	inBubble(t, []string{"o", "p"}, func(b base) {
		h, x, w := b.begin(), b.begin(), b.begin()
		h.lock(storage.NoKeyUpdate, "o")
		w.lock(storage.Update, "p")
		ax := x.tryLock(storage.Share, "o")
		aw := w.tryLock(storage.KeyShare, "o")
		ah := h.tryLock(storage.Update, "p")
		time.Sleep(time.Second)
		synctest.Wait()
		t.Log(ax.over.Load(), aw.over.Load(), ah.over.Load())
		for _, a := range []*attempt{ax,aw,ah} { a.cancel() }
		synctest.Wait()
		for _, y := range []*txn{h,x,w} { b.Rollback(&y.Record) }
	})
}

func TestProbeB4(t *testing.T) {
	inBubble(t, []string{"o", "p", "q"}, func(b base) {
		w, x, y := b.begin(), b.begin(), b.begin()
		w.lock(storage.Update, "p", "q", "r", "s")
		x.lock(storage.Share, "o")
		y.lock(storage.Share, "o")
		ax := x.tryLock(storage.Share, "p")
		ay := y.tryLock(storage.Share, "q")
		time.Sleep(time.Second)
		aw := w.tryLock(storage.Update, "o")
		time.Sleep(time.Second)
		synctest.Wait()
		t.Log(ax.over.Load(), ay.over.Load(), aw.over.Load())
		if ax.over.Load() { b.Rollback(&x.Record) }
		if ay.over.Load() { b.Rollback(&y.Record) }
		time.Sleep(time.Second)
		synctest.Wait()
		t.Log(ax.over.Load(), ay.over.Load(), aw.over.Load())
		for _, a := range []*attempt{ax,ay,aw} { a.cancel() }
		synctest.Wait()
		for _, y := range []*txn{w,x,y} { b.Rollback(&y.Record) }
	})
}

func TestProbeB5(t *testing.T) {
	inBubble(t, []string{"o", "p", "q"}, func(b base) {
		x, y := b.begin().put("x", "p"), b.begin().put("y", "o")
		x.read("o")
		p := &deps.Prepared{XID: "x"}
		want(t, "prepare", b.Prepare(&x.Record, p, deps.Patience{}), nil)
		a := y.tryCommit()
		a.waits("y")
		want(t, "take", b.TakeThis(p), nil)
		b.CommitPrepared(p)
		a.ends("y", nil)
		a.cancel()
	})
	_ = context.Background
}
