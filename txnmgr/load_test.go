package txnmgr_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestLoadGoesOn behind the last key that is there when Load has failed.
func TestLoadGoesOn(t *testing.T) {
	m := open(t, txnmgr.Options{Dir: t.TempDir()})
	const n = 20_000
	load := func(ctx context.Context, from int, each func(i int) string) error {
		return m.Load(ctx, func(yield func(key, value []byte) bool) {
			for i := from; i < n && yield([]byte(each(i)), nil); i++ {
				continue
			}
		})
	}
	key := func(i int) string { return fmt.Sprintf("k%06d", i) }
	next := func() (from int) {
		r := beginRead(t, m)
		defer r.Close()
		for last := range r.ScanDescending(nil, nil) {
			if _, err := fmt.Sscanf(string(last), "k%d", &from); err != nil {
				t.Fatal(err)
			}
			return from + 1
		}
		return 0
	}

	err := load(t.Context(), 0, func(i int) string {
		if i == 10_000 {
			return "a"
		}
		return key(i)
	})
	wantErr(t, "unsorted", err, txnmgr.ErrUnsorted)
	from := next()
	if from == 0 || from > 10_000 {
		t.Fatalf("after an error the next is %d", from)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	err = load(ctx, from, func(i int) string {
		if i == 15_000 {
			cancel()
		}
		asked = i
		return key(i)
	})
	wantErr(t, "cancelled", err, context.Canceled)
	if asked > 15_000 {
		t.Errorf("asked for %d after it was cancelled", asked)
	}
	if then := next(); then <= from || then > 15_000 {
		t.Fatalf("after it was cancelled the next is %d, and it began at %d", then, from)
	}
	wantErr(t, "the rest", load(t.Context(), next(), key))
	want(t, "next", next(), n)
}
