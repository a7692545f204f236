package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"0":           Count(0),
		"999":         Count(999),
		"1,000":       Count(uint64(1000)),
		"-12,345,678": Count(int64(-12345678)),
		"1.50/s":      Rate(1.5),
		"1,234/s":     Rate(1233.6),
		"1.23µs":      Short(1234),
		"45.7ms":      Short(45_678 * time.Microsecond),
		"2m3s":        Short(123_456 * time.Millisecond),
		"17ns":        Short(17),
		"0.25":        PerOp(1, 4),
		"-":           PerOp(1, 0),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTableAlignsItsColumns(t *testing.T) {
	table := Table{Heading: []string{"what", "µs"}}
	table.Add("a", "1")
	table.Add("longer", "12,345")
	var out bytes.Buffer
	table.Write(&out)
	want := "  what        µs\n  a            1\n  longer  12,345\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestProgressElsewhereThanOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out)
	for i := range 1000 {
		p.Show("step %d", i)
	}
	p.Clear()
	if got := out.String(); got != "step 0\n" {
		t.Errorf("wrote %q, want only the first line of a burst", got)
	}
}

func TestProgressIsRedrawnOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{w: &out, style: redrawn}
	p.Show("a long line")
	p.Show("short")
	p.Clear()
	if want := "\ra long line\rshort      \r     \r"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
	p.Show("%s", strings.Repeat("x", 500))
	if p.shown != lineWidth {
		t.Errorf("%d characters shown, which wraps", p.shown)
	}
}

func TestTargetAppearsWhenComplete(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	target, err := OpenTarget(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the old result became %q before there was a new one", got)
	}
	if err := target.Write(func(w io.Writer) error { return WriteJSON(w, map[string]int{"n": 1}) }); err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	data, _ := os.ReadFile(path)
	if err := json.Unmarshal(data, &got); err != nil || got["n"] != 1 {
		t.Errorf("read back %q (%v)", data, err)
	}
	onlyFile(t, path)
}

func TestTargetLeavesNothingBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	for _, end := range []func(*Target){
		(*Target).Abandon,
		func(target *Target) {
			fails := errors.New("no")
			if err := target.Write(func(io.Writer) error { return fails }); !errors.Is(err, fails) {
				t.Errorf("Write = %v, want %v", err, fails)
			}
		},
	} {
		target, err := OpenTarget(path)
		if err != nil {
			t.Fatal(err)
		}
		end(target)
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 0 {
			t.Errorf("left behind: %v", entries)
		}
	}
}

func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("the folder holds %v, want only %s", entries, path)
	}
}

func TestTargetRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "no", "such", "folder.json"), filepath.Join(dir, "x\x00")} {
		if target, err := OpenTarget(path); err == nil {
			target.Abandon()
			t.Errorf("OpenTarget(%q) succeeded", path)
		}
	}
}

func TestTargetWritesToADevice(t *testing.T) {
	target, err := OpenTarget(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Write(func(w io.Writer) error { return WriteJSON(w, 1) }); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s was replaced", os.DevNull)
	}
}

func TestChartFormats(t *testing.T) {
	chart := Chart{
		Title: "t", XLabel: "x", YLabel: "y", XScale: Logarithmic, YScale: Logarithmic,
		XTicks: []int{1, 50, 100},
		Lines: []Line{
			{Name: "a", Points: []Point{{1, 2}, {10, 3}, {100, 1}}, Color: 3, Stroke: Dashed}, {Name: "empty"},
			{Name: "b", Points: []Point{{1, 2}}},
		},
	}
	for format, magic := range map[string]string{"png": "\x89PNG", "svg": "<?xml"} {
		var out bytes.Buffer
		if err := chart.Write(&out, format); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if !strings.HasPrefix(out.String(), magic) {
			t.Errorf("%s begins with %q", format, out.Bytes()[:8])
		}
	}
	for _, empty := range []Chart{{}, {XScale: Logarithmic, YScale: Logarithmic, XTicks: []int{1, 2}, Lines: []Line{{Name: "empty"}}}} {
		if err := empty.Write(io.Discard, "png"); err != nil {
			t.Errorf("an empty chart: %v", err)
		}
	}
}

func TestPlotFormat(t *testing.T) {
	for path, want := range map[string]string{"a.png": "png", "B.SVG": "svg", "dir.png/x.svg": "svg"} {
		if got, err := PlotFormat(path); err != nil || got != want {
			t.Errorf("PlotFormat(%q) = %q, %v", path, got, err)
		}
	}
	for _, path := range []string{"", "a", "a.jpg", "png"} {
		if _, err := PlotFormat(path); err == nil {
			t.Errorf("PlotFormat(%q) succeeded", path)
		}
	}
}

func TestRoundTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 4_300_000, "0 1,000,000 2,000,000 3,000,000 4,000,000"},
		{0, 10, "0 2 4 6 8 10"},
		{0.25, 2.1, "0.4 0.6 0.8 1 1.2 1.4 1.6 1.8 2"},
		{0, 1, "0 0.2 0.4 0.6 0.8 1"},
		{-30, 30, "-30 -20 -10 0 10 20 30"},
	} {
		var labels []string
		for _, tick := range roundTicks(c.lo, c.hi) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("from %v to %v: %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}

func TestPowerTicks(t *testing.T) {
	var labels []string
	for _, tick := range powerTicks(0.05, 2_000_000) {
		if tick.Label != "" {
			labels = append(labels, tick.Label)
		}
	}
	if got, want := strings.Join(labels, " "), "0.1 1 10 100 1,000 10,000 100,000 1,000,000"; !strings.Contains(got, want) {
		t.Errorf("labelled %s, want %s", got, want)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want Spread
	}{
		{[]float64{7}, Spread{7, 7, 7, 7}},
		{[]float64{3, 1}, Spread{1, 2, 2, 3}},
		{[]float64{9, 1, 2}, Spread{1, 4, 2, 9}},
		{[]float64{4, 1, 3, 2}, Spread{1, 2.5, 2.5, 4}},
	} {
		if got := NewSpread(c.of); got != c.want {
			t.Errorf("the spread of %v is %+v, want %+v", c.of, got, c.want)
		}
	}
	if c := []float64{3, 1, 2}; Median(c) != 2 || c[0] != 3 || Median(nil) != 0 {
		t.Errorf("the median of %v is %v, that of nothing %v", c, Median(c), Median(nil))
	}
	if got := MedianOf([]string{"abc", "", "z"}, func(s string) float64 { return float64(len(s)) }); got != 1 {
		t.Errorf("the median length is %v, want 1", got)
	}
}

func TestGoals(t *testing.T) {
	var out bytes.Buffer
	WriteGoals(&out, nil)
	if out.Len() > 0 {
		t.Errorf("no goals are written as %q", out.String())
	}
	WriteGoals(&out, []Goal{
		NewGoal("gain", AtLeast, 30, 60), NewGoal("gain", AtLeast, 30, 27),
		NewGoal("cost", AtMost, 1.05, 1.05), NewGoal("cost", AtMost, 0.6, 0.75),
	})
	want := `  goal            limit  measured               
  gain  at least     30    60.000        reached
  gain  at least     30    27.000  missed by 10.0%
  cost   at most   1.05     1.050        reached
  cost   at most    0.6     0.750  missed by 25.0%
`
	if squeezed(out.String()) != squeezed(want) {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// squeezed is text without the spaces that align it.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }
