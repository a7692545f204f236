package durable

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// applier brings to the engine what is durable, in batches in which only the newest
// version of an object counts, and then lets memory and log forget it.
//
// It waits until there is much to do, since updates of the same objects collapse
// then, and since what it writes shares the disk with the log; so a burst of commits
// passes at the speed of the log alone. It goes on when the burst is over, or has
// lasted for long, and at once if commits wait for it.
//
// # What a snapshot still needs
//
// The engine keeps one version of a key. Before a batch puts another one in its
// place, the one that was there is hung into the chain of the object in memory, if a
// snapshot sees it; the object does not leave memory while that is active. The
// snapshots to look at are those that are active after D was looked at: what begins
// later is at R ≥ D, and sees the new version or a newer one. So most batches stay
// below the oldest of the snapshots, and then there is nothing to look at; only if
// one of them holds too much up does the batch go on beyond it.
type applier struct {
	s    *Store
	list *deps.Follower

	kicks chan struct{} // one element
	quit  chan struct{}
	gone  chan struct{}
	idle  atomic.Bool // waits for kicks alone
	_     pad.Align64
	// reached is up to where everything that was committed is applied; no commit need
	// have that timestamp.
	reached atomic.Uint64
	_       pad.Align64
	parts   atomic.Uint64 // calls of Apply

	mu      sync.Mutex // protects following fields
	failed  error
	batches uint64
	trouble error         // the last attempt to truncate the log
	broken  chan struct{} // closed when failed is set
	held    []applied     // objects that were promoted

	// What follows belongs to the goroutine.
	batch   batch
	settled queue
	visible uint64 // V at the last look
	looks   int    // since the last time it applied something
}

const (
	// mostAtOnce is how many bytes are applied at once, about, at most; less if the
	// budget is small.
	mostAtOnce, partsOfBudget = 1 << 20, 16
	// look is how often the applier looks what there is to do.
	look = 50 * time.Millisecond
	// few commits in that time are no burst.
	few = 16
	// long is how many looks a burst may last.
	long = 200
)

func (a *applier) init(s *Store) {
	a.s = s
	a.kicks, a.quit, a.gone = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	a.broken = make(chan struct{})
}

// follow makes everything that is committed from now on its business.
func (a *applier) follow() {
	if a.list == nil {
		a.list = a.s.deps.Follow()
	}
}

func (a *applier) start() {
	a.follow()
	a.reached.Store(a.list.Passed())
	if a.isScattered() {
		a.catchUp()
		a.truncate()
	}
	go a.run()
}

// isScattered reports whether the log is longer than its budget, with little in it. Every
// opening begins a segment; a store that is opened often, for a moment each time, would
// never come to give them up.
func (a *applier) isScattered() bool {
	t := &a.s.throttle
	return a.s.log != nil && a.s.log.Stats().Log > t.budget && t.used.Load() <= t.budget/segments
}

// kick makes the applier look at once.
func (a *applier) kick() {
	select {
	case a.kicks <- struct{}{}:
	default:
	}
}

// wakeIdle makes it look some time soon.
func (a *applier) wakeIdle() {
	if a.idle.Load() {
		a.kick()
	}
}

func (a *applier) run() {
	defer close(a.gone)
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if a.hasNothing() {
			a.idle.Store(true)
		}
		// Who committed before the store above has found it awake, and is seen here.
		if a.idle.Load() && a.hasNothing() {
			select {
			case <-a.quit:
				a.last()
				return
			case <-a.kicks:
			}
			a.idle.Store(false)
		} else {
			a.idle.Store(false)
			select {
			case <-a.quit:
				a.last()
				return
			case <-a.kicks:
			case <-tick.C:
			}
		}
		if a.isDue() {
			a.catchUp()
			a.settle()
			// What was committed is purged by who commits next. If nobody does, the list
			// of it, and longer chains, would stay.
			a.s.deps.Purge()
		}
		a.settle()
		a.truncate()
	}
}

// isDue reports whether it is time to apply what there is.
func (a *applier) isDue() bool {
	visible := a.s.deps.Visible()
	burst := visible-a.visible > few
	a.visible = visible
	if a.looks++; burst && a.looks < long && !a.isPressed() {
		return false
	}
	a.looks = 0
	return true
}

// hasNothing reports whether everything is applied and settled.
func (a *applier) hasNothing() bool {
	return a.failure() != nil || a.target() <= a.reached.Load() && a.settled.len() == 0 && !a.hasHeld()
}

// target is what may be applied: what the log cannot lose.
func (a *applier) target() uint64 {
	if a.s.log == nil {
		return a.s.deps.Visible()
	}
	return a.s.deps.DurableUpTo()
}

// last applies the rest if there is no log to have it. With one that is long, it sees to
// it that what was applied need not be done again by the next Open. What is in one
// segment is read sooner than a table is written.
func (a *applier) last() {
	s := a.s
	switch {
	case a.failure() != nil:
	case s.log == nil:
		a.catchUp()
		if err := s.engine.Sync(); err != nil {
			a.fail(err)
		}
	case s.log.Stats().Log > longestSegment && s.engine.Persisted() < s.deps.Store.Applied():
		// If that fails, the log still has it all.
		if s.engine.Sync() == nil {
			a.setTrouble(s.log.Truncate(s.engine.Persisted(), s.needed()))
		}
	}
}

// truncation returns why the log is longer than it should be, or nil.
func (a *applier) truncation() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trouble
}

// failure returns why nothing is applied any more, or nil.
func (a *applier) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

func (a *applier) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = fmt.Errorf("%w: %w", ErrEngine, err)
		close(a.broken)
	}
}

// catchUp applies what there is.
func (a *applier) catchUp() {
	for a.failure() == nil && a.target() > a.reached.Load() {
		target := a.target() // before the snapshots
		active, _ := a.s.deps.Snapshots()
		if len(active) > 0 && active[0] > a.reached.Load() && !a.isPressed() {
			target = min(target, active[0])
		}
		var err error
		if a.collect(target) {
			err = a.apply(active)
		} else {
			err = a.passOver(target)
		}
		if err != nil {
			a.fail(err)
			return
		}
		a.settle()
		a.truncate()
	}
}

// passOver is for timestamps that no commit has, since some were lost in a crash. The
// engine has them, or the log could not be truncated there.
func (a *applier) passOver(target uint64) error {
	if a.s.log != nil {
		if err := a.s.engine.Apply(nil, storage.Mark{Store: a.s.id, Applied: target}); err != nil {
			return err
		}
		a.s.deps.Store.SetApplied(target)
	}
	a.reached.Store(target)
	return nil
}

// isPressed reports whether too much is waiting to be applied to let it wait any longer.
func (a *applier) isPressed() bool {
	t := &a.s.throttle
	return t.waiting.Load() > 0 || t.used.Load() > t.budget/2
}

// collect fills the batch with the records up to target, an end of a group, or some
// fewer if there are many objects in them. It reports whether there are any.
func (a *applier) collect(target uint64) bool {
	b := &a.batch
	b.reset()
	most, whole := a.s.throttle.budget, true
	if a.s.log == nil {
		most = a.partBytes()
	}
	for !whole || int64(b.bytes) < most {
		r := a.list.Next(target)
		if r == nil {
			break
		}
		b.add(r)
		whole = r.EndsGroup()
	}
	return b.upTo > 0
}

// partBytes is how many bytes are applied at once, about.
func (a *applier) partBytes() int64 { return min(mostAtOnce, a.s.throttle.budget/partsOfBudget) }

// apply brings the batch to the engine, in parts. Only the last part has its mark:
// after a crash in between the engine has some versions that are newer than its mark,
// and what the log has from the mark on includes all of them. Without a log nothing has,
// and who opens the engine would find neither these nor what they have replaced; so then
// batches are small, and there is one part, but if a group is larger than any transaction.
func (a *applier) apply(active []uint64) error {
	b, s := &a.batch, a.s
	defer b.reset() // what is in it may leave memory now, and be many objects
	b.sort()
	if len(active) > 0 {
		if err := a.save(active); err != nil {
			return err
		}
	}
	mark := storage.Mark{Store: s.id, Applied: s.engine.Mark().Applied}
	size := a.partBytes()
	if s.log == nil {
		size = commitlog.MaxPayload
	}
	err := b.parts(int(size), func(changes []storage.Change, last bool) error {
		if last {
			mark.Applied = b.upTo
		}
		a.parts.Inc()
		return s.engine.Apply(changes, mark)
	})
	if err != nil {
		return err
	}
	s.deps.Store.SetApplied(b.upTo)
	a.list.Rest()
	slices.SortFunc(b.objects, func(x, y written) int { return cmp.Compare(x.version.CommitTS(), y.version.CommitTS()) })
	for i := range b.objects {
		a.settled.push(applied{object: b.objects[i].object, ts: b.objects[i].version.CommitTS()})
	}
	s.throttle.giveBack(b.weight)
	a.reached.Store(b.upTo)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.batches++
	return nil
}

// save hangs the versions that the batch is about to overwrite into the chains of
// their objects, as far as a snapshot sees them.
func (a *applier) save(active []uint64) error {
	for _, w := range a.batch.objects {
		e := w.oldest
		if active[0] >= e || hasOlder(w.object, e) {
			continue
		}
		base, err := a.s.deps.Store.Base(w.object.Key())
		if err != nil {
			return err
		}
		if base != nil {
			a.s.deps.Hang(w.object, base, e)
		}
	}
	return nil
}

// hasOlder reports whether the chain has a version from before e.
func hasOlder(o *storage.Object, e uint64) bool {
	for v := o.Head(); v != nil; v = v.Older() {
		if ts := v.CommitTS(); ts != 0 && ts < e {
			return true
		}
	}
	return false
}

// truncate lets the log forget what the engine would not lose. What is prepared is
// written again if its record would be lost.
func (a *applier) truncate() {
	s := a.s
	if s.log == nil || s.deps.LogFailed() != nil {
		return
	}
	// Few objects that are updated often may stay in the engine's memory for long.
	if s.log.Stats().Log > s.throttle.budget && s.engine.Persisted() < s.deps.Store.Applied() {
		if err := s.engine.Sync(); err != nil {
			a.setTrouble(err)
			return
		}
	}
	upTo := s.engine.Persisted()
	for _, k := range s.prepared.before(s.log.Obsolete(upTo)) {
		s.copyForward(k)
	}
	// If a file cannot be removed now, perhaps it can at the next look.
	a.setTrouble(s.log.Truncate(upTo, s.needed()))
}

// copyForward writes a record once more.
func (s *Store) copyForward(k *kept) {
	room := commitlog.Need(len(k.payload))
	if s.log.Reserve(room) != nil {
		return // it stays where it is
	}
	defer s.log.Release(room)
	current := s.log.Stats().Current // or a later one
	n := &note{payload: k.payload, of: k}
	s.writer.leave(n)
	<-n.done
	if n.err == nil {
		k.segment.Store(current)
	}
}

func (a *applier) setTrouble(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble = err
}
