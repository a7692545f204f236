package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/bench/report"
)

// TestMain is the child process of recovery if it is told so.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == fillCommand {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func compare(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	p := &program{out: &o, errs: &e, progress: report.NewProgress(&e), child: []string{os.Args[0]}}
	status = p.main(t.Context(), args)
	t.Logf("compare %s: status %d\n%s%s", strings.Join(args, " "), status, o.String(), e.String())
	return status, o.String(), e.String()
}

func TestEveryWorkloadRuns(t *testing.T) {
	dir := t.TempDir()
	jsonFile, plotFile := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.svg")
	status, out, _ := compare(t, "--rounds", "1", "--objects", "1200", "--duration", "10ms", "--sustained", "20ms", "--clients", "1,2",
		"--cache", "64KiB", "--log", "4MiB", "--replay", "1MiB", "--dir", dir, "--seed", "12345", "--json", jsonFile, "--plot", plotFile)
	if status != OK || !strings.Contains(out, "seed 12345") || !strings.Contains(out, "goals reached, every value checked") {
		t.Errorf("status %d", status)
	}
	data, err := os.ReadFile(jsonFile)
	if err != nil {
		t.Fatal(err)
	}
	var result map[string]any
	if err := json.Unmarshal(data, &result); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"commits", "sustained", "selects", "memory", "beside", "recovery", "goals"} {
		if figures, is := result[list].([]any); !is || len(figures) == 0 {
			t.Errorf("no %s in the JSON", list)
		}
	}
	if plot, err := os.ReadFile(plotFile); err != nil || !bytes.Contains(plot, []byte("<svg")) {
		t.Errorf("no plot: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "compare-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestQuickHasNoGoals: its ratios are of far too little. The result goes to the output.
func TestQuickHasNoGoals(t *testing.T) {
	status, out, errs := compare(t, "--quick", "--workloads", "commits", "--contestants", "limit,tiercel", "--duration", "5ms",
		"--clients", "1", "--log", "4MiB", "--dir", t.TempDir(), "--json", "-")
	var result struct {
		Commits []any `json:"commits"`
		Goals   []any `json:"goals"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || status != OK {
		t.Fatalf("status %d, %v", status, err)
	}
	if len(result.Commits) == 0 || result.Goals == nil || len(result.Goals) > 0 {
		t.Errorf("commits %v, goals %v", result.Commits, result.Goals)
	}
	if !strings.Contains(errs, "the figures mean nothing") || strings.Contains(errs, "goals reached") || strings.Contains(errs, "at least") {
		t.Error("goals are shown, or the figures are not called meaningless")
	}
}

func TestMistakesAreExplainedBeforeAnyWork(t *testing.T) {
	for line, want := range map[string]string{
		"--workloads dance":     "choose some of commits",
		"--contestants nobody":  "choose some of limit",
		"--clients 0":           "from 1",
		"--rounds 0":            "from 1 up",
		"--duration 0s":         "above 0",
		"--cache much":          "give a size",
		"--plot a.jpg":          ".png",
		"--json /no/such/f":     "--json",
		"--dir /no/such/folder": "--dir",
		"--nonsense":            "unknown flag",
		"extra":                 "unknown",
	} {
		status, out, errs := compare(t, strings.Fields(line)...)
		if status != Usage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: status %d, %q, want %q", line, status, errs, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]size{"1": 1, "3KiB": 3 << 10, "32MiB": 32 << 20, "1GiB": 1 << 30} {
		var s size
		if err := s.Set(text); err != nil || s != want || s.String() != text {
			t.Errorf("%s: %d, %v, written %s", text, s, err, s.String())
		}
	}
	for _, text := range []string{"", "MiB", "0", "-1", "1.5GiB", "9223372036854775807KiB"} {
		var s size
		if s.Set(text) == nil {
			t.Errorf("%q is accepted as %d", text, s)
		}
	}
}
