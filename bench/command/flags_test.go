package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

func TestMistakesAreExplainedBeforeAnyWork(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, flag, remedy string }{
		{"run --goroutines -3", "--goroutines -3", "from 1"},
		{"run --goroutines many", "--goroutines many", "whole number"},
		{"run --dist normal", "--dist normal", "uniform|zipf"},
		{"run --isolation none", "--isolation none", "serializable|snapshot"},
		{"run --keys 0", "--keys 0", "from 1"},
		{"run --value-size -1", "--value-size -1", "from 0"},
		{"run --ops-per-txn 0", "--ops-per-txn 0", "from 1"},
		{"run --read 1.5", "--read 1.5", "fraction from 0 to 1"},
		{"run --read 101%", "--read 101%", "percentage"},
		{"run --read NaN", "--read NaN", "fraction"},
		{"run --duration 5", "--duration 5", "10s"},
		{"run --duration -5s", "--duration -5s", "above 0"},
		{"run --duration 0s", "--duration 0s", "above 0"},
		{"run --seed -1", "--seed -1", "from 0 up"},
		{"run --bogus", "--bogus", "--help"},
		{"run --json " + dir, "--json", "name a file"},
		{"run --json " + file + "/x", "--json", "name a file"},
		{"run --json " + dir + "/no/x.json", "--json", "name a file"},
		{"run --plot a.jpg", "--plot", ".svg"},
		{"run --plot " + dir + "/no/x.svg", "--plot", "name a file"},
		{"run --clients 4 --goroutines 5", "--clients", "--goroutines: give one"},
		{"run --value-size 4 --size 4", "--size", "--value-size: give one"},
		{"run --ops-per-txn 4 --objects 4", "--objects", "--ops-per-txn: give one"},
		{"run --clients many", "--clients many", "whole number"},
		{"profile --out " + file + "/x", "--out", "name a folder"},
		{"profile --sample 0", "--sample 0", "from 1"},
		{"profile --top 0", "--top 0", "from 1"},
		{"stress --accounts 1", "--accounts 1", "from 2"},
		{"stress --hot 0", "--hot 0", "from 1"},
		{"stress --keys 0", "--keys 0", "from 1"},
		{"stress --goroutines 0", "--goroutines 0", "from 1"},
		{"stress readonly --transactions 0", "--transactions 0", "from 1"},
		{"stress readonly --keys 0", "--keys 0", "from 1"},
		{"stress readonly --duration -1s", "--duration -1s", "above 0"},
		{"shootout --rtt -1ms", "--rtt -1ms", "from 0 to 10s"},
		{"shootout --rtt 11s", "--rtt 11s", "from 0 to 10s"},
		{"shootout --rtt 5", "--rtt 5", "400us"},
		{"shootout --rtt 20us,20us", "--rtt 20us,20us", "20µs is there twice"},
		{"shootout --clients 0", "--clients 0", "from 1"},
		{"shootout --clients 1,1000000", "--clients 1000000", "to 10,000"},
		{"shootout --clients 1,,2", "--clients 1,,2", "1,2,4"},
		{"shootout --shared 2", "--shared 2", "from 3"},
		{"locking --workers 0", "--workers 0", "from 1"},
		{"locking --workers 1,1", "--workers 1,1", "1 is there twice"},
		{"locking --records many", "--records many", "1,2,4"},
		{"locking --records 0", "--records 0", "from 1"},
		{"locking --duration -1s", "--duration -1s", "above 0"},
		{"shootout --duration 0s", "--duration 0s", "above 0"},
		{"--duration 0s", "--duration 0s", "above 0"},
		{"nonsense", "nonsense", "--help"},
		{"stress nonsense", "nonsense", "--help"},
		{"run nonsense", "nonsense", "--help"},
	} {
		explained(t, c.args, c.flag, c.remedy)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// explained fails unless the command line is refused at once, naming flag and remedy.
func explained(t *testing.T, args, flag, remedy string) {
	t.Helper()
	got := runBench(t, t.Context(), strings.Fields(args)...)
	if got.status != Usage || got.out != "" {
		t.Errorf("%s: status %d, want %d before any output", args, got.status, Usage)
	}
	if !strings.Contains(got.errs, flag) || !strings.Contains(got.errs, remedy) {
		t.Errorf("%s: %q mentions not both %q and %q", args, got.errs, flag, remedy)
	}
}

// TestMistakesAboutStores: nothing is made of a store that was asked for like that.
func TestMistakesAboutStores(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, flag, remedy string }{
		{"run --dir=", "--dir", "leave it out"},
		{"run --json=", "--json", "leave it out"},
		{"stress --plot=", "--plot", "leave it out"},
		{"verify --json= " + dir, "--json", "leave it out"},
		{"run --dir " + dir + "/no --cache-bytes 1", "--cache-bytes 1", "from 4,096"},
		{"run --dir " + dir + "/no --log-bytes 1", "--log-bytes 1", "from 65,536"},
		{"run --dir " + dir + "/no --cache-bytes -1", "--cache-bytes -1", "from 4,096"},
	} {
		explained(t, c.args, c.flag, c.remedy)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestJSONToOutput: there is nothing else in it then, and no file of that name.
func TestJSONToOutput(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, args := range map[string][]string{
		"run":   {"run", "--duration", "50ms", "--keys", "100", "--clients", "3", "--size", "20"},
		"stats": {"stats", aStore(t)},
	} {
		got := runBench(t, t.Context(), append(args, "--json", "-")...)
		var result map[string]any
		if err := json.Unmarshal([]byte(got.out), &result); err != nil || got.status != OK || result["verdict"] != "ok" {
			t.Errorf("%s: status %d, %v, output %q", name, got.status, err, got.out)
		}
		if !strings.HasPrefix(lastLine(got.errs), "verdict: OK: ") {
			t.Errorf("%s: the verdict is not among %q", name, got.errs)
		}
		if options, is := result["options"].(map[string]any); name == "run" && (!is || options["goroutines"] != 3.0 || options["value-size"] != 20.0 || options["clients"] != nil) {
			t.Errorf("options %v", options)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestHelpHasExamples(t *testing.T) {
	for _, args := range [][]string{{}, {"stress"}, {"stress", "readonly"}, {"run"}, {"profile"}, {"shootout"}, {"locking"}} {
		got := runBench(t, t.Context(), append(args, "--help")...)
		if got.status != OK {
			t.Errorf("%v: status %d", args, got.status)
		}
		for _, want := range []string{"Examples:", "go run ./bench " + strings.Join(args, " "), "--duration", "--seed", "--json", "--plot"} {
			if !strings.Contains(got.out, want) {
				t.Errorf("the help of %v has no %q", args, want)
			}
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]share{"0": 0, "1": 1, "0.25": 0.25, "90%": 0.9, " 100% ": 1, "0%": 0} {
		var s share
		if err := s.Set(text); err != nil || s != want {
			t.Errorf("Set(%q) = %v, %v, want %v", text, float64(s), err, float64(want))
		}
		var again share
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%q is written as %q, which is read as %v, %v", text, s.String(), float64(again), err)
		}
	}
}

func TestPlainOptions(t *testing.T) {
	for text, want := range map[string]any{
		"5": json.Number("5"), "0.5": json.Number("0.5"), "10s": "10s", "uniform": "uniform", "": "", "true": "true", "90%": "90%",
	} {
		if got := plain(text); got != want {
			t.Errorf("plain(%q) = %#v, want %#v", text, got, want)
		}
	}
}

func TestReadOnlyVerdict(t *testing.T) {
	good := txnmgr.Stats{TransactionObjects: 64 + 11, ExclusiveListLocks: 10}
	for want, spoil := range map[string]func(*workload.ReadOnlyResult){
		"":                               func(*workload.ReadOnlyResult) {},
		"transaction objects used again": func(r *workload.ReadOnlyResult) { r.End.TransactionObjects++ },
		"few exclusive list locks": func(r *workload.ReadOnlyResult) {
			r.Warm.ExclusiveListLocks++
			r.End.ExclusiveListLocks++
		},
		"no exclusive list lock after the warm-up": func(r *workload.ReadOnlyResult) { r.Warm.ExclusiveListLocks-- },
	} {
		res := workload.ReadOnlyResult{Warm: good, End: good}
		spoil(&res)
		found := judgeReadOnly(res, 64)
		if want == "" && len(found) != 0 || want != "" && (len(found) != 1 || found[0].Name != want) {
			t.Errorf("want %q, found %+v", want, found)
		}
	}
	if n := growths(64); n > usualLocks {
		t.Errorf("64 goroutines need %d growths, more than the %d allowed", n, usualLocks)
	}
}

func TestVerdictNamesEveryViolation(t *testing.T) {
	violations := []stress.Violation{
		{Invariant: "I4", Name: "real time", Count: 7, Details: []string{"first", "second"}},
		{Name: "scan order", Count: 1},
	}
	if got, want := names(violations), "I4 real time, scan order"; got != want {
		t.Errorf("named %q, want %q", got, want)
	}
	if total(violations) != 8 || judge(violations) != broken || judge(nil) != passed {
		t.Errorf("total %d, verdicts %s and %s", total(violations), judge(violations), judge(nil))
	}
}
