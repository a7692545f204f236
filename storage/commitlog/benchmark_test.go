package commitlog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/internal/versus"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// BenchmarkAppend appends groups of 3 objects of 999 bytes, some at once, beside
// the limit: a bare preallocated file of zeros to which as many bytes are written
// by one write, and synced. Both are in the directory of TMPDIR: for a figure that
// means something it must be on a disk.
func BenchmarkAppend(b *testing.B) {
	for _, groups := range []int{1, 64} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			const goal = 1.1
			versus.Run(b, goal, appending(b, groups), bare(b, groups))
		})
	}
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
	if err := l.Replay(0, func(commitlog.Frame) error { return nil }, nil); err != nil {
		b.Fatal(err)
	}
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
			if err := l.TruncateBefore(last); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// bare writes the file round and round.
func bare(b *testing.B, groups int) versus.Side {
	f, err := fsys.OS().Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	if err := f.Allocate(segmentBytes); err != nil {
		b.Fatal(err)
	}
	if err := f.Datasync(); err != nil {
		b.Fatal(err)
	}
	bytes := make([]byte, groups*payload)
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

// BenchmarkReplay reads a log of small groups, beside the limit: reading the same
// files.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	const groups, size = 20_000, 200
	open := func() *commitlog.Log {
		l, err := commitlog.Open(fsys.OS(), dir, commitlog.Options{SegmentBytes: segmentBytes})
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	l := open()
	if err := l.Replay(0, func(commitlog.Frame) error { return nil }, nil); err != nil {
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
	for b.Loop() {
		report, err := commitlog.Verify(fsys.OS(), dir)
		if err != nil || report.Frames != groups {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/groups, "ns/group")
}

// TestOnDisk uses a log on a real file system.
func TestOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "log")
	all := groups(newDice(t), 0, 50, 2000)
	for i := range all {
		l, err := commitlog.Open(fsys.OS(), path, small())
		if err != nil {
			t.Fatal(err)
		}
		var got []commitlog.Frame
		err = l.Replay(0, func(f commitlog.Frame) error {
			got = append(got, commitlog.Frame{First: f.First, Last: f.Last, Payload: append([]byte(nil), f.Payload...)})
			return nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		check(t, got, all[:i])
		if err := l.Reserve(5_000); err != nil {
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
