package pool

import "go.uber.org/atomic"

// Word returns the snap word.
func (s *Slot) Word() uint64 { return s.snap.Load() }

// Take is take.
func (s *Slot) Take(mark *atomic.Uint64, kind uint64) (gen, snapshot uint64, won bool) {
	return s.take(mark, kind)
}

// HalfTake is the first step of take, and Settle the rest.
func (s *Slot) HalfTake(snapshot, kind uint64) bool {
	return s.snap.CompareAndSwap(Available, snapshot|kind)
}

// Settle is settle.
func (s *Slot) Settle(mark *atomic.Uint64, snapshot, kind uint64) (gen, at uint64, won bool) {
	return s.settle(mark, snapshot, kind)
}

// HalfEnd is the first step of End, and FinishEnd the second.
func (s *Slot) HalfEnd(gen uint64) bool { return s.gen.CompareAndSwap(gen, gen+1) }

// FinishEnd is the second step of End.
func (s *Slot) FinishEnd(word uint64) { s.snap.CompareAndSwap(word, Available) }

// Slots returns the list.
func (p *Pool) Slots() []*Slot { return *p.list.Load() }

// LockList takes the exclusive lock until the result is called, and counts it not.
func (p *Pool) LockList() (unlock func()) {
	p.lock.Lock()
	return p.lock.Unlock
}

// Hinted returns how many cells have a hint.
func (p *Pool) Hinted() int {
	n := 0
	for i := range p.hints {
		if p.hints[i].Load() != nil {
			n++
		}
	}
	return n
}

// DropHints forgets all hints, so that the next begin has to search.
func (p *Pool) DropHints() {
	for i := range p.hints {
		p.hints[i].Store(nil)
	}
}
