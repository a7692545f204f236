package commitlog_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// copyOf returns the same files in a file system of their own.
func copyOf(t *testing.T, fs *faultfs.FS) *faultfs.FS {
	t.Helper()
	twin := faultfs.New()
	if err := twin.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range namesIn(t, fs) {
		twin.Put(filepath.Join(dir, name), fs.Contents(filepath.Join(dir, name)))
	}
	return twin
}

func namesIn(t *testing.T, fs *faultfs.FS) []string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// segmentsIn returns the paths of the segments, the oldest first.
func segmentsIn(t *testing.T, fs *faultfs.FS) []string {
	t.Helper()
	var paths []string
	for _, name := range namesIn(t, fs) {
		if filepath.Ext(name) == ".log" {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}

// threeSegments is a log with groups in each segment, one of them in two, written
// over frames of earlier segments, and not closed if it is to look as after a crash.
func threeSegments(t *testing.T, end func(*testing.T, *commitlog.Log)) (*faultfs.FS, []commitlog.Frame) {
	t.Helper()
	fs := faultfs.New()
	l, _ := mustOpen(t, fs, small(), 0)
	mustAppend(t, l, group(1, 3000), group(3, 9000), group(5, 3000))
	if err := l.Truncate(6, math.MaxUint64); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	l, _ = mustOpen(t, fs, small(), 6)
	if err := l.Truncate(6, math.MaxUint64); err != nil {
		t.Fatal(err)
	}
	all := []commitlog.Frame{group(7, 100), group(9, 1500), group(11, 3000), group(13, 3500), group(15, 200), group(17, 30), group(19, 300)}
	for _, f := range all[:5] {
		mustAppend(t, l, f)
	}
	mustAppend(t, l, all[5:]...)
	end(t, l)
	return copyOf(t, fs), all
}

// TestFlippedBits: a bit flipped anywhere in a log that was closed is noticed, or
// was in a place that means nothing, and then everything is there.
func TestFlippedBits(t *testing.T) {
	fs, all := threeSegments(t, mustClose)
	noticed := 0
	eachFlip(t, fs, thrift(), func(t *testing.T, flipped *faultfs.FS, where string) {
		_, got, err := open(flipped, small(), 6)
		if err == nil {
			if d := differ(got, all); d != "" {
				t.Fatalf("%s: %s", where, d)
			}
			return
		}
		noticed++
		checkNoticed(t, where, got, all, err)
	})
	t.Logf("%d flips noticed", noticed)
	if noticed < 6_000/thrift() {
		t.Error("most flips must be noticed, since most bytes are payload")
	}
}

// TestFlippedBitsAfterACrash: of a log that was not closed, the last write could
// be torn, and is cut off if it is damaged. Nothing else is.
func TestFlippedBitsAfterACrash(t *testing.T) {
	fs, all := threeSegments(t, func(*testing.T, *commitlog.Log) {})
	eachFlip(t, fs, 3*thrift(), func(t *testing.T, flipped *faultfs.FS, where string) {
		_, got, err := open(flipped, small(), 6)
		if err != nil {
			checkNoticed(t, where, got, all, err)
			return
		}
		if d := differ(got, all[:max(len(got), len(all)-2)]); d != "" {
			t.Fatalf("%s: %s", where, d)
		}
	})
}

// checkNoticed checks that an error says what is wrong, and that what was
// delivered before is right.
func checkNoticed(t *testing.T, where string, got, all []commitlog.Frame, err error) {
	t.Helper()
	var corruption *commitlog.CorruptionError
	if !errors.As(err, &corruption) {
		t.Fatalf("%s: %v", where, err)
	}
	if d := differ(got, all[:min(len(got), len(all))]); d != "" {
		t.Fatalf("%s: %s", where, d)
	}
}

// eachFlip calls f with every step-th byte of every segment damaged, in one bit of
// it or in another.
func eachFlip(t *testing.T, fs *faultfs.FS, step int, f func(*testing.T, *faultfs.FS, string)) {
	t.Helper()
	for _, path := range segmentsIn(t, fs) {
		contents := fs.Contents(path)
		for i := 0; i < len(contents); i += step {
			if i >= 64 && i < 4096-8 { // the unused part of a header
				continue
			}
			twin, damaged := copyOf(t, fs), slices.Clone(contents)
			damaged[i] ^= 1 << (i / 3 % 8)
			twin.Put(path, damaged)
			f(t, twin, fmt.Sprintf("%s, byte %d", path, i))
		}
	}
}
