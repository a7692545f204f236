package crash

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Opener opens the store: txnmgr.Open, as a rule.
type Opener func(context.Context, txnmgr.Options) (*txnmgr.Manager, error)

// child is the process that is going to be killed.
type child struct {
	*teller
	load     Load
	m        *txnmgr.Manager
	keys     mix.Keys
	begun    time.Time
	stopping atomic.Bool

	finisher *finisher
	syncs    atomic.Uint32 // calls of Sync
}

// Child opens the store and runs the load on it. It tells out about it.
func Child(ctx context.Context, load Load, open Opener, out io.Writer) error {
	c := &child{load: load, keys: mix.NewKeys(load.Keys), begun: time.Now()}
	c.teller = newTeller(out, func() { c.stopping.Store(true) })
	m, err := open(ctx, load.options())
	if err != nil {
		return err
	}
	c.m = m
	opening := time.Since(c.begun)
	looker := newWorker(c, load.Workers)
	f, err := looker.look()
	if err != nil {
		return err
	}
	f.Opening = int64(opening)
	c.tell(event{What: opened, Found: f})
	c.finisher = newFinisher(c, f.Prepared)
	c.run(looker, f)
	if err := m.Close(); err != nil {
		return err
	}
	c.tell(event{What: closed})
	return nil
}

// now is the clock of the histories.
func (c *child) now() int64 { return int64(time.Since(c.begun)) }

// run runs all goroutines, until the duration has passed, or for ever.
func (c *child) run(looker *worker, f *found) {
	var workers, finishers sync.WaitGroup
	for range finishersAtOnce {
		finishers.Go(c.finisher.run)
	}
	for id := range c.load.Workers {
		workers.Go(newWorker(c, id).run)
	}
	if c.load.Workers > 0 {
		looker.sweep(f.XIDs)
	}
	if c.load.Duration > 0 {
		time.AfterFunc(c.load.Duration, func() { c.stopping.Store(true) })
	}
	workers.Wait()
	c.finisher.stop()
	finishers.Wait()
}

// look reads everything that is in the store, three times.
func (w *worker) look() (*found, error) {
	f := &found{Workers: map[int]history.ID{}}
	for _, p := range w.m.Prepared() {
		keys := preparedKeys{XID: p.XID}
		for _, k := range p.Keys {
			keys.Keys = append(keys.Keys, string(k))
		}
		f.Prepared = append(f.Prepared, keys)
	}
	t := w.beginRead()
	if t == nil {
		return nil, fmt.Errorf("nothing can be read")
	}
	f.Snapshot = t.r.Snapshot()
	for key, val := range t.r.Scan(nil, []byte(firstKey)) {
		if err := f.mark(string(key), val); err != nil {
			w.failed("%v", err)
		}
	}
	all := history.Key(w.load.Keys)
	t.scan(0, all, upwards)
	for k := range all {
		if v := t.get(k); v != 0 {
			f.Values = append(f.Values, history.Read{Key: k, Version: v})
		}
	}
	t.scan(0, all, downwards)
	t.close()
	return f, nil
}

// firstKey is where the keys begin that transactions share.
const firstKey = "k"

// mark takes note of a key that says who has committed.
func (f *found) mark(key string, val []byte) error {
	if xid, is := strings.CutPrefix(key, markOfPrepared); is {
		f.XIDs = append(f.XIDs, xid)
		return nil
	}
	digits, _ := strings.CutPrefix(key, markOfWorker)
	n, err := strconv.Atoi(digits)
	if err != nil || len(val) != numberSize {
		return fmt.Errorf("key %q with a value of %d bytes was never written", key, len(val))
	}
	f.Workers[n] = history.ID(binary.BigEndian.Uint64(val))
	return nil
}
