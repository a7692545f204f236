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
	ops       int
	readBelow uint64 // a transaction only reads if its draw is below this
	rng       rand.PCG
	choose    Chooser
	key       [KeySize]byte
	value     []byte
	timing    sampler

	reads, updates, gaveUp uint64
	err                    error

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
			choose:    choices.Chooser(id),
			value:     newValue(mix.ValueSize),
			timing:    newSampler(mix.TimeEvery, mix.Seed, id),
		}
		w.rng.Seed(mix.Seed, ^uint64(id))
		w.view, w.update = w.readAll, w.updateAll
		workers[id] = w
	}
	return workers
}

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
)

func (w *mixer) draw() task {
	if Below(&w.rng, drawRange) < w.readBelow {
		return reading
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
	err := w.once(ctx, t)
	elapsed := time.Since(start)
	if t == reading {
		record(w.timing.latency.Reads, elapsed)
	} else {
		record(w.timing.latency.Updates, elapsed)
	}
	return err
}

func (w *mixer) once(ctx context.Context, t task) error {
	if t == reading {
		return w.readOnce(ctx)
	}
	return w.updateOnce(ctx)
}

func (w *mixer) readOnce(ctx context.Context) error {
	if err := w.m.View(ctx, w.view); err != nil {
		return err
	}
	w.reads++
	return nil
}

func (w *mixer) updateOnce(ctx context.Context) error {
	err := w.m.Update(ctx, w.update)
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
	return nil
}

// advance makes the next value differ from the old one, so that every put is a
// change: the first eight bytes, where there are so many, count up.
func (w *mixer) advance(old []byte) {
	if len(w.value) >= 8 && len(old) >= 8 {
		binary.LittleEndian.PutUint64(w.value, binary.LittleEndian.Uint64(old)+1)
	}
}
