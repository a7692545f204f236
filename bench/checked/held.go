package checked

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
	"github.com/tierceldb/tiercel/txnmgr"
)

// held is a reader that stays open over several windows.
type held struct {
	m    *txnmgr.Manager
	log  *stress.Log
	rng  *rand.Rand
	keys mix.Keys
	n    int // of keys

	tx       txnmgr.ReadTxn
	open     bool
	windows  int // until it is closed
	versions []history.Version
}

// mostWindows is how many windows a reader is held open at most.
const mostWindows = 16

func newHeld(m *txnmgr.Manager, opts Options, log *stress.Log) *held {
	return &held{
		m: m, log: log, rng: rand.New(rand.NewPCG(opts.Seed, uint64(opts.Goroutines))),
		keys: mix.NewKeys(opts.Keys), n: opts.Keys,
	}
}

// between is called between two windows, with what keys hold now. It closes the
// reader when its time has come, and opens the next.
func (h *held) between(now []history.Read) {
	if h.windows--; h.windows > 0 {
		return
	}
	h.close()
	tx, err := h.m.BeginRead(context.Background())
	if err != nil {
		h.log.Add(stress.UnexpectedError, "reader held open: %v", err)
		return
	}
	h.tx, h.open, h.windows = tx, true, 1+h.rng.IntN(mostWindows)
	h.versions = make([]history.Version, h.n)
	for _, r := range now {
		h.versions[r.Key] = r.Version
	}
}

// close reads everything once more.
func (h *held) close() {
	if !h.open {
		return
	}
	h.scan()
	if err := h.tx.Close(); err != nil {
		h.log.Add(stress.UnexpectedError, "reader held open: %v", err)
	}
	h.open = false
}

// read reads one key after the other until done.
func (h *held) read(done func() bool) {
	for h.open && !done() {
		h.get(h.rng.IntN(h.n))
		runtime.Gosched()
	}
}

func (h *held) get(k int) {
	val, err := h.tx.Get(h.keys[k])
	if err != nil && !errors.Is(err, txnmgr.ErrNotFound) {
		h.log.Add(stress.OldReader, "get %s: %v", h.keys[k], err)
		return
	}
	h.compare(k, val)
}

// compare checks the value of a key, nil if it has none.
func (h *held) compare(k int, val []byte) {
	var v history.Version
	var err error
	if val != nil {
		v, err = mix.Version(val)
	}
	if err != nil || v != h.versions[k] {
		h.log.Add(stress.OldReader, "at snapshot %d, %s is %v (%v), and was %v when it began",
			h.tx.Snapshot(), h.keys[k], v, err, h.versions[k])
	}
}

// scan goes over everything in both directions.
func (h *held) scan() {
	for _, pairs := range []iter.Seq2[[]byte, []byte]{h.tx.Scan(nil, nil), h.tx.ScanDescending(nil, nil)} {
		found, err := h.gather(pairs)
		if err != nil {
			h.log.Add(stress.OldReader, "scan at snapshot %d: %v", h.tx.Snapshot(), err)
			return
		}
		for k := range found {
			h.compare(k, found[k])
		}
	}
}

// gather returns the values of a scan by key.
func (h *held) gather(pairs iter.Seq2[[]byte, []byte]) ([][]byte, error) {
	found := make([][]byte, h.n)
	for key, val := range pairs {
		k, err := h.keys.Number(key)
		if err != nil {
			return nil, err
		}
		if found[k] != nil {
			return nil, fmt.Errorf("key %s comes twice", key)
		}
		found[k] = val
	}
	return found, h.tx.Err()
}
