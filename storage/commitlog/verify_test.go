package commitlog_test

import (
	"errors"
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
