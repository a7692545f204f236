package command

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

func TestCheckJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	runBench(t, t.Context(), "stress", "--check", "snapshot", "--duration", "300ms", "--goroutines", "5", "--check-keys", "20", "--json", file)
	result := readJSON(t, file)
	for _, name := range []string{"transactions_checked", "edges", "committed", "rolled_back", "windows", "write_skews_in_first_window"} {
		if n, is := result[name].(json.Number); !is || n == "0" {
			t.Errorf("%s is %v, want a number above 0", name, result[name])
		}
	}
	if result["cycles"] != json.Number("0") || result["other_faults"] != json.Number("0") {
		t.Errorf("cycles %v, other faults %v", result["cycles"], result["other_faults"])
	}
	options := result["options"].(map[string]any)
	if options["check"] != "snapshot" || options["check-keys"] != json.Number("20") {
		t.Errorf("options %v", options)
	}
}

func TestCheckFlags(t *testing.T) {
	for _, args := range [][]string{
		{"stress", "--check", "perhaps"},
		{"stress", "--check", "snapshot", "--check-keys", "0"},
	} {
		if got := runBench(t, t.Context(), args...); got.status != Usage {
			t.Errorf("%q: status %d, want %d", args, got.status, Usage)
		}
	}
}
