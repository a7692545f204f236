package commitlog

// Stats describes a log at one moment.
type Stats struct {
	Segments int    // files that hold the log
	Spares   int    // files that are ready to become segments
	Bytes    int64  // size of both on the disk
	Log      int64  // bytes from the oldest group that is kept to the end, free room not counted
	Reserved int64  // bytes reserved and not released
	First    uint64 // all groups younger than this are kept
	Last     uint64 // see Log.Last

	Oldest, Current uint64 // numbers of the oldest segment that is kept, and of the one that is written

	Appended Appended
	Failed   error // why the log takes nothing more, or nil
}

// Appended counts what was appended since the log was opened.
type Appended struct {
	Frames uint64 // groups
	Bytes  uint64 // of payload
	Syncs  uint64 // of segments that were written to, one for each Append and each end of a segment
}

// Stats returns how the log is now.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		Segments: len(l.segments),
		Spares:   len(l.spares),
		Bytes:    int64(len(l.spares)) * l.opts.SegmentBytes,
		Reserved: l.reserved,
		Last:     l.last,
		Appended: l.appended,
		Failed:   l.failed,
	}
	for _, h := range l.segments {
		s.Bytes += h.size
		s.Log += h.size
	}
	if len(l.segments) > 0 {
		s.First = l.segments[0].base
		s.Oldest, s.Current = l.segments[0].number, l.segments[len(l.segments)-1].number
	}
	s.Log -= l.free
	return s
}
