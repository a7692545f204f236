package commitlog_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

const block = 4096

// blocks are options with segments of a few blocks, or with one behind the header.
func blocks(dice *rand.Rand) commitlog.Options {
	opts := small()
	opts.SegmentBytes += int64(dice.IntN(4)) * block
	return opts
}

// TestZerosFollow what is written, whatever was in the buffer before.
func TestZerosFollow(t *testing.T) {
	dice, opts := newDice(t), small()
	opts.SegmentBytes = 100 * block
	fs := faultfs.New()
	l, _ := mustOpen(t, fs, opts, 0)
	for end := int64(block); ; {
		next := group(l.Last()+1, dice.IntN(3*block))
		if end += commitlog.Need(len(next.Payload)); end > 98*block {
			break
		}
		mustAppend(t, l, next)
		if behind := fs.Contents(segmentsIn(t, fs)[0])[end:]; len(bytes.Trim(behind, "\x00")) > 0 {
			t.Fatalf("something lies behind %d", end)
		}
	}
	mustClose(t, l)
}

// large is more than the writer gathers before it writes.
const large = 5 << 19

// largeSegments are options for segments that such a write fits into.
func largeSegments() commitlog.Options {
	opts := small()
	opts.SegmentBytes = 3 << 20
	return opts
}

// TestCrashInALargeWrite, which takes several.
func TestCrashInALargeWrite(t *testing.T) {
	dice, fs := newDice(t), faultfs.New()
	l, _ := mustOpen(t, fs, largeSegments(), 0)
	var all []commitlog.Frame
	acked := 0
	fs.Watch(func(op faultfs.Op, _ string) {
		if op != faultfs.Write {
			return
		}
		_, got := mustOpen(t, fs.Crash(dice), largeSegments(), 0)
		if len(got) < acked || len(got) > len(all) {
			t.Fatalf("%d groups of %d, %d were acknowledged", len(got), len(all), acked)
		}
		check(t, got, all[:len(got)])
	})
	for i, size := range []int{100, large, 5000, 2 * large, 10} {
		all = append(all, group(uint64(2*i+1), size+dice.IntN(block)))
		mustAppend(t, l, all[i])
		acked++
	}
	mustClose(t, l)
}

// TestFailureInALargeWrite: nothing is acknowledged of which a piece did not get to
// the disk, although those behind it and the sync did.
func TestFailureInALargeWrite(t *testing.T) {
	for _, err := range []error{syscall.EIO, &faultfs.Short{Bytes: 3*block + 100, Err: syscall.EIO}} {
		for n := 1; n <= 3; n++ {
			fs := faultfs.New()
			l, _ := mustOpen(t, fs, largeSegments(), 0)
			before := group(1, 100)
			mustAppend(t, l, before)
			failing(fs, faultfs.Write, n, err)
			if err := l.Append(group(3, large)); !errors.Is(err, commitlog.ErrFailed) {
				t.Fatalf("write %d failed: %v", n, err)
			}
			_, got := mustOpen(t, fs.Crash(newDice(t)), largeSegments(), 0)
			check(t, got, []commitlog.Frame{before})
			mustClose(t, l)
		}
	}
}
