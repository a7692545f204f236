package commitlog_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// TestWhatIsReservedCanBeAppended: on a disk that is full after the reservation,
// whatever the sizes, and however the payloads are put together in groups.
func TestWhatIsReservedCanBeAppended(t *testing.T) {
	dice := newDice(t)
	for range 300 {
		files := faultfs.New()
		l, _ := mustOpen(t, files, small(), 0)
		mustAppend(t, l, group(1, dice.IntN(4000)))
		var sizes []int
		var reserved int64
		for range 1 + dice.IntN(40) {
			n := dice.IntN([]int{1, 100, 2000, 20_000}[dice.IntN(4)])
			if err := l.Reserve(commitlog.Need(n)); err != nil {
				t.Fatal(err)
			}
			sizes, reserved = append(sizes, n), reserved+commitlog.Need(n)
		}
		files.Limit(0)
		appendTogether(t, l, dice, sizes)
		l.Release(reserved)
		if s := l.Stats(); s.Reserved != 0 || s.Failed != nil {
			t.Fatalf("%+v", s)
		}
		mustClose(t, l)
	}
}

// appendTogether appends payloads of the sizes, some in one group, some groups in
// one call.
func appendTogether(t *testing.T, l *commitlog.Log, dice *rand.Rand, sizes []int) {
	t.Helper()
	var frames []commitlog.Frame
	ts := l.Last() + 1
	for len(sizes) > 0 {
		size := 0
		for range min(len(sizes), 1+dice.IntN(4)) {
			size += sizes[0]
			sizes = sizes[1:]
		}
		frames = append(frames, group(ts, size))
		ts += 2
		if dice.IntN(3) == 0 || len(sizes) == 0 {
			mustAppend(t, l, frames...)
			frames = nil
		}
	}
}

// TestFullDiskShowsWhenReserving, does no harm, and leaves no files behind.
func TestFullDiskShowsWhenReserving(t *testing.T) {
	files := faultfs.New()
	l, _ := mustOpen(t, files, small(), 0)
	files.Limit(5*8192 + 4000)
	if err := l.Reserve(100_000); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("reserving more than there is: %v", err)
	}
	if s := l.Stats(); s.Reserved != 0 || s.Spares > 2 {
		t.Errorf("after that: %+v", s)
	}
	if err := l.Reserve(10_000); err != nil {
		t.Error(err)
	}
	mustAppend(t, l, group(1, 9000))
	l.Release(10_000)
	mustClose(t, l)
	if names := namesIn(t, files); slices.ContainsFunc(names, func(n string) bool { return len(n) > 4 && n[len(n)-4:] == ".new" }) {
		t.Errorf("left behind: %q", names)
	}
	_, got := mustOpen(t, files, small(), 0)
	check(t, got, []commitlog.Frame{group(1, 9000)})
}

// TestManyAtOnce uses a log from many goroutines; the race detector watches.
func TestManyAtOnce(t *testing.T) {
	files := faultfs.New()
	l, _ := mustOpen(t, files, small(), 0)
	groups := make(chan commitlog.Frame)
	var voters, others sync.WaitGroup
	for range 4 {
		voters.Go(func() {
			for i := range 100 {
				if err := l.Reserve(commitlog.Need(i * 10)); err != nil {
					t.Error(err)
				}
				groups <- commitlog.Frame{Payload: make([]byte, i*10)}
			}
		})
	}
	others.Go(func() {
		for ts := uint64(1); ts <= 400; ts++ {
			f := <-groups
			f.First, f.Last = ts, ts
			if err := l.Append(f); err != nil {
				t.Error(err)
			}
			l.Release(commitlog.Need(len(f.Payload)))
		}
	})
	others.Go(func() {
		for range 50 {
			if err := l.Truncate(l.Last(), math.MaxUint64); err != nil {
				t.Error(err)
			}
			l.Stats()
		}
	})
	voters.Wait()
	others.Wait()
	s := l.Stats()
	if s.Reserved != 0 || s.Appended.Frames != 400 || s.Last != 400 {
		t.Errorf("%+v", s)
	}
	mustClose(t, l)
}

// TestShort: a log that is written asks for spares, more of them the longer it gets.
func TestShort(t *testing.T) {
	files, opts := faultfs.New(), small()
	opts.Spares = 3
	l, _ := mustOpen(t, files, opts, 0)
	made, most := 0, 0
	for ts := uint64(1); l.Stats().Segments < 6; ts += 2 {
		fresh := l.Stats().Appended.Frames == 0
		if short := l.Short(); short && fresh {
			t.Fatal("short of spares before anything is written")
		}
		for l.Short() {
			if err := l.AddSpare(); err != nil {
				t.Fatal(err)
			}
			made++
		}
		most = max(most, l.Stats().Spares)
		mustAppend(t, l, group(ts, 500))
	}
	if made < 5 || most != 3 {
		t.Errorf("%d spares were made, up to %d at a time", made, most)
	}
	files.Limit(0)
	for ts := l.Last() + 1; !l.Short(); ts += 2 {
		mustAppend(t, l, group(ts, 500))
	}
	if err := l.AddSpare(); !errors.Is(err, syscall.ENOSPC) || l.Short() || l.Stats().Failed != nil {
		t.Errorf("%v, short %v, failed %v", err, l.Short(), l.Stats().Failed)
	}
	mustClose(t, l)
	if err := l.AddSpare(); !errors.Is(err, commitlog.ErrClosed) || l.Short() {
		t.Errorf("closed: %v", err)
	}
}

// TestCloseAmidReserve: when Close returns, nobody is making files any more.
func TestCloseAmidReserve(t *testing.T) {
	files := faultfs.New()
	l, _ := mustOpen(t, files, small(), 0)
	making, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var closed atomic.Bool
	files.Fail(func(_ faultfs.Op, name string) error {
		if strings.Contains(name, "spare") {
			if closed.Load() {
				t.Error("the log is closed, and a file is being made")
			}
			once.Do(func() { close(making); <-goOn })
		}
		return nil
	})
	var both sync.WaitGroup
	both.Go(func() {
		if err := l.Reserve(10 * small().SegmentBytes); !errors.Is(err, commitlog.ErrClosed) && err != nil {
			t.Error(err)
		}
	})
	<-making
	both.Go(func() {
		mustClose(t, l)
		closed.Store(true)
	})
	for range 1000 {
		runtime.Gosched() // so that who does not wait is through
	}
	close(goOn)
	both.Wait()
	files.Fail(nil)
	l, _ = mustOpen(t, files, small(), 0)
	mustClose(t, l)
}
