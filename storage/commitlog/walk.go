package commitlog

// tail is where the frames of a segment end.
type tail struct {
	segment  uint64
	position int64
	write    int64 // position at which the last write began
	sealed   bool  // a seal says that the end is here
	torn     bool  // something that was not finished lies behind
}

// walk hands the frames of a segment to each, in order, up to where the intact
// ones end. The seal, if there is one, is handed over as the last.
//
// Without a seal the end is where a write did not happen or was torn, unless an
// intact frame further on belongs to a write that began later: a write begins
// when the one before it is on the disk, so the bytes in between had been
// acknowledged, and are damaged.
func walk(store StoreID, number uint64, segment []byte, each func(part) error) (tail, error) {
	seed := seedOf(store, number)
	at, write, wasClosed := int64(segmentHeader), int64(segmentHeader), false
	for {
		p, ok := decode(seed, segment, at)
		if !ok {
			break
		}
		if p.write != at && p.write != write || wasClosed && p.kind != sealed {
			return tail{}, corrupt(number, at, ErrDamaged, "a frame that should not be here")
		}
		if err := each(p); err != nil {
			return tail{}, err
		}
		if p.kind == sealed {
			return tail{segment: number, position: p.next(), write: p.write, sealed: true}, nil
		}
		at, write, wasClosed = p.next(), p.write, p.kind == closed
	}
	later, torn := remains(seed, segment, at)
	if later > 0 {
		return tail{}, corrupt(number, at, ErrDamaged, "later frames are intact, the next one at offset %d", later)
	}
	return tail{segment: number, position: at, write: write, torn: torn}, nil
}

// remains looks at what lies behind the end of the intact frames: later is the
// position of a frame of a later write (0: none), torn tells whether there are
// traces of a write that ended in the middle.
func remains(seed uint32, segment []byte, from int64) (later int64, torn bool) {
	for at := from; at+frameHeader <= int64(len(segment)); at += frameAlign {
		if segment[at] != byte(magic&0xFF) {
			continue
		}
		p, ok := decodeHeader(seed, segment, at)
		if ok && p.write > from {
			return at, true
		}
		torn = torn || ok
	}
	return 0, torn
}
