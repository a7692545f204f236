package redo_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tierceldb/tiercel/storage/redo"
)

// readAll reads a payload to its end and writes again what was read.
func readAll(data []byte) (again payload, records int, err error) {
	again.buf = redo.AppendHeader(nil)
	r := redo.NewReader(data)
	for {
		rec, err := r.Next()
		if err != nil {
			if _, later := r.Next(); later != err {
				return again, records, errors.New("the error does not stay")
			}
			return again, records, err
		}
		again.add(rec)
		records++
	}
}

func TestCorruptPayloads(t *testing.T) {
	const huge = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	for name, c := range map[string]struct {
		data   string
		offset int
		reason error
	}{
		"empty":                 {"", 0, redo.ErrTruncated},
		"kind":                  {"\x01?", 1, redo.ErrKind},
		"no timestamp":          {"\x01c", 2, redo.ErrTruncated},
		"timestamp cut off":     {"\x01c\x80", 2, redo.ErrTruncated},
		"timestamp again":       {"\x01c\x00\x00", 2, redo.ErrOrder},
		"timestamp overflows":   {"\x01o\x01o" + huge, 4, redo.ErrOrder},
		"number of 11 bytes":    {"\x01c" + strings.Repeat("\x80", 10) + "\x01", 2, redo.ErrNumber},
		"number with a zero":    {"\x01c\x81\x00\x00", 2, redo.ErrNumber},
		"more writes than room": {"\x01c\x01\x03\x01\x01", 3, redo.ErrTruncated},
		"countless writes":      {"\x01c\x01" + huge, 3, redo.ErrTruncated},
		"key cut off":           {"\x01c\x01\x01\x05a", 5, redo.ErrTruncated},
		"no value":              {"\x01c\x01\x01\x02\x01a", 7, redo.ErrTruncated},
		"value cut off":         {"\x01c\x01\x01\x02\x02ab", 7, redo.ErrTruncated},
		"value beyond memory":   {"\x01c\x01\x01\x02" + huge + "a", 16, redo.ErrTruncated},
		"commit without xid":    {"\x01f\x01\x00\x00", 3, redo.ErrXID},
		"dropped without xid":   {"\x01d\x00", 2, redo.ErrXID},
		"limit below 0":         {"\x01p\x01x\x00\x00" + huge, 6, redo.ErrNumber},
		"countless locks":       {"\x01p\x01x\x00\x00\x00\x00" + huge + "\x00\x00", 8, redo.ErrTruncated},
		"no lock mode":          {"\x01p\x01x\x00\x00\x00\x00\x01\x00\x00\x01a", 13, redo.ErrTruncated},
		"kind of range":         {"\x01p\x01x\x00\x00\x00\x00\x00\x00\x01\x03\x00\x00", 11, redo.ErrRange},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := readAll([]byte(c.data))
			var corrupt *redo.CorruptionError
			if !errors.As(err, &corrupt) || !errors.Is(err, c.reason) || corrupt.Offset != c.offset {
				t.Errorf("%v, want offset %d: %v", err, c.offset, c.reason)
			}
		})
	}
}

func TestAnotherVersionIsNamed(t *testing.T) {
	_, _, err := readAll([]byte{redo.Version + 1, 'c', 1, 0})
	if !errors.Is(err, redo.ErrVersion) || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("got %v", err)
	}
}

// TestEveryCutIsNoticed cuts payloads off everywhere: what is read is what was
// whole, and the rest is an error, unless the cut is between records.
func TestEveryCutIsNoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := payload{buf: redo.AppendHeader(nil)}
		ends := []int{len(p.buf)}
		for range rapid.IntRange(1, 4).Draw(t, "records") {
			p.add(drawRecord(t, p.before))
			ends = append(ends, len(p.buf))
		}
		cut := rapid.IntRange(0, len(p.buf)-1).Draw(t, "cut")
		whole, between := 0, false
		for i, end := range ends {
			if end <= cut {
				whole, between = i, end == cut
			}
		}
		again, records, err := readAll(p.buf[:cut])
		if records != whole || !bytes.HasPrefix(p.buf, again.buf) {
			t.Fatalf("cut at %d of %v: %d records, want %d", cut, ends, records, whole)
		}
		if between != (err == io.EOF) || !between && !errors.Is(err, redo.ErrTruncated) {
			t.Fatalf("cut at %d of %v: %v", cut, ends, err)
		}
	})
}

// seeds are payloads with every kind of record.
func seeds() [][]byte {
	commits := redo.AppendCommit(redo.AppendHeader(nil), 0, 300, "", 3)
	commits = redo.AppendPut(commits, []byte("key"), bytes.Repeat([]byte("value"), 40))
	commits = redo.AppendPut(commits, nil, nil)
	commits = redo.AppendDelete(commits, []byte("gone"))
	commits = redo.AppendCommit(commits, 300, 301, "x1", 0)
	prepared := redo.AppendPrepare(redo.AppendHeader(nil), redo.Preparation{
		XID: "x2", Label: "transfer", Since: 1_700_000_000_000_000_000, Limit: 1e9, Writes: 1, Locks: 1, Keys: 2, Ranges: 3,
	})
	prepared = redo.AppendPut(prepared, []byte("a"), []byte("b"))
	prepared = redo.AppendLock(prepared, []byte("a"), 4)
	prepared = redo.AppendKey(redo.AppendKey(prepared, []byte("a")), nil)
	prepared = redo.AppendRange(prepared, redo.Range{Lo: []byte("a"), Hi: []byte("m")})
	prepared = redo.AppendRange(prepared, redo.Range{Lo: []byte("m"), Hi: []byte("n"), Closed: true})
	prepared = redo.AppendRange(prepared, redo.Range{Lo: []byte("x")})
	prepared = redo.AppendDropped(prepared, "x2")
	opened := redo.AppendOpened(redo.AppendHeader(nil), 0, 1<<40)
	return [][]byte{nil, {2}, redo.AppendHeader(nil), commits, prepared, opened}
}

// FuzzReader reads anything. What is read without error is, written again, the same.
func FuzzReader(f *testing.F) {
	for _, data := range seeds() {
		f.Add(data)
		for _, cut := range []int{1, 3, 10} {
			f.Add(data[:max(0, len(data)-cut)])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again, _, err := readAll(data)
		var corrupt *redo.CorruptionError
		switch {
		case err == io.EOF:
			if !bytes.Equal(again.buf, data) {
				t.Errorf("%x was read, and written again %x", data, again.buf)
			}
		case errors.As(err, &corrupt):
			if corrupt.Offset < 0 || corrupt.Offset > len(data) {
				t.Errorf("offset %d of %d: %v", corrupt.Offset, len(data), err)
			}
		case !errors.Is(err, redo.ErrVersion):
			t.Errorf("error %v", err)
		}
	})
}

// TestMemoryIsBounded reads payloads that claim to be long.
func TestMemoryIsBounded(t *testing.T) {
	data := append(redo.AppendCommit(redo.AppendHeader(nil), 0, 1, "", 1<<30), make([]byte, 1000)...)
	r := redo.NewReader(nil)
	allocs := testing.AllocsPerRun(10, func() {
		r.Reset(data)
		if _, err := r.Next(); !errors.Is(err, redo.ErrTruncated) {
			t.Error(err)
		}
	})
	if allocs > 1 { // the error
		t.Errorf("%v allocations", allocs)
	}
}
