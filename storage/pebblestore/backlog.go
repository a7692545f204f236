package pebblestore

// nodeBytes is about what a memtable takes for a change besides what a batch does.
const nodeBytes = 48

// backlog is what was applied and is not known to be in a table. It belongs to
// Apply.
type backlog struct {
	parts []part // oldest first
	bytes uint64
	grain uint64 // of a part, at least
}

// part is what some calls of Apply took.
type part struct {
	last  uint64 // number of the last of them
	bytes uint64
}

// add enters the Apply with this number.
func (b *backlog) add(number, bytes uint64) {
	b.bytes += bytes
	if n := len(b.parts); n > 0 && b.parts[n-1].bytes < b.grain {
		b.parts[n-1].last = number
		b.parts[n-1].bytes += bytes
		return
	}
	b.parts = append(b.parts, part{number, bytes})
}

// drop takes out what is in tables: the Apply with this number, and those before it.
func (b *backlog) drop(flushed uint64) {
	n := 0
	for n < len(b.parts) && b.parts[n].last <= flushed {
		b.bytes -= b.parts[n].bytes
		n++
	}
	b.parts = append(b.parts[:0], b.parts[n:]...)
}

// room returns when Apply may take more memory.
func (s *Store) room() error {
	if err := s.usable(); err != nil {
		return err
	}
	if !s.full() {
		return nil
	}
	s.stalls.Inc()
	// What fills the memory may be less in Pebble's eyes, and never be written.
	if _, err := s.flush(); err != nil {
		return err
	}
	for {
		changed, _ := s.events.wait()
		if !s.full() {
			return nil
		}
		select {
		case <-changed:
		case <-s.guard.failed:
			return s.guard.err()
		case <-s.closing:
			return ErrClosed
		}
	}
}

// full says whether Apply has to wait for memtables to be written, or for tables
// to be merged.
func (s *Store) full() bool {
	if s.sampler.sublevels.Load() > maxSublevels {
		return true
	}
	limit := maxMemTables * s.options.MemTableBytes
	if s.backlog.bytes <= limit {
		return false
	}
	if s.events.flushes.Load() != s.seen.Load() {
		s.refresh()
	}
	s.backlog.drop(s.flushed.Load())
	return s.backlog.bytes > limit
}
