package commitlog_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/internal/versus"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// BenchmarkAppend appends groups of 3 objects of 999 bytes, some at once, beside
// the limit: a bare preallocated file of zeros to which as many bytes are written
// by one write, and synced. Both are in the directory of TMPDIR: for a figure that
// means something it must be on a disk.
//
// The two take turns, one call each, and medians are reported: what disturbs a
// disk lasts long enough to hit slices of many calls on one side only.
func BenchmarkAppend(b *testing.B) {
	for _, groups := range []int{1, 64} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			sides := [2]versus.Side{appending(b, groups), bare(b, groups)}
			var times [2][]float64
			for turn := 0; b.Loop(); turn++ {
				for i := range sides {
					side := (turn + i) % 2
					start := time.Now()
					sides[side](1)
					times[side] = append(times[side], float64(time.Since(start)))
				}
			}
			ours, limit := median(times[0]), median(times[1])
			b.ReportMetric(0, "ns/op") // of both together
			b.ReportMetric(ours, "ours-ns")
			b.ReportMetric(limit, "limit-ns")
			b.ReportMetric(ours/limit, "ratio")
			b.ReportMetric(1.1, "goal")
		})
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

const payload = 3 * 999

// segmentBytes is the default.
const segmentBytes = 32 << 20

func appending(b *testing.B, groups int) versus.Side {
	l, err := commitlog.Open(fsys.OS(), b.TempDir(), commitlog.Options{SegmentBytes: segmentBytes})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	if err := l.Replay(0, func([]commitlog.Frame) error { return nil }, nil); err != nil {
		b.Fatal(err)
	}
	if err := l.Reserve(segmentBytes); err != nil { // so that there are spares
		b.Fatal(err)
	}
	l.Release(segmentBytes)
	frames := make([]commitlog.Frame, groups)
	for i := range frames {
		frames[i].Payload = make([]byte, payload)
	}
	return func(n int) {
		for range n {
			last := l.Last()
			for i := range frames {
				last++
				frames[i].First, frames[i].Last = last, last
			}
			if err := l.Append(frames...); err != nil {
				b.Fatal(err)
			}
			if err := l.Truncate(last, math.MaxUint64); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// bare writes the file round and round, past the cache of the system as well, in whole
// blocks.
func bare(b *testing.B, groups int) versus.Side {
	name := filepath.Join(b.TempDir(), "bare")
	made, err := fsys.OS().Create(name)
	if err == nil {
		err = errors.Join(made.Allocate(segmentBytes), made.Datasync(), made.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
	f, err := fsys.OS().Direct(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	bytes := fsys.Blocks((groups*payload + fsys.BlockSize - 1) &^ (fsys.BlockSize - 1))
	at := 0
	return func(n int) {
		for range n {
			if at+len(bytes) > segmentBytes {
				at = 0
			}
			if _, err := f.WriteAt(bytes, int64(at)); err != nil {
				b.Fatal(err)
			}
			if err := f.Datasync(); err != nil {
				b.Fatal(err)
			}
			at += len(bytes)
		}
	}
}

// BenchmarkRead reads a log of groups of 200 bytes, beside the limit: reading the
// same file.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	const groups, size = 100_000, 200
	l, err := commitlog.Open(fsys.OS(), dir, commitlog.Options{SegmentBytes: segmentBytes})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Replay(0, func([]commitlog.Frame) error { return nil }, nil); err != nil {
		b.Fatal(err)
	}
	frames := make([]commitlog.Frame, groups)
	for i := range frames {
		frames[i] = commitlog.Frame{First: uint64(i) + 1, Last: uint64(i) + 1, Payload: make([]byte, size)}
	}
	if err := l.Append(frames...); err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	const goal = 3
	versus.Run(b, goal, func(n int) {
		for range n {
			report, err := commitlog.Verify(fsys.OS(), dir)
			if err != nil || report.Frames != groups || len(report.Errors) > 0 {
				b.Fatal(report, err)
			}
		}
	}, func(n int) {
		for range n {
			if _, err := os.ReadFile(filepath.Join(dir, "0000000000000001.log")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestOnDisk uses a log on a real file system.
func TestOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "log")
	dice := newDice(t)
	all := groups(dice, 0, 50, 9000)
	for i := range all {
		l, err := commitlog.Open(fsys.OS(), path, blocks(dice))
		if err != nil {
			t.Fatal(err)
		}
		var got []commitlog.Frame
		err = l.Replay(0, func(groups []commitlog.Frame) error {
			for _, f := range groups {
				got = append(got, commitlog.Frame{First: f.First, Last: f.Last, Payload: append([]byte(nil), f.Payload...)})
			}
			return nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		check(t, got, all[:i])
		if err := l.Reserve(10_000); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, all[i])
		mustClose(t, l)
	}
	if report, err := commitlog.Verify(fsys.OS(), path); err != nil || report.Frames != 50 || len(report.Errors) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := os.Stat(filepath.Join(path, "lock")); err != nil {
		t.Error(err)
	}
}
