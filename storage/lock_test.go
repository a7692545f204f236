package storage_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// TestLockWord goes through the states of a lock word.
func TestLockWord(t *testing.T) {
	steps := []struct {
		name string
		do   func(o *storage.Object) any
		want any
	}{
		{"a new object is held", func(o *storage.Object) any { return o.TryLock(storage.Unlocked, storage.Update) }, storage.Owned},
		{"its holder lets go", func(o *storage.Object) any { return o.Lower(storage.Update, storage.Unlocked) }, true},
		{"nobody waits for a free one", func(o *storage.Object) any { return o.AnnounceWaiter(storage.Unlocked, storage.Update) }, false},
		{"nobody kills a free one", func(o *storage.Object) any { return o.Kill() }, false},
		{"it is free", func(o *storage.Object) any { return o.TryLock(storage.Unlocked, storage.Update) }, storage.Locked},
		{"one waits", func(o *storage.Object) any { return o.AnnounceWaiter(storage.Unlocked, storage.Update) }, true},
		{"another too", func(o *storage.Object) any { return o.AnnounceWaiter(storage.Unlocked, storage.Update) }, true},
		{"it must be handed over", func(o *storage.Object) any { return o.Lower(storage.Update, storage.Unlocked) }, false},
		{"it must not die", func(o *storage.Object) any { return o.Kill() }, false},
		{"it is owned", func(o *storage.Object) any { return o.TryLock(storage.Unlocked, storage.Update) }, storage.Owned},
		{"all gave up", func(o *storage.Object) any { o.NoMoreWaiters(); return o.IsDead() }, false},
		{"it dies", func(o *storage.Object) any { return o.Kill() }, true},
		{"and stays dead", func(o *storage.Object) any { return o.TryLock(storage.Unlocked, storage.Update) }, storage.Dead},
		{"or waits", func(o *storage.Object) any { return o.AnnounceWaiter(storage.Unlocked, storage.Update) }, false},
		{"or stops waiting", func(o *storage.Object) any { o.NoMoreWaiters(); return o.IsDead() }, true},
	}
	o := storage.NewObject(nil, 1)
	for _, step := range steps {
		if got := step.do(o); got != step.want {
			t.Errorf("%s: got %v, want %v", step.name, got, step.want)
		}
	}
}

// TestOneHolder: of many who try at once, one at a time holds the object.
func TestOneHolder(t *testing.T) {
	o := storage.NewObject(nil, 1)
	o.Lower(storage.Update, storage.Unlocked)
	held, total := 0, 0 // protected by o
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1_000 {
				for o.TryLock(storage.Unlocked, storage.Update) != storage.Locked {
				}
				if held++; held != 1 {
					t.Errorf("%d hold the object", held)
				}
				total++
				held--
				o.Lower(storage.Update, storage.Unlocked)
			}
		})
	}
	wg.Wait()
	if total != 4_000 {
		t.Errorf("locked %d times, want 4000", total)
	}
}

// TestState goes through the states of a transaction.
func TestState(t *testing.T) {
	var committed, rolledBack storage.State
	for _, step := range []struct {
		name string
		got  any
		want any
	}{
		{"open", committed.IsOpen(), true},
		{"no timestamp", committed.CommitTS(), uint64(0)},
		{"commit", committed.Commit(5), true},
		{"commit again", committed.Commit(6), false},
		{"roll back what is committed", committed.RollBack(), false},
		{"timestamp", committed.CommitTS(), uint64(5)},
		{"not open", committed.IsOpen(), false},
		{"not rolled back", committed.RolledBack(), false},
		{"roll back", rolledBack.RollBack(), true},
		{"roll back again", rolledBack.RollBack(), false},
		{"commit what is rolled back", rolledBack.Commit(5), false},
		{"rolled back", rolledBack.RolledBack(), true},
		{"no timestamp ever", rolledBack.CommitTS(), uint64(0)},
	} {
		if step.got != step.want {
			t.Errorf("%s: got %v, want %v", step.name, step.got, step.want)
		}
	}
}

// TestOneEnd: a commit and a rollback that come at once do not both win.
func TestOneEnd(t *testing.T) {
	for range 2_000 {
		var state storage.State
		var committed, rolledBack bool
		var wg sync.WaitGroup
		wg.Go(func() { committed = state.Commit(1) })
		wg.Go(func() { rolledBack = state.RollBack() })
		wg.Wait()
		if committed == rolledBack || rolledBack != state.RolledBack() {
			t.Fatal(fmt.Sprint("committed: ", committed, ", rolled back: ", rolledBack))
		}
	}
}
