package pebblestore

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// events is what Pebble tells about its work in the background. It must not be
// called back from there.
type events struct {
	guard *guard

	_       pad.Align64
	flushes atomic.Uint64 // memtables written to tables
	_       pad.Align64
	corrupt atomic.Uint64 // times that a table turned out to be corrupt

	work chan struct{} // holds one when a flush or a compaction has ended

	mu       sync.Mutex    // protects following fields
	changed  chan struct{} // closed, and replaced, at each event
	ended    error         // of the last end of a flush
	failures uint64        // of flushes
	failure  error         // the last of them
}

func newEvents(g *guard) *events {
	return &events{guard: g, work: make(chan struct{}, 1), changed: make(chan struct{})}
}

func (e *events) listener() *pebble.EventListener {
	return &pebble.EventListener{
		FlushEnd:        e.flushEnd,
		CompactionEnd:   e.compactionEnd,
		BackgroundError: e.backgroundError,
		DataCorruption:  func(pebble.DataCorruptionInfo) { e.corrupt.Inc() },
	}
}

// flushEnd hears of flushes of an empty memtable too, with an error that is none.
func (e *events) flushEnd(info pebble.FlushInfo) {
	if info.Err == nil {
		e.flushes.Inc()
		e.guard.written()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = info.Err
	e.broadcast()
	e.worked()
}

func (e *events) compactionEnd(info pebble.CompactionInfo) {
	if info.Err == nil {
		e.guard.written()
	}
	e.worked()
}

// worked lets the sampler have a look.
func (e *events) worked() {
	select {
	case e.work <- struct{}{}:
	default:
	}
}

// notify wakes who waits.
func (e *events) notify() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broadcast()
}

// backgroundError comes after flushEnd, with the same error, if that was one.
func (e *events) backgroundError(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended != nil && errors.Is(err, e.ended) {
		e.failures++
		e.failure = err
	}
	e.broadcast()
}

// broadcast wakes who waits. The lock is held.
func (e *events) broadcast() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// wait returns what will be closed at the next event, and how many flushes have
// failed.
func (e *events) wait() (changed <-chan struct{}, failures uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed, e.failures
}

// lastFailure returns the error of the last flush that failed.
func (e *events) lastFailure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failure
}

// logger keeps Pebble silent and alive. What it finds fatal is a failure that the
// guard has let it see, because the store is being closed, or one of its own.
type logger struct{ guard *guard }

// Infof is silent.
func (logger) Infof(string, ...any) {}

// Errorf is silent: the errors come as events too.
func (logger) Errorf(string, ...any) {}

// Fatalf returns, which Pebble does not expect, so nothing must reach the disk any
// more.
func (l logger) Fatalf(format string, args ...any) {
	l.guard.fail(fmt.Errorf(format, args...))
}
