// Package durable keeps what was committed: it brings the committed list to the
// commit log and, some time later, to the engine, and both back when a store is
// opened.
//
//	committed list ──► writer ──► commit log ──► recovery
//	      │                                         │
//	      └──────────► applier ──► engine ◄─────────┘
//
// Writer and applier go along the committed list, one behind the other: the applier
// never passes D, so the engine has nothing that the log could lose. What the engine
// has may leave memory (storage.Store), and what the engine would not lose may leave
// the log.
//
// # Failure
//
// When a write or a sync of the log fails, it is not known what is on the disk, and
// another sync would not tell: so nothing is ever written again. Who waits is told,
// and so is every later commit; readers go on. When the engine fails, the log goes
// on until its budget is used up.
package durable

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/redo"
)

// Errors of commits.
var (
	// ErrTooLarge says that a transaction does not fit into a frame of the log.
	ErrTooLarge = errors.New("durable: transaction too large for the log")
	// ErrEngine says that the engine failed, and has nothing applied to it any more.
	ErrEngine = errors.New("durable: the engine failed")
	// ErrNoRoom says that there is no room in the log. It does no harm.
	ErrNoRoom = errors.New("durable: no room in the log")
	// ErrBehind says that the log ends before what the engine has: its end is missing.
	ErrBehind = errors.New("durable: the log ends before what the object store has")
	// ErrClosed says that the store was closed before the commit was durable.
	ErrClosed = errors.New("durable: closed")
)

// Options are the settings of a store.
type Options struct {
	Dir      string                // of the log; empty: no log
	FS       fsys.FS               // for the log
	Engine   storage.Engine        // closed by Close
	LogBytes int64                 // what the engine may lack
	Progress func(done, all int64) // of a replay, in bytes
}

// Store keeps what one manager commits.
type Store struct {
	deps     *deps.Manager
	log      *commitlog.Log // nil: none
	engine   storage.Engine
	id       storage.StoreID
	writer   writer
	spares   spares
	applier  applier
	throttle throttle
	prepared register
	calls    callbacks
	errands  errands
}

// LogDir is where the log of a store in dir is.
func LogDir(dir string) string { return filepath.Join(dir, "log") }

const (
	// segments is how many segments make up the budget of a log, at least.
	segments = 8
	// longestSegment is how long they are, at most: whoever needs a new one waits
	// until it is filled with zeros.
	longestSegment = 32 << 20
)

// segmentBytes is how long the segments of a log are that may have so many bytes.
func segmentBytes(budget int64) int64 { return min(budget/segments, longestSegment) }

// Open opens the log, brings m to the state that log and engine have, and has both
// follow what m commits. Nothing has begun in m yet, and its store has the engine.
// After an error the engine is the caller's again.
func Open(ctx context.Context, m *deps.Manager, opts Options) (opened *Store, err error) {
	s := &Store{deps: m, engine: &gate{Engine: opts.Engine}, id: opts.Engine.Mark().Store}
	s.throttle.budget, s.throttle.kick = opts.LogBytes, s.applier.kick
	s.applier.init(s)
	defer func() {
		if opened == nil && s.log != nil { // also if Options.Progress panics
			err = errors.Join(err, s.log.Close())
		}
	}()
	if err := s.recover(ctx, opts); err != nil {
		return nil, err
	}
	if s.log != nil {
		s.writer.start(m, s.log, s.written)
		s.spares.start(s.log)
	}
	s.calls.start(s)
	s.applier.start()
	for _, k := range s.prepared.before(math.MaxUint64) {
		m.Ready(k.prepared) // not before: its end goes to the writer
	}
	return s, nil
}

// written is called after every write of the log.
func (s *Store) written(upTo uint64) {
	s.spares.look()
	s.calls.durable(upTo)
	s.applier.wakeIdle()
}

// roomOf is how many bytes of the log the commit of these writes takes at most.
func roomOf(xid string, writes []deps.Write) int64 {
	size := redo.SizeHeader + redo.SizeCommit(xid, len(writes))
	for i := range writes {
		key := len(writes[i].Object.Key())
		if v := writes[i].Version; v.Tombstone() {
			size += redo.SizeDelete(key)
		} else {
			size += redo.SizePut(key, len(v.Value()))
		}
	}
	return commitlog.Need(size)
}

// heldBytes is about what memory takes for a new object besides its key and value, as
// long as the engine does not have it: 245 were measured, with values of 100 bytes.
const heldBytes = 250

// weight is what a commit counts of the budget: the bytes that it takes in the log, and
// what comes on top in memory, which for small objects is more.
func weight(r *deps.Record) int64 { return weightOf(r.Room, len(r.Writes)) }

func weightOf(room int64, writes int) int64 { return room + int64(writes)*heldBytes }

// Admission is a commit that is held back. See Store.Admit.
type Admission struct {
	s         *Store
	turn      *turn
	hasLocked bool // something that others may wait for
}

// Come is closed when the commit may go on.
func (a *Admission) Come() <-chan struct{} { return a.turn.come }

// Broken is closed if the commit will never be able to go on; see Store.EngineFailed.
func (a *Admission) Broken() <-chan struct{} { return a.s.applier.broken }

// Look is called now and then. It returns why the wait is in vain, if the log has
// failed; and it ends the wait if the others that count may wait for the caller.
func (a *Admission) Look() error {
	s := a.s
	if a.hasLocked && s.applier.reached.Load() >= s.deps.Visible() {
		s.throttle.letIn(a.turn)
	}
	return s.deps.LogFailed()
}

// GiveUp ends the wait.
func (a *Admission) GiveUp() { a.s.throttle.forget(a.turn) }

// Admit counts a commit, before its vote. If it has to wait for the engine, it is
// given an admission to wait for, and afterwards calls Reserve; otherwise that is done.
func (s *Store) Admit(r *deps.Record, xid string) (*Admission, error) {
	if s.log != nil {
		if err := s.deps.LogFailed(); err != nil {
			return nil, err
		}
	}
	room := roomOf(xid, r.Writes)
	if room > commitlog.MaxPayload {
		return nil, fmt.Errorf("%w: %d bytes, and %d are possible", ErrTooLarge, room, commitlog.MaxPayload)
	}
	r.Room = room
	if turn := s.throttle.enter(weight(r)); turn != nil {
		return &Admission{s: s, turn: turn, hasLocked: r.HasLocked()}, nil
	}
	return nil, s.Reserve(r)
}

// EngineFailed returns why nothing is applied any more, or nil.
func (s *Store) EngineFailed() error { return s.applier.failure() }

// Reserve makes room in the log for an admitted commit, so that it cannot run out
// later. After an error the commit does not count any more.
func (s *Store) Reserve(r *deps.Record) error {
	if s.log == nil {
		return nil
	}
	err := s.reserve(r.Room)
	if err != nil {
		s.throttle.giveBack(weight(r))
	}
	return err
}

// reserve makes room in the log. The error is ErrNoRoom, or that of a log that failed.
func (s *Store) reserve(room int64) error {
	err := s.log.Reserve(room)
	if err == nil || errors.Is(err, commitlog.ErrFailed) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNoRoom, err)
}

// Withdraw is called for an admitted commit that did not come about.
func (s *Store) Withdraw(r *deps.Record) {
	if s.log != nil {
		s.log.Release(r.Room)
	}
	s.throttle.giveBack(weight(r))
}

// Wait returns nil when everything up to the visible ts is durable. The error is
// that of the log, and then nobody knows.
func (s *Store) Wait(ts uint64) error {
	if s.log == nil {
		s.applier.wakeIdle()
		return nil
	}
	for {
		soon, err := s.deps.DurableFrom(ts)
		if soon == nil {
			return err
		}
		if !s.writer.writeUpTo(ts) {
			<-soon
		}
	}
}

// Soon has everything that is visible written, and does not wait for it.
func (s *Store) Soon() {
	if s.log == nil {
		s.applier.wakeIdle()
		return
	}
	s.writer.nudge()
}

// WaitFor is Wait for as long as the context allows.
func (s *Store) WaitFor(ctx context.Context, ts uint64) error {
	if s.log == nil {
		return nil
	}
	for {
		soon, err := s.deps.DurableFrom(ts)
		if soon == nil {
			return err
		}
		s.writer.nudge()
		select {
		case <-soon:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errands are goroutines that end by themselves.
type errands struct {
	mu      sync.Mutex     // held while running is added to, and protects following field
	over    bool           // nothing is added any more
	running sync.WaitGroup // may not be added to from zero while it is waited for
}

// run has fn called, unless wait was called before.
func (e *errands) run(fn func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.running.Go(fn)
	}
}

// wait returns when none are left, and lets none begin any more.
func (e *errands) wait() {
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	e.running.Wait()
}

// Close writes what is committed, lets go of everything, and closes the engine. All
// transactions of the manager have been ended, and nothing commits any more.
func (s *Store) Close() error {
	var err error
	if s.log != nil {
		s.writer.stop()
		s.spares.stop()
		err = s.deps.LogFailed()
		s.deps.FailLog(ErrClosed)
	}
	s.errands.wait()
	closed, closing := s.stopApplier()
	s.calls.stop()
	s.deps.Store.Detach()
	if !closed {
		closing = s.engine.Close()
	}
	if s.log != nil {
		if end := s.log.Close(); err == nil {
			err = end
		}
	}
	return errors.Join(err, closing)
}

// gate is before the engine. Close may close that while the applier is in an Apply or a
// Sync that does not get on; then the applier comes to nothing else of it. An Apply or a
// Sync that was just let in is one of those that an engine has to expect.
type gate struct {
	storage.Engine

	mu     sync.Mutex // held during the calls that wait for nobody; protects following field
	closed bool
}

// isClosed reports whether Close was called.
func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// Mark is zero when the engine is closed.
func (g *gate) Mark() (mark storage.Mark) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		mark = g.Engine.Mark()
	}
	return mark
}

// Persisted is 0 when the engine is closed: then the log gives up nothing.
func (g *gate) Persisted() (upTo uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		upTo = g.Engine.Persisted()
	}
	return upTo
}

// Apply refuses when the engine is closed.
func (g *gate) Apply(changes []storage.Change, mark storage.Mark) error {
	if g.isClosed() {
		return ErrClosed
	}
	return g.Engine.Apply(changes, mark)
}

// Sync refuses when the engine is closed.
func (g *gate) Sync() error {
	if g.isClosed() {
		return ErrClosed
	}
	return g.Engine.Sync()
}

// Close closes the engine.
func (g *gate) Close() error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	return g.Engine.Close()
}

const (
	// grace is how long Close waits for a call of the engine before it interrupts it,
	// and graceToLose likewise if what is not in the engine then is lost.
	grace, graceToLose = 2 * time.Second, 30 * time.Second
)

// stopApplier stops the applier. If that is in a call of the engine that takes long,
// because the disk is full for instance, it closes the engine, and reports that.
func (s *Store) stopApplier() (closed bool, err error) {
	a := &s.applier
	close(a.quit)
	if !a.endsInTime() {
		s.deps.Store.Detach()
		closed, err = true, s.engine.Close()
		<-a.gone
	}
	s.deps.Unfollow(a.list)
	if s.log == nil {
		err = errors.Join(err, a.failure()) // then what is missing in the engine is lost
	}
	return closed, err
}

// endsInTime waits for the end of the applier. With a log that can be interrupted;
// without one not as long as the engine gets on.
func (a *applier) endsInTime() bool {
	patience := grace
	if a.s.log == nil {
		patience = graceToLose
	}
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for {
		before := a.progress()
		select {
		case <-a.gone:
			return true
		case <-tick.C:
			if a.s.log != nil || a.progress() == before {
				return false
			}
		}
	}
}

// progress changes while the engine gets on.
func (a *applier) progress() [2]uint64 { return [2]uint64{a.parts.Load(), a.s.engine.Persisted()} }

func pause() { runtime.Gosched() }
