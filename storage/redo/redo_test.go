package redo_test

import (
	"errors"
	"io"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tierceldb/tiercel/storage/redo"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	r := redo.NewReader(nil)
	rapid.Check(t, func(t *rapid.T) {
		p := payload{buf: redo.AppendHeader(nil)}
		var written []*redo.Record
		for range rapid.IntRange(0, 8).Draw(t, "records") {
			rec := drawRecord(t, p.before)
			written = append(written, rec)
			start := len(p.buf)
			p.add(rec)
			if took, most := len(p.buf)-start, size(rec); took > most {
				t.Fatalf("%v took %d bytes, Size says %d at most", rec.Kind, took, most)
			}
		}
		r.Reset(p.buf)
		for i, want := range written {
			got, err := r.Next()
			if err != nil || !same(got, want) {
				t.Fatalf("record %d is %+v, %v; want %+v", i, got, err, want)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatalf("after the last record: %v", err)
		}
	})
}

func TestSizesAreTight(t *testing.T) {
	for _, key := range []int{0, 63, 64, 127, 128, 1 << 13, 1<<13 - 1, 1 << 20} {
		for _, value := range []int{0, 127, 128, 1<<14 - 1, 1 << 14, 1 << 21} {
			if got, want := redo.SizePut(key, value), len(redo.AppendPut(nil, make([]byte, key), make([]byte, value))); got != want {
				t.Errorf("SizePut(%d, %d) is %d, AppendPut takes %d", key, value, got, want)
			}
		}
		if got, want := redo.SizeDelete(key), len(redo.AppendDelete(nil, make([]byte, key))); got != want {
			t.Errorf("SizeDelete(%d) is %d, AppendDelete takes %d", key, got, want)
		}
	}
	if got, want := redo.SizeCommit("x", 300), len(redo.AppendCommit(nil, 0, math.MaxUint64, "x", 300)); got != want {
		t.Errorf("SizeCommit is %d, AppendCommit takes up to %d", got, want)
	}
	if got, want := redo.SizeOpened, len(redo.AppendOpened(nil, 0, math.MaxUint64)); got != want {
		t.Errorf("SizeOpened is %d, AppendOpened takes up to %d", got, want)
	}
	if redo.SizeHeader != len(redo.AppendHeader(nil)) {
		t.Error("SizeHeader is wrong")
	}
}

func TestTimestampsThatDoNotAscendAreNoticed(t *testing.T) {
	for _, ts := range [][2]uint64{{5, 5}, {5, 4}, {5, 0}, {math.MaxUint64, 1}, {1, 1}} {
		buf := redo.AppendCommit(redo.AppendHeader(nil), 0, ts[0], "", 0)
		buf = redo.AppendCommit(buf, ts[0], ts[1], "", 0)
		r := redo.NewReader(buf)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); !errors.Is(err, redo.ErrOrder) {
			t.Errorf("%d after %d: %v", ts[1], ts[0], err)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	for kind, want := range map[redo.Kind]string{
		redo.Commit: "commit", redo.Prepare: "prepare", redo.Dropped: "dropped", redo.Opened: "opened", 99: "Kind(99)",
	} {
		if kind.String() != want {
			t.Errorf("%v, want %s", kind, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	key, value := make([]byte, 16), make([]byte, 999)
	buf := make([]byte, 0, 4096)
	r := redo.NewReader(nil)
	allocs := testing.AllocsPerRun(100, func() {
		buf = redo.AppendHeader(buf[:0])
		buf = redo.AppendCommit(buf, 0, 1, "xid", 3)
		buf = redo.AppendPut(buf, key, value)
		buf = redo.AppendPut(buf, key, value)
		buf = redo.AppendDelete(buf, key)
		buf = redo.AppendDropped(buf, "xid")
		r.Reset(buf)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
