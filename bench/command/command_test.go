package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/txnmgr"
)

// ran is what a command line led to.
type ran struct {
	status    int
	out, errs string
}

// runBench runs a command line in this process.
func runBench(t *testing.T, ctx context.Context, args ...string) ran {
	t.Helper()
	return runWith(t, ctx, txnmgr.Open, args...)
}

// runWith is runBench on managers that open returns.
func runWith(t *testing.T, ctx context.Context, open func(context.Context, txnmgr.Options) (*txnmgr.Manager, error), args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	b := &bench{out: &out, errs: &errs, progress: report.NewProgress(&errs), open: open}
	status := b.main(ctx, args)
	t.Logf("bench %s: status %d\n%s%s", strings.Join(args, " "), status, out.String(), errs.String())
	return ran{status, out.String(), errs.String()}
}

// shortRuns are all commands, each for a fraction of a second.
func shortRuns() map[string][]string {
	return map[string][]string{
		"tour":     {"--duration", "400ms"},
		"stress":   {"stress", "--duration", "150ms", "--goroutines", "8"},
		"check":    {"stress", "--check", "serializable", "--duration", "150ms", "--goroutines", "8"},
		"readonly": {"stress", "readonly", "--transactions", "20000", "--goroutines", "8"},
		"run":      {"run", "--duration", "150ms", "--keys", "1000", "--read", "50%"},
		"profile":  {"profile", "--duration", "150ms", "--keys", "1000", "--dist", "zipf", "--sample", "8"},
		"shootout": {"shootout", "--duration", "150ms", "--rtt", "0,100us", "--clients", "1,4"},
		"locking":  {"locking", "--duration", "150ms", "--records", "50", "--workers", "1,3"},
	}
}

func TestEveryCommandEndsInAVerdict(t *testing.T) {
	for name, args := range shortRuns() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			jsonFile, plotFile := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.svg")
			args = append(args, "--seed", "12345", "--json", jsonFile, "--plot", plotFile)
			if name == "profile" {
				args = append(args, "--out", filepath.Join(dir, "profiles"))
			}
			got := runBench(t, t.Context(), args...)
			if got.status != OK {
				t.Errorf("status %d, want %d", got.status, OK)
			}
			if !strings.HasPrefix(lastLine(got.out), "verdict: OK: ") || !strings.Contains(lastLine(got.out), "seed 12345") {
				t.Errorf("the last line is %q", lastLine(got.out))
			}
			if plot, err := os.ReadFile(plotFile); err != nil || !bytes.Contains(plot, []byte("<svg")) {
				t.Errorf("no plot: %v", err)
			}
			checkHeader(t, readJSON(t, jsonFile))
		})
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func readJSON(t *testing.T, path string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var result map[string]any
	if err := dec.Decode(&result); err != nil {
		t.Fatal(err)
	}
	return result
}

func checkHeader(t *testing.T, result map[string]any) {
	t.Helper()
	for _, name := range []string{"command", "options", "go_version", "gomaxprocs", "os", "arch", "num_cpu"} {
		if result[name] == nil {
			t.Errorf("the JSON has no %q", name)
		}
	}
	if result["seed"] != json.Number("12345") || result["verdict"] != "ok" || result["interrupted"] != false {
		t.Errorf("seed %v, verdict %v, interrupted %v", result["seed"], result["verdict"], result["interrupted"])
	}
	if v, is := result["violations"].([]any); !is || len(v) != 0 {
		t.Errorf("violations are %v, want an empty list", result["violations"])
	}
}

func TestStressJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	runBench(t, t.Context(), "stress", "--duration", "150ms", "--goroutines", "5", "--isolation", "snapshot", "--json", file)
	result := readJSON(t, file)
	for _, name := range []string{
		"transactions", "throughput_per_second", "conflicts", "retries", "transaction_objects",
		"exclusive_list_locks", "open_at_once_at_most", "seconds",
	} {
		if _, is := result[name].(json.Number); !is {
			t.Errorf("%s is %v, want a number", name, result[name])
		}
	}
	if kinds := result["transactions_by_kind"].([]any); len(kinds) < 10 {
		t.Errorf("transactions by kind: %v", kinds)
	}
	options := result["options"].(map[string]any)
	if options["goroutines"] != json.Number("5") || options["isolation"] != "snapshot" || options["duration"] != "150ms" {
		t.Errorf("options %v", options)
	}
}

func TestProfileLeavesItsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	file := filepath.Join(t.TempDir(), "r.json")
	got := runBench(t, t.Context(), "profile", "--duration", "200ms", "--keys", "100", "--read", "0.5",
		"--sample", "4", "--top", "3", "--out", dir, "--json", file)
	for _, name := range []string{"cpu", "heap", "mutex", "block"} {
		if info, err := os.Stat(filepath.Join(dir, name+".pprof")); err != nil || info.Size() == 0 {
			t.Errorf("profile %s: %v", name, err)
		}
	}
	for _, want := range []string{"p99.9", "CPU time", "memory allocated", "held mutexes", "profiles are in " + dir, "timed"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the output has no %q", want)
		}
	}
	result := readJSON(t, file)
	reads := result["read_latency"].(map[string]any)
	if reads["timed"] == json.Number("0") || reads["percentiles_ns"].(map[string]any)["p99.9"] == nil {
		t.Errorf("read latency %v", reads)
	}
}

// leaky opens a manager on which somebody leaves a transaction open.
func leaky(ctx context.Context, opts txnmgr.Options) (*txnmgr.Manager, error) {
	m, err := txnmgr.Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	_, err = m.BeginRead(ctx)
	return m, err
}

func TestABrokenPromiseIsNamed(t *testing.T) {
	for name, args := range shortRuns() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "r.json")
			got := runWith(t, t.Context(), leaky, append(args, "--json", file, "--seed", "99")...)
			if got.status != Failed {
				t.Errorf("status %d, want %d", got.status, Failed)
			}
			last := lastLine(got.out)
			if !strings.HasPrefix(last, "verdict: FAILED: ") || !strings.Contains(last, "I10 nothing active") {
				t.Errorf("the last line is %q", last)
			}
			if !strings.Contains(got.out, "replay: go run ./bench") || !strings.Contains(got.out, "--seed 99") {
				t.Error("the output does not say how to run it again")
			}
			result := readJSON(t, file)
			if result["verdict"] != "failed" || len(result["violations"].([]any)) == 0 {
				t.Errorf("verdict %v, violations %v", result["verdict"], result["violations"])
			}
		})
	}
}

func TestAManagerThatDoesNotOpen(t *testing.T) {
	cause := errors.New("no manager today")
	closed := func(context.Context, txnmgr.Options) (*txnmgr.Manager, error) { return nil, cause }
	for name, args := range shortRuns() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			got := runWith(t, t.Context(), closed, append(args, "--json", filepath.Join(dir, "r.json"))...)
			if got.status != Failed || !strings.Contains(got.errs, cause.Error()) {
				t.Errorf("status %d, errors %q", got.status, got.errs)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestInterruptStillGivesAVerdict(t *testing.T) {
	for name, args := range map[string][]string{
		"tour":     {"--duration", "1h"},
		"stress":   {"stress", "--duration", "1h"},
		"check":    {"stress", "--check", "snapshot", "--duration", "1h"},
		"readonly": {"stress", "readonly", "--transactions", "1000000000000", "--goroutines", "8"},
		"run":      {"run", "--duration", "1h", "--keys", "10"},
		"profile":  {"profile", "--duration", "1h", "--keys", "10", "--out", t.TempDir()},
		"shootout": {"shootout", "--duration", "1h", "--rtt", "0", "--clients", "8"},
		"locking":  {"locking", "--duration", "1h", "--records", "100", "--workers", "4"},
	} {
		t.Run(name, func(t *testing.T) {
			got := interrupted(t, 300*time.Millisecond, args)
			if got.status != OK || !strings.Contains(lastLine(got.out), "verdict: OK: ") {
				t.Errorf("status %d, last line %q", got.status, lastLine(got.out))
			}
			if !strings.Contains(lastLine(got.out), "interrupted") {
				t.Errorf("the verdict hides that the run was interrupted: %q", lastLine(got.out))
			}
		})
	}
}

// interrupted runs a command line and interrupts it after some time, or later if it
// was still storing objects then: a machine with much else to do takes its time.
func interrupted(t *testing.T, after time.Duration, args []string) ran {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	got := runBench(t, ctx, args...)
	if got.status == Failed && strings.Contains(got.errs, "storing objects") && after < time.Minute {
		return interrupted(t, 2*after, args)
	}
	return got
}

func TestInterruptWhileStoring(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := func(ctx context.Context, opts txnmgr.Options) (*txnmgr.Manager, error) {
		defer cancel()
		return txnmgr.Open(ctx, opts)
	}
	got := runWith(t, ctx, interrupted, "run", "--keys", "100000")
	if got.status != Failed || !strings.Contains(got.errs, "nothing was measured") {
		t.Errorf("status %d, errors %q", got.status, got.errs)
	}
}

func TestASeedIsDrawnAndPrinted(t *testing.T) {
	seeds := map[string]bool{}
	for range 2 {
		got := runBench(t, t.Context(), "stress", "readonly", "--transactions", "10", "--goroutines", "8")
		seeds[got.out[strings.LastIndex(got.out, "seed "):]] = true
	}
	if len(seeds) != 2 {
		t.Errorf("two runs without --seed printed %v", seeds)
	}
}
