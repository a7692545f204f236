package commitlog_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// TestTruncation gives up whole segments, recycles as many as it is told, and
// keeps all that is younger.
func TestTruncation(t *testing.T) {
	files := faultfs.New()
	opts := small()
	opts.Spares = 3
	l, _ := mustOpen(t, files, opts, 0)
	all := groups(newDice(t), 0, 60, 3000)
	for _, f := range all {
		mustAppend(t, l, f)
	}
	before := l.Stats()
	for i, f := range all {
		if err := l.Truncate(f.Last, math.MaxUint64); err != nil {
			t.Fatal(err)
		}
		if s := l.Stats(); s.First > f.Last || s.Spares > 3 {
			t.Fatalf("%+v after giving up all up to %d", s, f.Last)
		}
		if i%10 == 0 {
			_, got := mustOpen(t, copyOf(t, files), opts, f.Last)
			check(t, got, all[i+1:])
		}
	}
	after := l.Stats()
	if after.Segments != 1 || after.Spares != 3 || after.Log >= before.Log || after.Bytes != 4*8192 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	mustClose(t, l)
}

// TestRecycledSegments are full of frames of their earlier use, none of which may
// come back, wherever the new ones end.
func TestRecycledSegments(t *testing.T) {
	dice := newDice(t)
	files := faultfs.New()
	var last uint64
	for range 200 {
		l, got := mustOpen(t, files, small(), last)
		check(t, got, nil)
		size := 48 // the frames of all uses begin at the same positions
		next := groups(dice, last, 1+dice.IntN(100), size)
		for i := range next {
			next[i] = group(next[i].First, size)
		}
		mustAppend(t, l, next...)
		_, got = mustOpen(t, files.Crash(dice), small(), last)
		check(t, got, next)
		last = l.Last()
		if err := l.Truncate(last, math.MaxUint64); err != nil {
			t.Fatal(err)
		}
		if dice.IntN(2) == 0 {
			mustClose(t, l)
		} else {
			files = files.Crash(dice)
		}
	}
	if n := len(segmentsIn(t, files)); n > 3 {
		t.Errorf("%d segments", n)
	}
}

// TestSparesOfAnotherSize, and those that were not finished, are removed.
func TestSparesOfAnotherSize(t *testing.T) {
	files := faultfs.New()
	l, _ := mustOpen(t, files, small(), 0)
	if err := l.Reserve(10_000); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, group(1, 10))
	mustClose(t, l)
	files.Put(filepath.Join(dir, "spare-77.new"), []byte("x"))
	files.Put(filepath.Join(dir, "spare-of-mine"), []byte("x"))
	larger := commitlog.Options{SegmentBytes: 16384}
	l, got := mustOpen(t, files, larger, 0)
	check(t, got, []commitlog.Frame{group(1, 10)})
	mustAppend(t, l, group(3, 14_000))
	mustClose(t, l)
	const want = "0000000000000001.log 0000000000000002.log 0000000000000003.log lock spare-of-mine"
	if names := strings.Join(namesIn(t, files), " "); names != want {
		t.Errorf("there are %s", names)
	}
	_, got = mustOpen(t, files, small(), 0)
	check(t, got, []commitlog.Frame{group(1, 10), group(3, 14_000)})
}

// TestSegmentsOfAnotherSize are not recycled.
func TestSegmentsOfAnotherSize(t *testing.T) {
	files := faultfs.New()
	l, _ := mustOpen(t, files, small(), 0)
	mustAppend(t, l, group(1, 20_000))
	mustClose(t, l)
	larger := commitlog.Options{SegmentBytes: 16384}
	l, _ = mustOpen(t, files, larger, 0)
	if err := l.Truncate(2, math.MaxUint64); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Segments != 1 || s.Spares != 0 {
		t.Errorf("%+v", s)
	}
	mustAppend(t, l, group(3, 40_000))
	mustClose(t, l)
	_, got := mustOpen(t, files, larger, 2)
	check(t, got, []commitlog.Frame{group(3, 40_000)})
}

// TestSparesWithoutSegments are not used: they may be full of frames that would
// count in a log that begins anew.
func TestSparesWithoutSegments(t *testing.T) {
	files := faultfs.New()
	l, _ := mustOpen(t, files, small(), 0)
	for ts := uint64(1); ts < 200; ts += 2 {
		mustAppend(t, l, group(ts, 48))
	}
	if err := l.Truncate(l.Last(), math.MaxUint64); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	for _, path := range segmentsIn(t, files) {
		if err := files.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	l, got := mustOpen(t, files, small(), 0)
	check(t, got, nil)
	mustAppend(t, l, group(1, 48))
	_, got = mustOpen(t, copyOf(t, files), small(), 0)
	check(t, got, []commitlog.Frame{group(1, 48)})
}

// TestSparesNobodyNeeds are removed, as soon as nothing is reserved in them.
func TestSparesNobodyNeeds(t *testing.T) {
	l, _ := mustOpen(t, faultfs.New(), small(), 0)
	spares := func() int {
		t.Helper()
		if err := l.Truncate(0, math.MaxUint64); err != nil {
			t.Fatal(err)
		}
		return l.Stats().Spares
	}
	if err := l.Reserve(100_000); err != nil {
		t.Fatal(err)
	}
	if n := spares(); n < 100_000/8192 {
		t.Errorf("%d spares for what is reserved", n)
	}
	l.Release(100_000)
	if n := spares(); n != 2 {
		t.Errorf("%d spares for nothing", n)
	}
}

// TestTruncateKeeps: segments that somebody needs stay, however old they are.
func TestTruncateKeeps(t *testing.T) {
	l, _ := mustOpen(t, faultfs.New(), small(), 0)
	defer mustClose(t, l)
	for ts := uint64(1); l.Stats().Segments < 6; ts++ {
		mustAppend(t, l, group(2*ts, 2000))
	}
	s := l.Stats()
	if got := l.Obsolete(s.Last); got != s.Current {
		t.Errorf("segment %d is the first to stay, and %d is written", got, s.Current)
	}
	for _, keep := range []uint64{0, s.Oldest, s.Oldest + 1, s.Oldest + 3, s.Current + 1} {
		if err := l.Truncate(s.Last, keep); err != nil {
			t.Fatal(err)
		}
		if now, want := l.Stats().Oldest, min(max(keep, s.Oldest), s.Current); now != want {
			t.Errorf("to be kept from %d: the oldest is %d, want %d", keep, now, want)
		}
	}
}
