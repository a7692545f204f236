package profiles

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// burn keeps the processor busy in a function that can be recognised.
//
//go:noinline
func burn(until time.Time) (n uint64) {
	for time.Now().Before(until) {
		for range 10_000 {
			n = n*6364136223846793005 + 1442695040888963407
		}
	}
	return n
}

// hoard allocates in a function that can be recognised.
//
//go:noinline
func hoard() [][]byte {
	var all [][]byte
	for range 1000 {
		all = append(all, make([]byte, 64<<10))
	}
	return all
}

func TestRecorderFindsWhatWasDone(t *testing.T) {
	dir := t.TempDir()
	r, err := Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	burn(time.Now().Add(300 * time.Millisecond))
	kept := hoard()
	reports, err := r.Stop(5)
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != len(views()) || len(kept) == 0 {
		t.Fatalf("%d reports, want %d", len(reports), len(views()))
	}
	for i, name := range map[int]string{0: "burn", 1: "hoard"} {
		if !mentions(reports[i], name) {
			t.Errorf("%s: no %s in %+v", reports[i].Title, name, reports[i].Top)
		}
	}
	for _, name := range []string{"cpu", "heap", "mutex", "block"} {
		if _, err := read(filepath.Join(dir, name+".pprof")); err != nil {
			t.Error(err)
		}
	}
}

func mentions(r Report, function string) bool {
	return slices.ContainsFunc(r.Top, func(e Entry) bool { return filepath.Ext(e.Function) == "."+function })
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	if _, err := Start(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("Start in an absent folder returned nil")
	}
	r, err := Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.TempDir()); err == nil {
		t.Error("a second recording began beside the first")
	}
	if _, err := r.Stop(1); err != nil {
		t.Error(err)
	}
}

func TestStopSaysWhatIsWrong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(dir)
	if _, err := r.Stop(1); err == nil {
		t.Error("Stop returned nil although the folder is gone")
	}
}

// sample builds a sample from a stack, innermost first.
func sample(value int64, stack ...string) *profile.Sample {
	s := &profile.Sample{Value: []int64{value}}
	for _, name := range stack {
		line := profile.Line{Function: &profile.Function{Name: name}}
		s.Location = append(s.Location, &profile.Location{Line: []profile.Line{line}})
	}
	return s
}

func TestTopByFunction(t *testing.T) {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "cpu", Unit: "nanoseconds"}},
		Sample: []*profile.Sample{
			sample(10, "a", "b", "a"), sample(5, "b"), sample(1, "c", "b"),
		},
	}
	got := newReport(view{sample: "cpu"}, p, "p", 2)
	want := []Entry{{"a", 10, 10}, {"b", 5, 16}}
	if got.Total != 16 || !slices.Equal(got.Top, want) {
		t.Errorf("got %+v, want %v of 16", got, want)
	}
	if none := newReport(view{sample: "absent"}, p, "p", 2); len(none.Top) != 0 || none.Top == nil {
		t.Errorf("an absent sample type gave %+v", none)
	}
}

func TestNamesOfGenericFunctions(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.f":                           "a/b.f",
		"a/b.f[go.shape.[]int]":           "a/b.f[...]",
		"a/b.(*T[go.shape.[4]uint8]).get": "a/b.(*T[...]).get",
	} {
		if got := withoutShapes(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
}

func TestWaitingBelongsToTheCallerInTheLibrary(t *testing.T) {
	for _, c := range []struct {
		stack []string
		want  string
	}{
		{[]string{"sync.(*Mutex).Lock", library + "txnmgr.x", bench + "y"}, library + "txnmgr.x"},
		{[]string{"runtime.selectgo", bench + "crew.watch"}, ""},
		{[]string{"sync.(*Mutex).Lock", "other.f", library + "deps.x"}, library + "deps.x"},
		{[]string{"runtime/pprof.StopCPUProfile", library + "deps.x"}, ""},
	} {
		got := ""
		if stack := waiting.stack(sample(1, c.stack...)); len(stack) > 0 {
			got = stack[0]
		}
		if got != c.want {
			t.Errorf("%v belongs to %q, want %q", c.stack, got, c.want)
		}
	}
}
