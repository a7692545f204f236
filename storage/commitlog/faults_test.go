package commitlog_test

import (
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// damage is something wrong with the files of a log of three segments.
type damage struct {
	name  string
	spoil func(t *testing.T, files *faultfs.FS, segments []string)
	want  error
	says  string // part of the message
}

// damages are all but flipped bits.
var damages = []damage{
	{"first segment missing", remove(0), commitlog.ErrSegmentMissing, "the log begins after timestamp"},
	{"middle segment missing", remove(1), commitlog.ErrSegmentMissing, "segment 6"},
	{"last segment missing", remove(2), commitlog.ErrSegmentMissing, "the log goes on in it"},
	{"all segments missing", remove(0, 1, 2), commitlog.ErrSegmentMissing, "none at all"},
	{"first segment truncated", truncate(0, 5000), commitlog.ErrSegmentSize, "5000 bytes, not 8192"},
	{"last segment truncated", truncate(2, 8191), commitlog.ErrSegmentSize, "8191 bytes, not 8192"},
	{"last segment empty", truncate(2, 0), commitlog.ErrSegmentSize, "offset 0"},
	{"zeros in the middle of the last segment", zero(2, 4096, 4200), commitlog.ErrDamaged, "later frames are intact"},
	{"end of an earlier segment torn off", zero(1, 6000, 8192), commitlog.ErrDamaged, "has later frames"},
	{"two segments exchanged", exchange, commitlog.ErrHeader, "under another name"},
	{"another file", overwrite([]byte(strings.Repeat("hello world ", 1000))[:8192]), commitlog.ErrHeader, "not a segment"},
	{"from the future", overwrite(futureSegment()), commitlog.ErrVersion, "version 2, this program reads version 1"},
}

func remove(which ...int) func(*testing.T, *faultfs.FS, []string) {
	return func(t *testing.T, files *faultfs.FS, segments []string) {
		for _, i := range which {
			if err := files.Remove(segments[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func truncate(which, size int) func(*testing.T, *faultfs.FS, []string) {
	return func(_ *testing.T, files *faultfs.FS, segments []string) {
		files.Put(segments[which], files.Contents(segments[which])[:size])
	}
}

func zero(which, from, to int) func(*testing.T, *faultfs.FS, []string) {
	return func(_ *testing.T, files *faultfs.FS, segments []string) {
		contents := files.Contents(segments[which])
		clear(contents[from:to])
		files.Put(segments[which], contents)
	}
}

func exchange(_ *testing.T, files *faultfs.FS, segments []string) {
	a, b := files.Contents(segments[0]), files.Contents(segments[1])
	files.Put(segments[0], b)
	files.Put(segments[1], a)
}

func overwrite(contents []byte) func(*testing.T, *faultfs.FS, []string) {
	return func(_ *testing.T, files *faultfs.FS, segments []string) { files.Put(segments[0], contents) }
}

func futureSegment() []byte {
	return append(commitlog.HeaderOfVersion(2, 8192), make([]byte, 8192-64)...)
}

// TestDamage: each damage is an error that says what and where, from Replay and
// in Verify's report.
func TestDamage(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			files, all := threeSegments(t, mustClose)
			d.spoil(t, files, segmentsIn(t, files))
			_, got, err := open(files, small(), 6)
			if !errors.Is(err, d.want) || !strings.Contains(err.Error(), d.says) {
				t.Errorf("got %v, want %v, %q", err, d.want, d.says)
			}
			check(t, got, all[:len(got)])
			d.verified(t, files)
		})
	}
}

// verified checks Verify's report. What is missing at the beginning it cannot
// know.
func (d damage) verified(t *testing.T, files *faultfs.FS) {
	t.Helper()
	report, err := commitlog.Verify(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(d.name, "first segment missing") || strings.HasPrefix(d.name, "all") {
		return
	}
	if len(report.Errors) == 0 || !errors.Is(report.Errors[0], d.want) {
		t.Errorf("verify reports %v, want %v", report.Errors, d.want)
	}
}

func TestAnotherStore(t *testing.T) {
	files, _ := threeSegments(t, mustClose)
	opts := small()
	opts.StoreID[5]++
	if _, _, err := open(files, opts, 6); !errors.Is(err, commitlog.ErrStoreID) {
		t.Errorf("opened with another store id: %v", err)
	}
}

// failing makes the n-th operation of a kind fail from now on, and then none.
func failing(files *faultfs.FS, op faultfs.Op, n int, err error) {
	files.Fail(func(o faultfs.Op, _ string) error {
		if o != op {
			return nil
		}
		n--
		if n == 0 {
			return err
		}
		return nil
	})
}

// failures are all a disk may answer to Append.
var failures = []struct {
	name string
	op   faultfs.Op
	n    int
	err  error
}{
	{"EIO on write", faultfs.Write, 1, syscall.EIO},
	{"ENOSPC on write", faultfs.Write, 1, syscall.ENOSPC},
	{"short write", faultfs.Write, 1, &faultfs.Short{Bytes: 100, Err: syscall.EIO}},
	{"EIO on the write of a frame", faultfs.Write, 2, syscall.EIO},
	{"short write of a frame", faultfs.Write, 2, &faultfs.Short{Bytes: 1500, Err: syscall.EIO}},
	{"short write of the last frame", faultfs.Write, 5, &faultfs.Short{Bytes: 1500, Err: syscall.EIO}},
	{"EIO on fdatasync", faultfs.Datasync, 1, syscall.EIO},
	{"EIO on the second fdatasync", faultfs.Datasync, 2, syscall.EIO},
	{"EIO on the third fdatasync", faultfs.Datasync, 3, syscall.EIO},
	{"EIO on directory sync", faultfs.SyncDir, 1, syscall.EIO},
	{"ENOSPC on a new segment", faultfs.Allocate, 1, syscall.ENOSPC},
	{"EIO on rename", faultfs.Rename, 1, syscall.EIO},
	{"EIO on the second rename", faultfs.Rename, 2, syscall.EIO},
}

// TestFailureStopsTheLog: whatever fails, no call after it appends, although the
// disk would take it, and what had been acknowledged is there after a crash.
func TestFailureStopsTheLog(t *testing.T) {
	dice := newDice(t)
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			files := faultfs.New()
			l, _ := mustOpen(t, files, small(), 0)
			before := []commitlog.Frame{group(1, 500), group(3, 500)}
			mustAppend(t, l, before...)
			failing(files, f.op, f.n, f.err)
			lost := group(5, 9000)
			stopped := func(err error) {
				t.Helper()
				if !errors.Is(err, commitlog.ErrFailed) || !errors.Is(err, f.err) {
					t.Errorf("got %v, want %v because of %v", err, commitlog.ErrFailed, f.err)
				}
			}
			stopped(l.Append(lost))
			files.Fail(nil)
			stopped(l.Append(group(7, 1)))
			stopped(l.Reserve(1))
			stopped(l.Truncate(1, math.MaxUint64))
			stopped(l.Stats().Failed)
			for range 20 {
				_, got := mustOpen(t, files.Crash(dice), small(), 0)
				if len(got) > 2 {
					check(t, got, append(before, lost))
				} else {
					check(t, got, before)
				}
			}
			mustClose(t, l)
		})
	}
}

// TestFailureWhileTruncating stops the log only if the directory cannot be synced.
func TestFailureWhileTruncating(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.Rename, faultfs.SyncDir} {
		files := faultfs.New()
		l, _ := mustOpen(t, files, small(), 0)
		all := []commitlog.Frame{group(1, 9000), group(3, 9000)}
		mustAppend(t, l, all...)
		failing(files, op, 1, syscall.EIO)
		if err := l.Truncate(4, math.MaxUint64); !errors.Is(err, syscall.EIO) {
			t.Errorf("got %v", err)
		}
		err := l.Append(group(5, 10))
		if failed := errors.Is(err, commitlog.ErrFailed); failed != (op == faultfs.SyncDir) {
			t.Errorf("after the failure: %v", err)
		}
	}
}

// TestFailureWhileOpening is an error of Open or Replay; the next opening finds
// everything.
func TestFailureWhileOpening(t *testing.T) {
	for op := faultfs.Create; op <= faultfs.Lock; op++ {
		for n := 1; n <= 4; n++ {
			files, all := threeSegments(t, func(*testing.T, *commitlog.Log) {})
			failing(files, op, n, syscall.EIO)
			l, _, err := open(files, small(), 6)
			if err == nil {
				err = l.Close()
			}
			if err != nil && !errors.Is(err, syscall.EIO) {
				t.Errorf("operation %d: %v", op, err)
			}
			files.Fail(nil)
			l, got := mustOpen(t, files, small(), 6)
			check(t, got, all)
			mustClose(t, l)
		}
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	files, _ := threeSegments(t, mustClose)
	files.Fail(func(faultfs.Op, string) error { return fs.ErrPermission })
	if _, _, err := open(files, small(), 6); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("opened in a read-only directory: %v", err)
	}
	report, err := commitlog.Verify(files, dir)
	if err != nil || len(report.Errors) > 0 || report.Frames != 7 {
		t.Errorf("verified in a read-only directory: %+v, %v", report, err)
	}
}

// TestRestartAfterAFailedSync: the program is started again, but not the machine,
// so that what the sync lost can still be read. What the next opening makes of it
// holds after a crash of the machine too, and a crash amid the opening does no harm.
func TestRestartAfterAFailedSync(t *testing.T) {
	dice := newDice(t)
	for range 200 / thrift() {
		files, opts := faultfs.New(), blocks(dice)
		l, _ := mustOpen(t, files, opts, 0)
		failing(files, faultfs.Datasync, 1+dice.IntN(6), syscall.EIO)
		handed, acked := untilFailure(l, dice)
		l.Close() // fails if nothing failed before
		files.Watch(func(faultfs.Op, string) {
			if dice.IntN(4) > 0 {
				return
			}
			_, got := mustOpen(t, files.Crash(dice), opts, 0)
			check(t, got, handed[:max(acked, min(len(got), len(handed)))])
		})
		failing(files, faultfs.Datasync, dice.IntN(6), syscall.EIO)
		if again, _, err := open(files, opts, 0); err == nil {
			again.Close()
		}
		files.Fail(nil)
		l, got := mustOpen(t, files, opts, 0)
		files.Watch(nil)
		more := group(l.Last()+1, 100)
		mustAppend(t, l, more)
		_, second := mustOpen(t, files.Crash(dice), opts, 0)
		check(t, second, append(got, more))
	}
}

// untilFailure appends two groups at a time, and returns all that were handed over and
// how many of them were acknowledged.
func untilFailure(l *commitlog.Log, dice *rand.Rand) (handed []commitlog.Frame, acked int) {
	for ts := uint64(1); ts < 12; ts += 4 {
		handed = append(handed, group(ts, dice.IntN(9000)), group(ts+2, dice.IntN(2000)))
		if l.Append(handed[acked:]...) != nil {
			break
		}
		acked = len(handed)
	}
	return handed, acked
}

// TestGapInWhatIsNotNeeded is an error all the same: nothing of the log's own doing
// leaves one.
func TestGapInWhatIsNotNeeded(t *testing.T) {
	files, all := threeSegments(t, mustClose)
	if err := files.Remove(segmentsIn(t, files)[1]); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(files, small(), all[len(all)-1].Last); !errors.Is(err, commitlog.ErrSegmentMissing) {
		t.Errorf("got %v", err)
	}
}
