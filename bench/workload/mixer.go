package workload

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/internal/pad"
	"github.com/tierceldb/tiercel/txnmgr"
)

// publishEvery is how many transactions a goroutine runs between two updates
// of the count that others may look at.
const publishEvery = 256

// mixer is one goroutine of a mix. Both closures are made once: a closure made
// in the loop would be counted as an allocation of the library.
type mixer struct {
	_ pad.Line

	m         *txnmgr.Manager
	view      func(txnmgr.ReadTxn) error
	update    func(*txnmgr.Txn) error
	add       func(*txnmgr.Txn) error
	ops       int
	readBelow uint64 // a transaction only reads if its draw is below this,
	addBelow  uint64 // else it adds if it is below this
	rng       rand.PCG
	choose    Chooser
	key       [KeySize]byte
	fresh     uint64 // number of the next new object,
	apart     uint64 // and how far apart they are
	value     []byte
	timing    sampler
	written   time.Time // when the last attempt of what is timed began to commit; zero: it is not

	reads, updates, adds, gaveUp uint64
	err                          error

	_         pad.Line
	published atomic.Uint64
	_         pad.Line
}

// drawRange is the range of the draw that decides between read and update.
const drawRange = 1 << 32

func newMixers(m *txnmgr.Manager, mix Mix) []*mixer {
	choices := NewChoices(mix.Dist, mix.Keys, mix.Seed)
	workers := make([]*mixer, mix.Goroutines)
	for id := range workers {
		w := &mixer{
			m: m, ops: mix.OpsPerTxn,
			readBelow: uint64(mix.Read * drawRange),
			addBelow:  uint64((mix.Read + (1-mix.Read)*mix.Adds) * drawRange),
			fresh:     firstFresh(mix.Seed) + uint64(id),
			apart:     uint64(mix.Goroutines),
			choose:    choices.Chooser(id),
			value:     newValue(mix.ValueSize),
			timing:    newSampler(mix.TimeEvery, mix.Seed, id),
		}
		w.rng.Seed(mix.Seed, ^uint64(id))
		w.view, w.update, w.add = w.readAll, w.updateAll, w.addAll
		workers[id] = w
	}
	return workers
}

// firstFresh is the number of the first object that a run adds: behind all that were
// stored before it, and far from those of runs with another seed.
func firstFresh(seed uint64) uint64 { return 1<<63 | seed<<40>>1 }

// work runs transactions until stopped. The ctx of the run is not handed to
// the transactions: a cancelled one would count as an error, and stopping
// between two transactions is soon enough.
func (w *mixer) work(stop *crew.Stop) {
	ctx := context.Background()
	for n := uint64(1); !stop.Requested(); n++ {
		if w.err = w.transaction(ctx); w.err != nil {
			stop.Request()
		}
		if n%publishEvery == 0 {
			w.published.Store(w.reads + w.updates)
		}
	}
	w.published.Store(w.reads + w.updates)
}

// task is what a transaction of a mix does.
type task int

const (
	reading task = iota
	updating
	adding
)

func (w *mixer) draw() task {
	switch n := Below(&w.rng, drawRange); {
	case n < w.readBelow:
		return reading
	case n < w.addBelow:
		return adding
	}
	return updating
}

// transaction runs one transaction, timed if it is its turn.
func (w *mixer) transaction(ctx context.Context) error {
	t := w.draw()
	if w.timing.due() {
		return w.timed(ctx, t)
	}
	return w.once(ctx, t)
}

func (w *mixer) timed(ctx context.Context, t task) error {
	start := time.Now()
	w.written = start
	err := w.once(ctx, t)
	elapsed := time.Since(start)
	if t == reading {
		record(w.timing.latency.Reads, elapsed)
	} else {
		record(w.timing.latency.Updates, elapsed)
		record(w.timing.latency.Commits, elapsed-w.written.Sub(start))
	}
	w.written = time.Time{}
	return err
}

func (w *mixer) once(ctx context.Context, t task) error {
	switch t {
	case reading:
		return w.readOnce(ctx)
	case adding:
		before := w.updates
		err := w.updateOnce(ctx, w.add)
		w.adds += w.updates - before
		return err
	}
	return w.updateOnce(ctx, w.update)
}

func (w *mixer) readOnce(ctx context.Context) error {
	if err := w.m.View(ctx, w.view); err != nil {
		return err
	}
	w.reads++
	return nil
}

func (w *mixer) updateOnce(ctx context.Context, body func(*txnmgr.Txn) error) error {
	err := w.m.Update(ctx, body)
	if errors.Is(err, txnmgr.ErrConflict) {
		w.gaveUp++
		return nil
	}
	if err != nil {
		return err
	}
	w.updates++
	return nil
}

// readAll is the body of a transaction that only reads.
func (w *mixer) readAll(tx txnmgr.ReadTxn) error {
	for range w.ops {
		PutKey(&w.key, w.choose.Next())
		if _, err := tx.Get(w.key[:]); err != nil {
			return err
		}
	}
	return nil
}

// updateAll is the body of an update: it reads each object and replaces it.
func (w *mixer) updateAll(tx *txnmgr.Txn) error {
	for range w.ops {
		PutKey(&w.key, w.choose.Next())
		old, err := tx.Get(w.key[:])
		if err != nil {
			return err
		}
		w.advance(old)
		if err := tx.Put(w.key[:], w.value); err != nil {
			return err
		}
	}
	w.wrote()
	return nil
}

// addAll is the body of an addition: it stores new objects.
func (w *mixer) addAll(tx *txnmgr.Txn) error {
	for range w.ops {
		PutKey(&w.key, w.fresh)
		w.fresh += w.apart
		if err := tx.Put(w.key[:], w.value); err != nil {
			return err
		}
	}
	w.wrote()
	return nil
}

// wrote takes the time at which an attempt begins to commit.
func (w *mixer) wrote() {
	if !w.written.IsZero() {
		w.written = time.Now()
	}
}

// advance makes the next value differ from the old one, so that every put is a
// change: the first eight bytes, where there are so many, count up.
func (w *mixer) advance(old []byte) {
	if len(w.value) >= 8 && len(old) >= 8 {
		binary.LittleEndian.PutUint64(w.value, binary.LittleEndian.Uint64(old)+1)
	}
}
