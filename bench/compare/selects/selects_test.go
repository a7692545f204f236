package selects

import (
	"context"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/workload"
)

func brief(t *testing.T) Options {
	folder, err := disk.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tiercel, _ := peer.Named(peer.Tiercel)
	pebble, _ := peer.Named(peer.Pebble)
	return Options{
		Contestants: []peer.Contestant{tiercel, pebble}, Sizes: []int{100, 999}, CacheBytes: 64 << 10, Readers: 2,
		Warm: 10 * time.Millisecond, Duration: 10 * time.Millisecond, Rounds: 1, Folder: folder, Seed: 1,
	}
}

func TestAllAreMeasuredAndCompared(t *testing.T) {
	opts := brief(t)
	r, err := Run(t.Context(), opts, func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	held := int64(0)
	for _, c := range opts.Contestants {
		for _, size := range opts.Sizes {
			for _, d := range workload.Distributions() {
				if perSecond, ran := r.PerSecond(Setup{size, d, c.Name}); !ran || perSecond <= 0 {
					t.Errorf("%s, %d bytes, %v: %v", c.Name, size, d, perSecond)
				}
			}
			if live, ran := r.Memory(Held{size, c.Name}); !ran || live.Total() < 0 {
				t.Errorf("%s, %d bytes: %v", c.Name, size, live)
			} else {
				held += live.Total() // of one store alone it may be too little to be seen
			}
		}
	}
	if held == 0 {
		t.Error("no store holds anything in memory")
	}
	if got := len(r.Goals()); got != 6 {
		t.Errorf("%d goals", got)
	}
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	opts := brief(t)
	opts.Duration = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	r, err := Run(ctx, opts, func(Progress) {
		if calls++; calls > 4 {
			cancel()
		}
	})
	if err != nil || !r.Interrupted {
		t.Errorf("%v, interrupted: %v", err, r.Interrupted)
	}
}
