package commitlog

import "slices"

// chain puts the groups of consecutive segments together.
type chain struct {
	store   StoreID
	started bool
	next    uint64   // the number the next segment must have
	last    uint64   // the timestamp of the last complete group
	pending *pending // the group that goes on in the next segment
	skip    bool     // no group began yet: a part may belong to one that began earlier
	open    []tail   // the segments at the end that have no seal
	newest  tail     // the last segment that has a frame
	closed  bool     // the last segment ends in the mark of a log that was closed
	deliver func(Frame) error
}

// pending is the beginning of a group.
type pending struct {
	Frame
	tail tail // where it begins
}

func newChain(store StoreID, deliver func(Frame) error) *chain {
	return &chain{store: store, skip: true, deliver: deliver}
}

// add takes the next segment.
func (c *chain) add(h header, segment []byte) error {
	if err := c.follows(h); err != nil {
		return err
	}
	c.started, c.next = true, h.number+1
	c.closed = false // or the log was opened again, and what was to be appended then may be missing
	if c.pending == nil {
		c.last = h.base
	}
	link := link{chain: c, header: h, initial: true}
	t, err := walk(c.store, h.number, segment, link.part)
	if err != nil {
		return err
	}
	if t.position > segmentHeader {
		c.newest = t
	}
	if !t.sealed {
		c.open = append(c.open, t)
	}
	return nil
}

// follows checks that a segment is the next one.
func (c *chain) follows(h header) error {
	if c.started && h.number != c.next {
		return corrupt(c.next, 0, ErrSegmentMissing, "the next one there is number %d", h.number)
	}
	if h.base < c.last {
		return corrupt(h.number, 0, ErrOrder, "the segment begins after timestamp %d, the one before ends at %d", h.base, c.last)
	}
	return nil
}

// finish is called after the last segment. It checks that it is the last one.
func (c *chain) finish() error {
	if c.started && len(c.open) == 0 {
		return corrupt(c.next, 0, ErrSegmentMissing, "the log goes on in it")
	}
	return nil
}

// torn says where a write was torn, if it was and left traces.
func (c *chain) torn() (tail, bool) {
	if c.pending != nil {
		return c.pending.tail, true
	}
	i := slices.IndexFunc(c.open, func(t tail) bool { return t.torn })
	if i < 0 {
		return tail{}, false
	}
	return c.open[i], true
}

// link is one segment of a chain.
type link struct {
	*chain
	header  header
	initial bool // no frame was seen yet
}

// part takes the next frame.
func (s *link) part(p part) error {
	if len(s.open) > 0 {
		return corrupt(s.open[0].segment, s.open[0].position, ErrDamaged, "segment %d has later frames", s.header.number)
	}
	initial := s.initial
	s.initial = false
	s.closed = p.kind == closed
	switch p.kind {
	case whole, begin:
		return s.start(p)
	case middle, end:
		return s.goOn(p, initial)
	case sealed:
		s.skip = s.skip && !initial
		// A seal where the rest of a group should be was put there when the log
		// was opened: the rest had never been written.
		if s.pending != nil && initial {
			s.pending, s.last = nil, s.header.base
		}
		return nil
	case closed:
		if s.pending == nil {
			return nil
		}
	}
	return s.unexpected(p)
}

// start takes a frame that begins a group.
func (s *link) start(p part) error {
	if s.pending != nil {
		return s.unexpected(p)
	}
	if !inOrder(s.last, p.first, p.last) {
		return corrupt(s.header.number, p.position, ErrOrder, "%d to %d after %d", p.first, p.last, s.last)
	}
	s.skip = false
	group := Frame{First: p.first, Last: p.last, Payload: p.payload}
	if p.kind == whole {
		return s.complete(group)
	}
	group.Payload = slices.Clone(p.payload)
	s.pending = &pending{group, tail{segment: s.header.number, position: p.position, torn: true}}
	return nil
}

// goOn takes a frame that continues a group, which only the initial one of a
// segment does.
func (s *link) goOn(p part, initial bool) error {
	if initial && s.skip && p.last <= s.header.base {
		s.skip = p.kind == middle
		return nil
	}
	group := s.pending
	if !initial || group == nil || p.first != group.First || p.last != group.Last {
		return s.unexpected(p)
	}
	group.Payload = append(group.Payload, p.payload...)
	if p.kind == middle {
		return nil
	}
	s.pending = nil
	return s.complete(group.Frame)
}

// complete delivers a group.
func (s *link) complete(group Frame) error {
	s.last = group.Last
	return s.deliver(group)
}

// unexpected is the error for a frame that cannot be where it is.
func (s *link) unexpected(p part) error {
	return corrupt(s.header.number, p.position, ErrDamaged, "a frame of kind %q that should not be here", rune(p.kind))
}

// inOrder tells whether a group may come after timestamp before: its own are
// younger, or it has none of its own and repeats the one before.
func inOrder(before, first, last uint64) bool {
	return first <= last && (first > before || first == before && last == before)
}
