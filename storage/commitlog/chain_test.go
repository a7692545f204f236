package commitlog

import (
	"errors"
	"slices"
	"testing"
)

// chained is a log of segments, given by their bases and frames, and what must
// come of it: the last timestamps of the groups delivered, and an error at the
// segment and frame.
type chained struct {
	name     string
	segments [][]part // the base is the last timestamp of an initial part without a kind
	groups   []uint64
	reason   error
	segment  uint64
}

func base(ts uint64) part { return part{last: ts} }
func a(k kind, first, last uint64) part {
	return part{kind: k, first: first, last: last, payload: []byte("x")}
}

var seal = part{kind: sealed}

var chains = []chained{
	{"groups", [][]part{{base(0), a(whole, 1, 2), a(whole, 3, 3), seal}, {base(3), a(whole, 4, 4)}}, []uint64{2, 3, 4}, nil, 0},
	{"groups without commits", [][]part{{base(5), a(whole, 5, 5), a(whole, 5, 5), a(whole, 6, 6)}}, []uint64{5, 5, 6}, nil, 0},
	{"a gap between openings", [][]part{{base(0), a(whole, 1, 2), seal}, {base(100), a(whole, 101, 102)}}, []uint64{2, 102}, nil, 0},
	{"closed and opened", [][]part{{base(0), a(whole, 1, 2), {kind: closed}, seal}, {base(2), a(whole, 3, 4)}}, []uint64{2, 4}, nil, 0},
	{"cut in three", [][]part{{base(0), a(begin, 1, 2), seal}, {base(2), a(middle, 1, 2), seal}, {base(2), a(end, 1, 2), a(whole, 3, 4)}}, []uint64{2, 4}, nil, 0},
	{"began before", [][]part{{base(2), a(middle, 1, 2), seal}, {base(2), a(end, 1, 2), a(whole, 3, 4)}}, []uint64{4}, nil, 0},
	{"given up", [][]part{{base(0), a(begin, 1, 2), seal}, {base(2), seal}, {base(2), a(whole, 3, 4)}}, []uint64{4}, nil, 0},
	{"given up in the middle", [][]part{{base(0), a(begin, 1, 2), seal}, {base(2), a(middle, 1, 2), seal}, {base(2), seal}, {base(2), a(whole, 3, 4)}}, []uint64{4}, nil, 0},
	{"torn in the last segment", [][]part{{base(0), a(begin, 1, 2), seal}, {base(2)}}, nil, nil, 0},
	{"two without a seal", [][]part{{base(0), a(whole, 1, 2)}, {base(2)}}, []uint64{2}, nil, 0},

	{"older than before", [][]part{{base(0), a(whole, 3, 4), a(whole, 1, 2)}}, []uint64{4}, ErrOrder, 1},
	{"overlapping", [][]part{{base(0), a(whole, 3, 4), a(whole, 4, 5)}}, []uint64{4}, ErrOrder, 1},
	{"ends before it begins", [][]part{{base(0), a(whole, 3, 2)}}, nil, ErrOrder, 1},
	{"older than the base", [][]part{{base(9), a(whole, 3, 4)}}, nil, ErrOrder, 1},
	{"base older than before", [][]part{{base(0), a(whole, 3, 4), seal}, {base(2), a(whole, 5, 6)}}, []uint64{4}, ErrOrder, 2},
	{"sealed at the end", [][]part{{base(0), a(whole, 1, 2), seal}}, []uint64{2}, ErrSegmentMissing, 2},
	{"no seal in between", [][]part{{base(0), a(whole, 1, 2)}, {base(2), a(whole, 3, 4)}}, []uint64{2}, ErrDamaged, 1},
	{"a seal behind no seal", [][]part{{base(0), a(whole, 1, 2)}, {base(2), seal}, {base(2)}}, []uint64{2}, ErrDamaged, 1},
	{"two beginnings", [][]part{{base(0), a(begin, 1, 2), a(begin, 3, 4), seal}, {base(2), a(end, 3, 4)}}, nil, ErrDamaged, 1},
	{"a group in a group", [][]part{{base(0), a(begin, 1, 2), seal}, {base(2), a(whole, 3, 4)}}, nil, ErrDamaged, 2},
	{"the end of another group", [][]part{{base(0), a(begin, 1, 2), seal}, {base(2), a(end, 1, 3)}}, nil, ErrDamaged, 2},
	{"the rest in the same segment", [][]part{{base(0), a(begin, 1, 2), a(end, 1, 2)}}, nil, ErrDamaged, 1},
	{"an end without a beginning", [][]part{{base(0), a(whole, 1, 2), seal}, {base(2), a(end, 1, 2)}}, []uint64{2}, ErrDamaged, 2},
	{"the rest of a younger group", [][]part{{base(2), a(end, 3, 4)}}, nil, ErrDamaged, 1},
	{"a group behind the mark of the end", [][]part{{base(0), a(whole, 1, 2), {kind: closed}, a(whole, 3, 4)}}, []uint64{2}, ErrDamaged, 1},
	{"closed in a group", [][]part{{base(0), a(begin, 1, 2), {kind: closed}}}, nil, ErrDamaged, 1},
	{"of no known kind", [][]part{{base(0), a('?', 1, 2)}}, nil, ErrDamaged, 1},
}

// TestChains checks what each log is taken for.
func TestChains(t *testing.T) {
	for _, c := range chains {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.read()
			if !slices.Equal(got, c.groups) {
				t.Errorf("delivered groups to %d, want %d", got, c.groups)
			}
			corruption := new(CorruptionError)
			if c.reason == nil && err != nil || c.reason != nil && (!errors.As(err, &corruption) || !errors.Is(err, c.reason)) {
				t.Fatalf("got %v, want %v", err, c.reason)
			}
			if corruption.Segment != c.segment {
				t.Errorf("got %v, want it in segment %d", err, c.segment)
			}
		})
	}
}

// read reads the segments of the log.
func (c chained) read() (groups []uint64, err error) {
	store := StoreID{3}
	reader := newChain(store, func(f Frame) error {
		groups = append(groups, f.Last)
		return nil
	})
	for i, frames := range c.segments {
		number := uint64(i + 1)
		segment := segmentOf(store, number, 8192, frames[1:]...)
		if err := reader.add(header{store: store, number: number, base: frames[0].last, size: 8192}, segment); err != nil {
			return groups, err
		}
	}
	return groups, reader.finish()
}

// TestMissingSegment in a chain.
func TestMissingSegment(t *testing.T) {
	reader := newChain(StoreID{}, func(Frame) error { return nil })
	if err := reader.add(header{number: 4, size: 8192}, segmentOf(StoreID{}, 4, 8192, seal)); err != nil {
		t.Fatal(err)
	}
	err := reader.add(header{number: 6, size: 8192}, segmentOf(StoreID{}, 6, 8192))
	if corruption := new(CorruptionError); !errors.As(err, &corruption) || corruption.Segment != 5 || !errors.Is(err, ErrSegmentMissing) {
		t.Errorf("got %v", err)
	}
}
