package beside

import (
	"testing"
	"time"

	"github.com/tierceldb/tiercel/bench/compare/disk"
	"github.com/tierceldb/tiercel/bench/compare/peer"
)

func TestAllAreMeasuredAndCompared(t *testing.T) {
	folder, err := disk.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tiercel, _ := peer.Named(peer.Tiercel)
	pebble, _ := peer.Named(peer.Pebble)
	r, err := Run(t.Context(), Options{
		Contestants: []peer.Contestant{tiercel, pebble}, Writers: 8, Readers: 2,
		Duration: 40 * time.Millisecond, Rounds: 2, LogBytes: 8 << 20, Folder: folder, Seed: 1,
	}, func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []string{peer.Tiercel, peer.Pebble} {
		for _, company := range Companies() {
			f, ran := r.Figures(Setup{store, company})
			if !ran || f.PerSecond <= 0 || f.P99 <= 0 || f.Longest < f.P99 || (f.Commits > 0) != (company == Writers) {
				t.Errorf("%s, %v: %+v", store, company, f)
			}
		}
	}
	if len(r.Goals()) == 0 {
		t.Error("no goals")
	}
}
