package commitlog

import "sync"

// ahead reads segments, each while what is in the one before is being delivered: the
// disk and a processor work for those to come.
//
// There are two buffers, used in turn. Whoever takes a segment has done with the one
// before, and the one after it is only begun then: so its buffer is free.
type ahead struct {
	log      *Log
	chain    *chain  // the reader's, until the last segment was taken
	found    []Frame // in the segment that is being read
	segments chan read
	stop     chan struct{}
	reader   sync.WaitGroup
}

// read is a segment that was read, or why it was not.
type read struct {
	size   int64
	groups []Frame // in the buffer, but for one that began in an earlier segment
	err    error
}

// readAhead begins to read segments. Of the groups in them, those that are needed are
// handed over.
func (l *Log) readAhead(headers []header, needed func(Frame) bool) *ahead {
	a := &ahead{log: l, segments: make(chan read), stop: make(chan struct{})}
	a.chain = newChain(l.store, func(f Frame) error {
		if needed(f) {
			a.found = append(a.found, f)
		}
		return nil
	})
	a.reader.Go(func() {
		defer close(a.segments)
		var buffers [2][]byte
		for i, h := range headers {
			if !a.hand(a.read(h, &buffers[i%2])) {
				return
			}
		}
	})
	return a
}

// read reads a segment into the buffer, or a larger one.
func (a *ahead) read(h header, buf *[]byte) read {
	var err error
	if *buf, err = readSegment(a.log.fs, a.log.dir, h, *buf); err != nil {
		return read{err: located(err)}
	}
	a.found = nil
	err = a.chain.add(h, *buf)
	return read{size: h.size, groups: a.found, err: err}
}

// hand hands a segment over. It reports whether to go on.
func (a *ahead) hand(s read) bool {
	select {
	case a.segments <- s:
		return s.err == nil
	case <-a.stop:
		return false
	}
}

// end returns when nothing is being read any more.
func (a *ahead) end() {
	close(a.stop)
	a.reader.Wait()
}
