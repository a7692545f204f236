package command

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/bench/locking"
)

func TestLockingTables(t *testing.T) {
	got := runBench(t, t.Context(), "locking", "--duration", "200ms", "--records", "50,60", "--workers", "1,12", "--seed", "3")
	for _, want := range []string{
		"operations of a worker", "50 records", "60 records", "fetch, found", "fetches a store",
		"one worker: ms a test", "no lock: user", "coarse: user", "fine: user", "system", "clock",
		"coarse/none", "fine/none", "fine/coarse", "50 records a worker: ms a test", "waits", "difference",
		"12 workers, 50 records: clock time, fine / coarse", "1 worker, 60 records: clock time, fine / coarse",
		"of 4 goals reached",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the output has no %q", want)
		}
	}
}

func TestLockingJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	runBench(t, t.Context(), "locking", "--duration", "200ms", "--records", "50", "--workers", "1,2", "--json", file)
	result := readJSON(t, file)
	figures := result["figures"].([]any)
	if len(figures) != 3+2 {
		t.Fatalf("%d figures of 3 granularities for one worker and 2 for two", len(figures))
	}
	first := figures[0].(map[string]any)
	if first["locks"] != "none" || first["records"] != json.Number("50") || first["workers"] != json.Number("1") {
		t.Errorf("the first figures are %v", first)
	}
	for _, name := range []string{"clock_ns", "tests", "runs"} {
		if n, is := first[name].(json.Number); !is || n == "0" {
			t.Errorf("%s is %v, want a number above 0", name, first[name])
		}
	}
	if operations := first["operations_of_a_worker"].(map[string]any); operations["store, inserted"] != json.Number("72") {
		t.Errorf("the operations are %v, want 50 + 250/11 insertions", operations)
	}
	if n := len(result["ratios"].([]any)); n != 2 {
		t.Errorf("%d ratios of 2 numbers of workers", n)
	}
}

func TestDifferences(t *testing.T) {
	for ratio, want := range map[float64]string{0.317: "-68.3%", 1.05: "+5.0%", 1: "+0.0%"} {
		if got := difference(ratio, true); got != want {
			t.Errorf("%v is written %q, want %q", ratio, got, want)
		}
	}
	if difference(1, false) != "-" {
		t.Error("there is a difference of what never ran")
	}
	var f locking.Figures
	f.Clock = 1_234_567
	if got := strings.Join(usage(f), " "); got != "- - 1.23" {
		t.Errorf("without processor time the cells are %q", got)
	}
	f.User, f.System = 2_000_000, 5_000
	if got := strings.Join(usage(f), " "); got != "2.00 0.01 1.23" {
		t.Errorf("the cells are %q", got)
	}
}
