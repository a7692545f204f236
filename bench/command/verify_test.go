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

	"github.com/tierceldb/tiercel/txnmgr"
)

// aStore makes a store with a few commits, and one transaction that is prepared, as a
// crash leaves it.
func aStore(t *testing.T) (left string) {
	t.Helper()
	dir, left := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "left")
	m, err := txnmgr.Open(t.Context(), txnmgr.Options{Dir: dir, LogBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		if err := m.Update(t.Context(), func(tx *txnmgr.Txn) error { return tx.Put([]byte(key), []byte(key)) }); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := m.Begin(t.Context(), txnmgr.WithLabel("transfer"))
	if err == nil {
		err = tx.Put([]byte("d"), nil)
	}
	if err == nil {
		err = tx.Prepare(t.Context(), "order 17")
	}
	if err == nil {
		err = os.CopyFS(left, os.DirFS(dir))
	}
	if err = errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	return left
}

func TestVerifyAndStats(t *testing.T) {
	dir := aStore(t)
	for _, name := range []string{"verify", "stats"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "r.json")
			got := runBench(t, t.Context(), name, dir, "--json", file)
			says := "verdict: OK: 3 commits in the log, 0 keys in the object store, which 3 of the commits have yet to reach, "
			if got.status != OK || !strings.HasPrefix(lastLine(got.out), says) {
				t.Errorf("status %d, last line %q", got.status, lastLine(got.out))
			}
			if !strings.Contains(got.out, "  3 commits yet to reach it\n") || !strings.Contains(got.out, "  1 segment, 0 spare\n") {
				t.Error("the figures are not explained")
			}
			if !strings.Contains(got.out, `"order 17" transfer`) {
				t.Error("the prepared transaction is not shown")
			}
			result := readJSON(t, file)
			if result["commits_to_replay"] != json.Number("3") || result["verdict"] != "ok" || result["command"] != "bench "+name {
				t.Errorf("%v", result)
			}
			prepared := result["prepared"].([]any)
			if len(prepared) != 1 || prepared[0].(map[string]any)["xid"] != "order 17" {
				t.Errorf("prepared %v", prepared)
			}
		})
	}
}

// TestVerifySaysWhatIsWrong damages the log.
func TestVerifySaysWhatIsWrong(t *testing.T) {
	dir := aStore(t)
	segments, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("%v, %v", segments, err)
	}
	data, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	copy(data[4096+40:], bytes.Repeat([]byte{0xAA}, 8))
	if err := os.WriteFile(segments[0], data, 0o666); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "r.json")
	got := runBench(t, t.Context(), "verify", dir, "--json", file)
	if got.status != Failed || !strings.HasPrefix(lastLine(got.out), "verdict: FAILED: store is damaged") {
		t.Errorf("status %d, last line %q", got.status, lastLine(got.out))
	}
	if !strings.Contains(got.out, "store is damaged, once\n") {
		t.Error("one problem is not called so")
	}
	if !strings.Contains(got.out, filepath.Base(segments[0])) || !strings.Contains(got.out, "at offset 4096") {
		t.Error("the place is not named")
	}
	if result := readJSON(t, file); result["verdict"] != "failed" || len(result["problems"].([]any)) == 0 {
		t.Errorf("%v", result)
	}
}

// TestKeysThatAreNotKnown are not called none.
func TestKeysThatAreNotKnown(t *testing.T) {
	for want, o := range map[string]txnmgr.ObjectsReport{
		"0 keys in the object store":             {Tables: 1},
		"unknown keys in the object store":       {Tables: 1, Cut: true},
		"7,000 or more keys in the object store": {Tables: 1, Cut: true, Keys: 7000},
		"the object store cannot be read":        {Cut: true},
	} {
		if got := inObjects(txnmgr.VerifyReport{Objects: o}); got != want {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
	}
}

// TestVerifyWithoutObjects has nothing to read of the object store.
func TestVerifyWithoutObjects(t *testing.T) {
	dir := aStore(t)
	manifests, err := filepath.Glob(filepath.Join(dir, "objects", "MANIFEST-*"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("%v, %v", manifests, err)
	}
	for _, name := range manifests {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"verify", "stats"} {
		got := runBench(t, t.Context(), name, dir)
		if got.status != Failed || !strings.Contains(lastLine(got.out), "the object store cannot be read") || strings.Contains(got.out, "keys in it") {
			t.Errorf("%s: status %d, last line %q", name, got.status, lastLine(got.out))
		}
	}
}

func TestVerifyInterrupted(t *testing.T) {
	dir, file := aStore(t), filepath.Join(t.TempDir(), "r.json")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"verify", "stats"} {
		got := runBench(t, ctx, name, dir, "--json", file)
		if got.status != Failed || !strings.Contains(got.errs, dir+": interrupted") {
			t.Errorf("%s: status %d, errors %q", name, got.status, got.errs)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestVerifyWithoutAStore(t *testing.T) {
	open := aStore(t)
	m, err := txnmgr.Open(t.Context(), txnmgr.Options{Dir: open})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	empty, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"verify", "stats"} {
		for _, c := range []struct {
			args   []string
			status int
			says   string
		}{
			{[]string{name, empty}, Failed, "there is no store in it"},
			{[]string{name, filepath.Join(empty, "none")}, Failed, "there is no store in it"},
			{[]string{name, file}, Failed, file + ": not a directory"},
			{[]string{name, open}, Failed, "has the store open"},
			{[]string{name}, Usage, "give the folder"},
			{[]string{name, empty, empty}, Usage, "give the folder"},
		} {
			if got := runBench(t, t.Context(), c.args...); got.status != c.status || !strings.Contains(got.errs, c.says) {
				t.Errorf("%q: status %d, want %d; errors %q, want %q", c.args, got.status, c.status, got.errs, c.says)
			}
		}
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("in the empty folder there is %v now, %v", left, err)
	}
}
