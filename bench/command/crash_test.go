package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/txnmgr"
)

// asBench makes the test's own program the bench command.
const asBench = "TIERCEL_BENCH_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asBench) == "" {
		os.Exit(m.Run())
	}
	os.Exit(Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// runKilling is runBench with children that this program is.
func runKilling(t *testing.T, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	b := &bench{out: &out, errs: &errs, progress: report.NewProgress(&errs), open: txnmgr.Open}
	b.startChild = func(load string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "stress", "child", load)
		cmd.Env = append(os.Environ(), asBench+"=1")
		return cmd
	}
	status := b.main(t.Context(), args)
	t.Logf("bench %s: status %d\n%s%s", strings.Join(args, " "), status, out.String(), errs.String())
	return ran{status, out.String(), errs.String()}
}

func TestCrash(t *testing.T) {
	dir := t.TempDir()
	file, store := filepath.Join(dir, "r.json"), filepath.Join(dir, "store")
	got := runKilling(t, "stress", "--dir", store, "--crash", "2", "--goroutines", "4", "--check-keys", "50",
		"--json", file, "--plot", filepath.Join(dir, "r.svg"), "--seed", "12345")
	if got.status != OK || !strings.HasPrefix(lastLine(got.out), "verdict: OK: killed 2 times") {
		t.Errorf("status %d, last line %q", got.status, lastLine(got.out))
	}
	result := readJSON(t, file)
	checkHeader(t, result)
	for _, name := range []string{"crashes", "commits_acknowledged", "transactions_checked", "edges"} {
		if n, is := result[name].(json.Number); !is || n == "0" {
			t.Errorf("%s is %v, want a number above 0", name, result[name])
		}
	}
	if again := runKilling(t, "stress", "--dir", store, "--crash", "1"); again.status != Usage {
		t.Errorf("in a folder with a store: status %d", again.status)
	}
}

// TestCrashOfAChildThatCannotGoOn gives the children a program that is none.
func TestCrashOfAChildThatCannotGoOn(t *testing.T) {
	var out, errs bytes.Buffer
	b := &bench{out: &out, errs: &errs, progress: report.NewProgress(&errs), open: txnmgr.Open}
	b.startChild = func(string) *exec.Cmd { return exec.Command(os.Args[0], "-test.nosuchflag") }
	args := []string{"stress", "--dir", filepath.Join(t.TempDir(), "store"), "--crash", "5", "--seed", "3"}
	if status := b.main(t.Context(), args); status != Failed || !strings.Contains(out.String(), "child ended by itself") {
		t.Errorf("status %d\n%s%s", status, out.String(), errs.String())
	}
}

func TestCrashFlags(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"stress", "--crash", "3"},
		{"stress", "--dir", dir},
		{"stress", "--dir", dir, "--crash", "0"},
		{"stress", "--dir", dir, "--crash", "3", "--check", "snapshot"},
		{"stress", "--dir", dir, "--crash", "9000", "--goroutines", "64"},
		{"stress", "child", "nothing"},
	} {
		if got := runBench(t, t.Context(), args...); got.status != Usage {
			t.Errorf("%q: status %d, want %d", args, got.status, Usage)
		}
	}
}
