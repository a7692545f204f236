//go:build invariants || race

package storage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// recovered returns what fn panics with, or "".
func recovered(fn func()) (message string) {
	defer func() {
		if p := recover(); p != nil {
			message = fmt.Sprint(p)
		}
	}()
	fn()
	return ""
}

// TestModifiedValueIsCaught: a caller who writes into what Get returned is told so
// by the next read, whatever the size class.
func TestModifiedValueIsCaught(t *testing.T) {
	for _, n := range []int{1, 16, 100, storage.FineRoom + 1, storage.MaxInline, storage.MaxInline + 1, 1 << 16} {
		v := storage.NewVersion(pattern(n), nil)
		v.Value()[n-1]++
		if message := recovered(func() { v.Value() }); !strings.Contains(message, "modified by its caller") {
			t.Errorf("%d bytes: %q", n, message)
		}
	}
}

// TestCheckChainNoticesOrder: I1.
func TestCheckChainNoticesOrder(t *testing.T) {
	for _, c := range []struct {
		timestamps []uint64 // oldest first, 0 pending
		breach     string
	}{
		{[]uint64{1, 2, 5}, ""},
		{[]uint64{1, 2, 0}, ""},
		{[]uint64{2, 1}, "I1"},
		{[]uint64{1, 2, 2}, "I1"},
		{[]uint64{5, 0, 4}, "I1"},
		{nil, ""},
	} {
		if got := storage.CheckChain(chainOf(c.timestamps...).Head(), 0); !begins(got, c.breach) {
			t.Errorf("%v: %q, want %q", c.timestamps, got, c.breach)
		}
	}
}

// TestCheckChainNoticesHoles: I2. Version 4 of a chain is purged; snapshots 4 and
// 5 saw it, and nobody else.
func TestCheckChainNoticesHoles(t *testing.T) {
	o := chainOf(2, 4, 6, 8)
	storage.Unlink(o.Head().Older())
	for snapshot, breach := range map[uint64]string{1: "", 2: "", 3: "", 4: "I2", 5: "I2", 6: "", 7: "", 8: "", 9: ""} {
		if got := storage.CheckChain(o.Head(), snapshot); !begins(got, breach) {
			t.Errorf("snapshot %d: %q, want %q", snapshot, got, breach)
		}
	}
	storage.Unlink(o.Head()) // 6 goes, and what was purged below it stays known
	if got := storage.CheckChain(o.Head(), 7); !begins(got, "I2") {
		t.Errorf("snapshot 7: %q, want I2", got)
	}
}

func begins(got, breach string) bool {
	if breach == "" {
		return got == ""
	}
	return strings.HasPrefix(got, breach)
}

// chainOf returns an object with committed versions, the oldest first, and pending
// ones for 0.
func chainOf(timestamps ...uint64) *storage.Object {
	o := storage.NewObject(nil, 1)
	for _, at := range timestamps {
		v := storage.NewVersion(nil, new(storage.State))
		if at != 0 {
			v.Stamp(at)
		}
		o.Link(v)
	}
	return o
}
