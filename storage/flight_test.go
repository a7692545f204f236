package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/tierceldb/tiercel/storage"
)

// inBubble runs fn with a world whose goroutines can be waited for by synctest.Wait.
func inBubble(t *testing.T, fn func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { fn(t, newWorld(t, plenty)) })
}

// found is what one call of Find came to.
type found struct {
	value string
	err   error
}

func (w *world) start(ctx context.Context, key string, hash uint64, result chan<- found) {
	_, v, err := w.Find(ctx, []byte(key), hash, w.now)
	result <- found{value(v), err}
}

// stop lets loads wait in the engine until the result is closed.
func (w *world) stop() (goOn chan struct{}) {
	goOn = make(chan struct{})
	w.engine.onLoad = func() error { <-goOn; return nil }
	return goOn
}

// TestOneLoadForAll: who misses a key while it is loaded waits for that.
func TestOneLoadForAll(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		hash := w.only("k", "v").object.Hash()
		goOn, result := w.stop(), make(chan found)
		const readers = 8
		for range readers {
			go w.start(t.Context(), "k", hash, result)
		}
		synctest.Wait()
		close(goOn)
		for range readers {
			if got := <-result; got != (found{value: "v"}) {
				t.Error(got)
			}
		}
		if got := w.Memory(); got.Loads != 1 || got.Joined != readers-1 || got.Loaded != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// TestSameHash: two keys with one hash have loads of their own, and one entry of the
// cache between them.
func TestSameHash(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.only("a", "va")
		w.only("b", "vb")
		goOn, result := w.stop(), make(chan found)
		for range 2 {
			for _, key := range []string{"a", "b"} {
				go w.start(context.Background(), key, 1<<60+77, result)
				synctest.Wait()
			}
		}
		close(goOn)
		seen := make(map[found]int)
		for range 4 {
			seen[<-result]++
		}
		if seen[found{value: "va"}] != 2 || seen[found{value: "vb"}] != 2 {
			t.Error(seen)
		}
		w.Quiesce()
		w.wantObjects(1)
	})
}

// TestWaiterLeaves: a reader whose context ends does not wait on.
func TestWaiterLeaves(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		hash := w.only("k", "v").object.Hash()
		goOn, first, second := w.stop(), make(chan found), make(chan found)
		go w.start(context.Background(), "k", hash, first)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go w.start(ctx, "k", hash, second)
		synctest.Wait()
		cancel()
		if got := <-second; !errors.Is(got.err, context.Canceled) {
			t.Error(got)
		}
		close(goOn)
		if got := <-first; got != (found{value: "v"}) {
			t.Error(got)
		}
	})
}

// TestEngineFails: all who wait are told, and the next reader tries again.
func TestEngineFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		broken := errors.New("broken")
		hash := w.only("k", "v").object.Hash()
		goOn, result := make(chan struct{}), make(chan found)
		w.engine.onLoad = func() error { <-goOn; return broken }
		for range 3 {
			go w.start(context.Background(), "k", hash, result)
		}
		synctest.Wait()
		close(goOn)
		for range 3 {
			if got := <-result; !errors.Is(got.err, broken) {
				t.Error(got)
			}
		}
		if _, err := w.Base([]byte("k")); !errors.Is(err, broken) {
			t.Error(err)
		}
		w.engine.onLoad = nil
		w.wantFound("k", w.now, "v")
	})
}

// TestEnginePanics: nobody waits for ever, or takes it for an answer.
func TestEnginePanics(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		hash := w.only("k", "v").object.Hash()
		goOn, result := make(chan struct{}), make(chan found)
		w.engine.onLoad = func() error { <-goOn; panic("at the engine's") }
		go func() {
			defer func() { result <- found{err: fmt.Errorf("%v", recover())} }()
			w.Find(context.Background(), []byte("k"), hash, w.now)
		}()
		synctest.Wait()
		go w.start(context.Background(), "k", hash, result)
		synctest.Wait()
		close(goOn)
		for range 2 {
			if got := <-result; got.err == nil {
				t.Error(got)
			}
		}
		w.engine.onLoad = nil
		w.wantFound("k", w.now, "v")
	})
}

// TestDetach: it waits for who is inside the engine, who gets what was asked for; then
// memory can be read, and nothing else.
func TestDetach(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	w := newWorld(t, plenty)
	hash := w.only("k", "v").object.Hash()
	x := w.commit("memory", "v")
	s := w.Sight(nil, nil, storage.Ascending, w.now)
	inside, goOn, result := make(chan struct{}), make(chan struct{}), make(chan found)
	w.engine.onLoad = func() error { close(inside); <-goOn; return nil }
	go w.start(context.Background(), "k", hash, result)
	<-inside
	detached := make(chan struct{})
	go func() { w.Detach(); close(detached) }()
	for w.Touch(hash); !w.IsDetaching(); w.Touch(hash) {
	}
	select {
	case <-detached:
		t.Error("detached while a load is under way")
	default:
	}
	close(goOn)
	if got := <-result; got != (found{value: "v"}) {
		t.Error(got)
	}
	<-detached
	w.checkDetached(s, x)
}

// checkDetached looks at everything that needs the engine, and at what does not.
func (w *world) checkDetached(s *storage.Sight, x written) {
	t := w.t
	w.wantFound("memory", w.now, "v")
	_, _, find := w.Find(context.Background(), []byte("other"), 5, w.now)
	_, _, next := s.Next()
	_, _, begun := w.Sight(nil, nil, storage.Ascending, w.now).Next()
	_, promote := w.Promote(context.Background(), []byte("other"), 5)
	_, load := w.Base([]byte("other"))
	for what, err := range map[string]error{"find": find, "next": next, "a new scan": begun, "promote": promote, "base": load} {
		if !errors.Is(err, storage.ErrDetached) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s.Close() != nil || w.engine.open != 0 {
		t.Error("an iterator is open")
	}
	w.want(x, w.now, storage.Gone)
	w.Touch(5)
	w.Detach()
	if w.Memory().Objects == 0 {
		t.Error("memory is empty")
	}
}
