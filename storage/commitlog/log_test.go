package commitlog_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 takes another one each time")

// newDice returns a generator and prints how to get the same again.
func newDice(t *testing.T) *rand.Rand {
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("to repeat: -seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// thrift divides the work of long tests where it takes long: with the race
// detector, which has no races to find in them, and with -short.
func thrift() int {
	if testing.Short() || invariants.Enabled {
		return 8
	}
	return 1
}

const dir = "log"

// small are options with segments that are soon full.
func small() commitlog.Options {
	return commitlog.Options{StoreID: commitlog.StoreID{1, 2, 3}, SegmentBytes: 8192}
}

// mustOpen opens a log and replays it, and returns the groups.
func mustOpen(t *testing.T, fs fsys.FS, opts commitlog.Options, after uint64) (*commitlog.Log, []commitlog.Frame) {
	t.Helper()
	l, got, err := open(fs, opts, after)
	if err != nil {
		t.Fatal(err)
	}
	return l, got
}

// open opens a log and replays it. If that fails, the log is closed.
func open(fs fsys.FS, opts commitlog.Options, after uint64) (*commitlog.Log, []commitlog.Frame, error) {
	l, err := commitlog.Open(fs, dir, opts)
	if err != nil {
		return nil, nil, err
	}
	var got []commitlog.Frame
	err = l.Replay(after, func(groups []commitlog.Frame) error {
		for _, f := range groups {
			f.Payload = bytes.Clone(f.Payload)
			got = append(got, f)
		}
		return nil
	}, nil)
	if err != nil {
		return nil, got, errors.Join(err, l.Close())
	}
	return l, got, nil
}

func mustAppend(t *testing.T, l *commitlog.Log, frames ...commitlog.Frame) {
	t.Helper()
	if err := l.Append(frames...); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t *testing.T, l *commitlog.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// group is a group of two commits whose payload of n bytes depends on them.
func group(first uint64, n int) commitlog.Frame {
	payload := make([]byte, n)
	dice := rand.New(rand.NewPCG(first, uint64(n)))
	for i := range payload {
		payload[i] = byte(dice.Uint32())
	}
	return commitlog.Frame{First: first, Last: first + 1, Payload: payload}
}

// groups returns n groups with payloads up to size bytes.
func groups(dice *rand.Rand, after uint64, n, size int) []commitlog.Frame {
	var frames []commitlog.Frame
	for i := range n {
		frames = append(frames, group(after+1+2*uint64(i), dice.IntN(size+1)))
	}
	return frames
}

// younger are the groups younger than a timestamp.
func younger(frames []commitlog.Frame, after uint64) []commitlog.Frame {
	for len(frames) > 0 && frames[0].Last <= after {
		frames = frames[1:]
	}
	return frames
}

// differ says how got is not want, "" if it is.
func differ(got, want []commitlog.Frame) string {
	for i := range min(len(got), len(want)) {
		if got[i].First != want[i].First || got[i].Last != want[i].Last {
			return fmt.Sprintf("group %d has timestamps %d to %d, want %d to %d", i, got[i].First, got[i].Last, want[i].First, want[i].Last)
		}
		if !bytes.Equal(got[i].Payload, want[i].Payload) {
			return fmt.Sprintf("group %d (%d to %d) has another payload", i, got[i].First, got[i].Last)
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d groups, want %d", len(got), len(want))
	}
	return ""
}

func check(t *testing.T, got, want []commitlog.Frame) {
	t.Helper()
	if d := differ(got, want); d != "" {
		t.Fatal(d)
	}
}

// TestWhatWasAppendedIsReplayed: payloads of all sizes, some much larger than a
// segment, one at a time and many at once, over many openings.
func TestWhatWasAppendedIsReplayed(t *testing.T) {
	dice := newDice(t)
	fs := faultfs.New()
	var all []commitlog.Frame
	var last uint64
	for range 20 {
		l, got := mustOpen(t, fs, blocks(dice), 0)
		check(t, got, all)
		if l.Last() != last {
			t.Fatalf("the log ends at %d, want %d", l.Last(), last)
		}
		for range 1 + dice.IntN(10) {
			next := groups(dice, last, 1+dice.IntN(8), []int{0, 10, 1000, 5000, 40_000}[dice.IntN(5)])
			mustAppend(t, l, next...)
			all, last = append(all, next...), next[len(next)-1].Last
		}
		if dice.IntN(2) == 0 {
			mustClose(t, l)
		} else {
			fs = fs.Crash(dice)
		}
	}
	_, got := mustOpen(t, fs, small(), last-1)
	check(t, got, all[len(all)-1:])
}

// TestLargePayload is more than one write.
func TestLargePayload(t *testing.T) {
	fs := faultfs.New()
	opts := commitlog.Options{SegmentBytes: 4 << 20}
	l, _ := mustOpen(t, fs, opts, 0)
	all := []commitlog.Frame{group(1, 700_000), group(3, 900_000), group(5, 5<<20), group(7, 3)}
	mustAppend(t, l, all...)
	mustClose(t, l)
	_, got := mustOpen(t, fs, opts, 0)
	check(t, got, all)
}

// TestGroupWithoutCommits repeats the timestamp before it.
func TestGroupWithoutCommits(t *testing.T) {
	fs := faultfs.New()
	l, _ := mustOpen(t, fs, small(), 0)
	all := []commitlog.Frame{group(1, 10), {First: 2, Last: 2, Payload: []byte("prepared")}, {First: 2, Last: 2}, group(3, 10)}
	mustAppend(t, l, all...)
	mustClose(t, l)
	l, got := mustOpen(t, fs, small(), 1)
	check(t, got, all)
	mustClose(t, l)
	l, got = mustOpen(t, fs, small(), 2)
	check(t, got, all[1:])
	mustClose(t, l)
	l, got = mustOpen(t, fs, small(), 3)
	check(t, got, all[3:])
	// Each opening begins a segment at the last timestamp, and none of them hides the one before.
	mustAppend(t, l, commitlog.Frame{First: l.Last(), Last: l.Last(), Payload: []byte("prepared too")})
	at := l.Last()
	mustClose(t, l)
	l, _ = mustOpen(t, fs, small(), at)
	mustClose(t, l)
	_, got = mustOpen(t, fs, small(), at)
	if len(got) == 0 || string(got[len(got)-1].Payload) != "prepared too" {
		t.Errorf("behind two more openings: %v", got)
	}
}

// TestWasClosed: a log knows whether it was closed the last time.
func TestWasClosed(t *testing.T) {
	fs := faultfs.New()
	for i, closed := range []bool{true, true, false, false, true, true} {
		l, _ := mustOpen(t, fs, small(), 0)
		if before := i == 0 || i == 1 || i == 2 || i == 5; l.WasClosed() != before {
			t.Errorf("opening %d: %v", i, l.WasClosed())
		}
		mustAppend(t, l, group(uint64(2*i+1), 10))
		if closed {
			mustClose(t, l)
		} else {
			fs = fs.Crash(rand.New(rand.NewPCG(1, uint64(i))))
		}
	}
}

// TestOpenedIsNotClosed: a log that was closed, opened, and then lost with all that was
// to be appended to it, was not closed.
func TestOpenedIsNotClosed(t *testing.T) {
	fs := faultfs.New()
	l, _ := mustOpen(t, fs, small(), 0)
	mustAppend(t, l, group(1, 10))
	mustClose(t, l)
	l, _ = mustOpen(t, fs, small(), 0)
	if !l.WasClosed() {
		t.Error("it was")
	}
	for range 2 {
		fs = fs.Crash(newDice(t))
		if l, _ = mustOpen(t, fs, small(), 0); l.WasClosed() {
			t.Error("it was not")
		}
	}
}

func TestTimestampsMustAscend(t *testing.T) {
	l, _ := mustOpen(t, faultfs.New(), small(), 0)
	mustAppend(t, l, group(10, 1))
	for _, f := range []commitlog.Frame{{First: 10, Last: 12}, {First: 11, Last: 12}, {First: 13, Last: 12}, {First: 3, Last: 4}} {
		if err := l.Append(group(12, 1), f); !errors.Is(err, commitlog.ErrOrder) {
			t.Errorf("%d to %d after 13: %v", f.First, f.Last, err)
		}
	}
	mustAppend(t, l, group(12, 1))
}

func TestStages(t *testing.T) {
	fs := faultfs.New()
	l, err := commitlog.Open(fs, dir, small())
	if err != nil {
		t.Fatal(err)
	}
	refused := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	refused(l.Append(group(1, 1)), commitlog.ErrNotReplayed)
	refused(l.Reserve(1), commitlog.ErrNotReplayed)
	refused(l.Truncate(1, math.MaxUint64), commitlog.ErrNotReplayed)
	ignore := func([]commitlog.Frame) error { return nil }
	if err := l.Replay(0, ignore, nil); err != nil {
		t.Fatal(err)
	}
	refused(l.Replay(0, ignore, nil), commitlog.ErrNotReplayed)
	_, err = commitlog.Open(fs, dir, small())
	refused(err, fsys.ErrLocked)
	mustClose(t, l)
	mustClose(t, l)
	refused(l.Append(group(1, 1)), commitlog.ErrClosed)
	refused(l.Replay(0, ignore, nil), commitlog.ErrClosed)
}

// TestReplayEndsAtAnError: the log can be opened again.
func TestReplayEndsAtAnError(t *testing.T) {
	fs := faultfs.New()
	l, _ := mustOpen(t, fs, small(), 0)
	mustAppend(t, l, group(1, 10), group(3, 10))
	mustClose(t, l)
	l, err := commitlog.Open(fs, dir, small())
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	if err := l.Replay(0, func([]commitlog.Frame) error { return stop }, nil); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	mustClose(t, l)
	_, got := mustOpen(t, fs, small(), 0)
	check(t, got, []commitlog.Frame{group(1, 10), group(3, 10)})
}

func TestProgress(t *testing.T) {
	fs := faultfs.New()
	l, _ := mustOpen(t, fs, small(), 0)
	mustAppend(t, l, group(1, 30_000))
	mustClose(t, l)
	l, err := commitlog.Open(fs, dir, small())
	if err != nil {
		t.Fatal(err)
	}
	var told []int64
	err = l.Replay(0, func([]commitlog.Frame) error { return nil }, func(done, all int64) { told = append(told, done, all) })
	if err != nil {
		t.Fatal(err)
	}
	n := len(told)
	if n < 8 || told[0] != 0 || told[n-2] != told[n-1] || told[n-1] < 30_000 {
		t.Errorf("progress %d", told)
	}
}

// TestANewLogMayBeginLater, in a store that was filled by other means.
func TestANewLogMayBeginLater(t *testing.T) {
	fs := faultfs.New()
	opts := small()
	opts.After = 100
	l, _ := mustOpen(t, fs, opts, 100)
	if l.Last() != 100 {
		t.Errorf("the log begins after %d", l.Last())
	}
	mustAppend(t, l, group(101, 1))
	mustClose(t, l)
	l, got := mustOpen(t, fs, small(), 500) // applied by other means
	check(t, got, nil)
	if err := l.Append(group(103, 1)); !errors.Is(err, commitlog.ErrOrder) {
		t.Errorf("a group older than what is applied: %v", err)
	}
	mustAppend(t, l, group(501, 1))
	mustClose(t, l)
	_, got = mustOpen(t, fs, small(), 100)
	check(t, got, []commitlog.Frame{group(101, 1), group(501, 1)})
}

// TestStoreIDIsDrawn if none is given, and found again.
func TestStoreIDIsDrawn(t *testing.T) {
	fs := faultfs.New()
	l, _ := mustOpen(t, fs, commitlog.Options{SegmentBytes: 8192}, 0)
	id := l.StoreID()
	mustClose(t, l)
	l, _ = mustOpen(t, fs, commitlog.Options{SegmentBytes: 8192}, 0)
	if id == (commitlog.StoreID{}) || l.StoreID() != id {
		t.Errorf("drew %v, found %v", id, l.StoreID())
	}
}
