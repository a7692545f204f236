package pebblestore

// Stats are figures of a store. Those that count do so since it was opened.
type Stats struct {
	// CacheBytes are blocks of tables in memory, CacheHits and CacheMisses the
	// lookups of blocks there. Together with MemTableBytes, what memtables take, they
	// are at most Options.CacheBytes, or what the memtables take if that is more.
	CacheBytes, MemTableBytes int64
	CacheHits, CacheMisses    int64

	// DiskBytes are all files, TableBytes and Tables those that count.
	DiskBytes, TableBytes uint64
	Tables                int64

	// Flushes are memtables written to tables, Compactions the times that tables
	// were merged, CompactionDebt is an estimate of the bytes that are still to be
	// merged. WrittenBytes is what was written for both.
	Flushes, Compactions int64
	CompactionDebt       uint64
	WrittenBytes         uint64

	// Sublevels of the first level, and ReadAmp: how many tables a Load may have to
	// look into on that level, and in all.
	Sublevels, ReadAmp int

	// Stalls are the times that Apply had to wait for flushes or compactions.
	Stalls uint64
	// CorruptTables are the times that reading a table found it corrupt.
	CorruptTables uint64

	// Retrying is why the last attempt to write a table failed, if none has worked
	// since. It is tried again, without end.
	Retrying error
	// Failed is what ended writing for good. It matches ErrFailed.
	Failed error
}

// Stats returns figures of one moment, or, after a failure, of the last moment that
// there are any of. It is not for every transaction: it takes a lock that writers
// need, for some microseconds.
func (s *Store) Stats() Stats {
	s.calls.RLock()
	defer s.calls.RUnlock()
	if s.closed.Load() {
		return Stats{Failed: s.guard.err()}
	}
	m := s.sampler.ask(s)
	total := m.Total()
	written := uint64(0)
	for i := range m.Levels {
		written += m.Levels[i].TableBytesFlushed + m.Levels[i].TableBytesCompacted
	}
	return Stats{
		CacheBytes:     m.BlockCache.Size,
		MemTableBytes:  int64(m.MemTable.Size + m.MemTable.ZombieSize),
		CacheHits:      m.BlockCache.Hits,
		CacheMisses:    m.BlockCache.Misses,
		DiskBytes:      m.DiskSpaceUsage(),
		TableBytes:     uint64(total.TablesSize),
		Tables:         total.TablesCount,
		Flushes:        m.Flush.Count,
		Compactions:    m.Compact.Count,
		CompactionDebt: m.Compact.EstimatedDebt,
		WrittenBytes:   written,
		Sublevels:      int(m.Levels[0].Sublevels),
		ReadAmp:        m.ReadAmp(),
		Stalls:         s.stalls.Load(),
		CorruptTables:  s.events.corrupt.Load(),
		Retrying:       s.guard.retrying(),
		Failed:         s.guard.err(),
	}
}
