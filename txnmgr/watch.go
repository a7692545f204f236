package txnmgr

import (
	"fmt"
	"time"

	"github.com/tierceldb/tiercel/deps"
)

// watch ends transactions that are older than Options.MaxAge. Read-only ones do
// not know when they began, since looking at a clock would cost more than the
// transaction; so the watch remembers since when it has seen the same generation
// in a slot.
type watch struct {
	m     *Manager
	limit time.Duration
	seen  map[tenant]time.Time
	quit  chan struct{}
	gone  chan struct{}
}

// tenant is one transaction in a slot.
type tenant struct {
	slot *deps.Slot
	gen  uint64
}

func (m *Manager) startWatch(limit time.Duration) *watch {
	w := &watch{m: m, limit: limit, quit: make(chan struct{}), gone: make(chan struct{})}
	go w.run()
	return w
}

func (w *watch) stop() {
	close(w.quit)
	<-w.gone
}

func (w *watch) run() {
	defer close(w.gone)
	tick := time.NewTicker(max(w.limit/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-w.quit:
			return
		case now := <-tick.C:
			w.look(now)
		}
	}
}

// look ends what has been seen for as long as the limit.
func (w *watch) look(now time.Time) {
	before := w.seen
	w.seen = make(map[tenant]time.Time)
	w.m.deps.Active(func(slot *deps.Slot, gen, _ uint64) {
		who := tenant{slot: slot, gen: gen}
		since, known := before[who]
		if !known {
			since = now
			if r, is := slot.Tag(gen).(*deps.Record); is {
				since = now.Add(-w.m.deps.Age(r))
			}
		}
		w.seen[who] = since
		if now.Sub(since) >= w.limit {
			w.m.deps.Force(slot, gen, &endError{cause: fmt.Errorf("%w: older than MaxAge %v", ErrTimeout, w.limit)})
		}
	})
}
