package script

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

// run runs the only section of a script on a locking store.
func run(t *testing.T, text string) (got string, err error) {
	t.Helper()
	f, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(*testing.T) {
		f.Sections[0], err = f.Sections[0].Run(newLockedStore(), synctest.Wait)
	})
	return f.String(), err
}

// TestRender runs a script that uses every step, waits included, and must come
// out as it stands.
func TestRender(t *testing.T) {
	text, err := os.ReadFile("testdata/every-step.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, err := run(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	if got != string(text) {
		t.Errorf("got:\n%s\nwant:\n%s", got, text)
	}
}

// TestWrongOutcomes: whatever a script expects, the run writes what happened.
func TestWrongOutcomes(t *testing.T) {
	text, err := os.ReadFile("testdata/every-step.txt")
	if err != nil {
		t.Fatal(err)
	}
	var stale []string
	for line := range strings.Lines(string(text)) {
		if step, _, found := strings.Cut(line, arrow); found && !strings.HasPrefix(line, completion) {
			_, comment, commented := strings.Cut(line, remark)
			line = step + arrow + "nonsense\n"
			if commented {
				line = step + arrow + "nonsense" + remark + comment
			}
		}
		stale = append(stale, line)
	}
	got, err := run(t, strings.Join(stale, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got != string(text) {
		t.Errorf("got:\n%s\nwant:\n%s", got, text)
	}
}

func TestSenselessScripts(t *testing.T) {
	for name, c := range map[string]struct{ steps, want string }{
		"unknown step":       {"t1 begin x\nt1 jump", `line 3: unknown step "jump"`},
		"store step by txn":  {"t1 dump", `line 2: unknown step "dump"`},
		"no step":            {"t1", "line 2: transaction t1 does nothing"},
		"too few words":      {"t1 begin x\nt1 put k", "line 3: put takes 2 to 2 words, not 1"},
		"too many words":     {"t1 begin x\nt1 commit now", "line 3: commit takes 0 to 0 words, not 1"},
		"not begun":          {"t1 get k", "line 2: t1 get k: t1 must begin once, and first"},
		"begun twice":        {"t1 begin x\nt1 begin x", "line 3: t1 begin x: t1 must begin once, and first"},
		"no pair":            {"load k", `line 2: load: "k" is not k=v`},
		"sleeps for what":    {"sleep long", `line 2: time: invalid duration "long"`},
		"begins how":         {"t1 begin x y", `line 2: "y" is not timeout and a duration`},
		"cancels nobody":     {"cancel t1", "line 2: cancel t1: it has not begun"},
		"cancels nothing":    {"t1 begin x\ncancel t1", "line 3: cancel t1: it neither waits nor was begun cancellable"},
		"commits from afar":  {"commit", `line 2: unknown step "commit"`},
		"waits, takes steps": {"t1 begin x\nt2 begin x\nt1 put k v\nt2 put k v\nt2 get k\nt1 rollback", `line 6: t2 get k: t2 still waits in "t2 put k v"`},
		"waits for ever":     {"t1 begin x\nt2 begin x\nt1 put k v\nt2 put k v", `t2 waits for ever in "t2 put k v"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, "== s\n"+c.steps+"\n")
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestSteplessFiles(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "t1 begin x\n== s\n"} {
		if _, err := Parse(text); !errors.Is(err, ErrNoSection) {
			t.Errorf("Parse(%q): error %v, want %v", text, err, ErrNoSection)
		}
	}
}

func TestScans(t *testing.T) {
	for _, c := range []struct {
		verb, args string
		want       scan
		fails      bool
	}{
		{"scan", "", scan{}, false},
		{"scan", "a", scan{Range: Range{Lo: "a"}}, false},
		{"scan", "a c", scan{Range: Range{Lo: "a", Hi: "c"}}, false},
		{"scandesc", "a c limit 2", scan{Range{"a", "c", Descending}, 2}, false},
		{"scan", "limit 1", scan{limit: 1}, false},
		{"scan", "a b c", scan{}, true},
		{"scan", "limit 0", scan{}, true},
		{"scan", "limit x", scan{}, true},
	} {
		got, err := parseScan(c.verb, strings.Fields(c.args))
		if (err != nil) != c.fails || err == nil && got != c.want {
			t.Errorf("%s %s: %+v, %v", c.verb, c.args, got, err)
		}
	}
}
