package pebblestore

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/atomic"
)

// sampler is the one goroutine that asks Pebble for its figures, after each flush
// and compaction and when somebody wants them, and that closes snapshots. For both
// Pebble waits until it does not write its manifest, which may take long, and after a
// failure lasts until Close; nobody else is to wait for that.
type sampler struct {
	asked chan chan *pebble.Metrics
	ended chan struct{} // closed when the goroutine is gone

	mu        sync.Mutex         // protects snapshots
	snapshots []*pebble.Snapshot // to be closed

	last      atomic.Pointer[pebble.Metrics]
	sublevels atomic.Int32 // of the first level, at the last sample
}

func newSampler() *sampler {
	return &sampler{asked: make(chan chan *pebble.Metrics), ended: make(chan struct{})}
}

// run samples until Close begins.
func (p *sampler) run(s *Store) {
	defer close(p.ended)
	for {
		select {
		case <-s.events.work:
			p.closeSnapshots()
			p.sample(s.db)
			s.events.notify()
		case reply := <-p.asked:
			reply <- p.sample(s.db)
		case <-s.closing:
			return
		}
	}
}

// close closes a snapshot when there is time.
func (p *sampler) close(s *pebble.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.snapshots = append(p.snapshots, s)
}

func (p *sampler) closeSnapshots() {
	p.mu.Lock()
	snapshots := p.snapshots
	p.snapshots = nil
	p.mu.Unlock()
	for _, s := range snapshots {
		_ = s.Close() // there is nothing that could fail
	}
}

func (p *sampler) sample(db *pebble.DB) *pebble.Metrics {
	m := db.Metrics()
	p.last.Store(m)
	p.sublevels.Store(m.Levels[0].Sublevels)
	return m
}

// ask returns figures of now, or the last ones if there are no new ones to be had.
func (p *sampler) ask(s *Store) *pebble.Metrics {
	reply := make(chan *pebble.Metrics, 1)
	asked := p.asked
	for {
		select {
		case asked <- reply:
			asked = nil
		case m := <-reply:
			return m
		case <-s.guard.failed:
			return p.last.Load()
		case <-s.closing:
			return p.last.Load()
		}
	}
}
