package commitlog_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

func TestReport(t *testing.T) {
	files, all := threeSegments(t, mustClose)
	report, err := commitlog.Verify(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	for _, f := range all {
		bytes += int64(len(f.Payload))
	}
	got := report
	got.Errors = nil
	want := commitlog.Report{StoreID: small().StoreID, Segments: 3, Frames: len(all), Bytes: bytes, First: 7, Last: 20}
	if got.Base >= 7 || got.End != 20 || !got.Closed || got.DiskBytes < 3*small().SegmentBytes {
		t.Errorf("%+v", got)
	}
	if got.Segments != want.Segments || got.Frames != want.Frames || got.Bytes != want.Bytes || got.First != want.First ||
		got.Last != want.Last || got.StoreID != want.StoreID || got.Torn != nil || len(report.Errors) > 0 {
		t.Errorf("got %+v, want %+v", report, want)
	}
}

// TestReportGoesOn behind what is wrong.
func TestReportGoesOn(t *testing.T) {
	files, all := threeSegments(t, mustClose)
	segments := segmentsIn(t, files)
	zero(0, 4200, 4300)(t, files, segments)
	truncate(1, 6000)(t, files, segments)
	report, err := commitlog.Verify(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Errors) != 2 || !errors.Is(report.Errors[0], commitlog.ErrDamaged) || !errors.Is(report.Errors[1], commitlog.ErrSegmentSize) {
		t.Errorf("errors %v", report.Errors)
	}
	if report.Frames == 0 || report.Last != all[len(all)-1].Last {
		t.Errorf("%+v", report)
	}
}

// TestTornTailIsReported, not as an error, with its place, until the log is opened
// again.
func TestTornTailIsReported(t *testing.T) {
	dice := newDice(t)
	torn := 0
	for range 50 {
		files := faultfs.New()
		l, _ := mustOpen(t, files, small(), 0)
		mustAppend(t, l, group(1, 100))
		files.Fail(func(op faultfs.Op, _ string) error {
			if op == faultfs.Datasync {
				files = files.Crash(dice)
			}
			return nil
		})
		mustAppend(t, l, group(3, 2000))
		report, err := commitlog.Verify(files, dir)
		if err != nil || len(report.Errors) > 0 || report.Frames == 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		if report.Torn == nil {
			continue
		}
		torn++
		if *report.Torn != (commitlog.Position{Segment: 1, Offset: 4096 + 40 + 104}) || report.Frames != 1 {
			t.Fatalf("%+v torn at %+v", report, report.Torn)
		}
		mustOpen(t, files, small(), 0)
		if report, err := commitlog.Verify(files, dir); err != nil || report.Torn != nil || len(report.Errors) > 0 {
			t.Fatalf("after opening: %+v, %v", report, err)
		}
	}
	if torn == 0 {
		t.Error("no write was torn")
	}
}

func TestVerifyNothing(t *testing.T) {
	if _, err := commitlog.Verify(faultfs.New(), dir); err == nil {
		t.Error("verified a directory that is not there")
	}
}

// TestVisitor is shown what Replay delivers, and can end it.
func TestVisitor(t *testing.T) {
	files, all := threeSegments(t, mustClose)
	var got []commitlog.Frame
	segment, done, last := uint64(0), int64(0), int64(-1)
	visitor := commitlog.Visitor{
		Group: func(number uint64, f commitlog.Frame) error {
			f.Payload = append([]byte(nil), f.Payload...)
			got = append(got, f)
			if number < segment {
				t.Errorf("segment %d after %d", number, segment)
			}
			segment = number
			return nil
		},
		Progress: func(n, all int64) {
			if n < done {
				t.Errorf("%d of %d after %d", n, all, done)
			}
			done, last = n, all
		},
	}
	if _, err := commitlog.VerifyEach(files, dir, visitor); err != nil || !reflect.DeepEqual(got, all) {
		t.Errorf("%v: got %v, want %v", err, got, all)
	}
	if names := segmentsIn(t, files); done != last || fmt.Sprintf("%s/%016x.log", dir, segment) != names[len(names)-1] {
		t.Errorf("%d of %d bytes, segment %d", done, last, segment)
	}
	stop := errors.New("stop")
	visitor = commitlog.Visitor{Group: func(uint64, commitlog.Frame) error { return stop }}
	if report, err := commitlog.VerifyEach(files, dir, visitor); !errors.Is(err, stop) || report.Frames != 1 {
		t.Errorf("%v after %d frames", err, report.Frames)
	}
}
