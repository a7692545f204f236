package profiles

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Report tells what stands out in one profile.
type Report struct {
	Title string `json:"title"` // what the profile shows
	Path  string `json:"path"`  // the file, for go tool pprof

	// Unit is "nanoseconds" or "bytes", of the Total of all samples that count
	// and of the Top functions.
	Unit  string  `json:"unit"`
	Total int64   `json:"total"`
	Top   []Entry `json:"top"`
}

// Entry is one function of a profile.
type Entry struct {
	Function string `json:"function"`
	Flat     int64  `json:"flat"` // in the function itself
	Cum      int64  `json:"cum"`  // and in what it calls
}

// view is one way to look at one of the runtime's profiles.
type view struct {
	title   string
	profile string // file name and name in runtime/pprof
	sample  string // sample type
	counts  period
	frames  attribution
}

// period says from when on a profile counts.
type period int

const (
	sinceStart period = iota
	atEnd
)

// attribution says which function of a stack a sample belongs to.
type attribution int

const (
	// innermost is where the processor was, or who allocated.
	innermost attribution = iota
	// waiting is who in the library had to wait. That a goroutine of the bench
	// waits for its stopwatch is no news.
	waiting
)

// views lists what is reported; the CPU profile is the first.
func views() []view {
	return []view{
		{"CPU time", "cpu", "cpu", sinceStart, innermost},
		{"memory allocated during the run", "heap", "alloc_space", sinceStart, innermost},
		{"memory in use at the end", "heap", "inuse_space", atEnd, innermost},
		{"time lost to held mutexes, in the library", "mutex", "delay", sinceStart, waiting},
		{"time spent waiting, in the library", "block", "delay", sinceStart, waiting},
	}
}

// library is the prefix of the functions that are measured; those of the bench
// command itself begin with library and bench.
const (
	library = "github.com/tierceldb/tiercel/"
	bench   = library + "bench/"
)

// newReport adds up a profile by function.
func newReport(v view, p *profile.Profile, path string, n int) Report {
	r := Report{Title: v.title, Path: path, Top: []Entry{}}
	value := sampleIndex(p, v.sample)
	if value < 0 {
		return r
	}
	r.Unit = p.SampleType[value].Unit
	byName := map[string]*Entry{}
	for _, s := range p.Sample {
		if stack := v.frames.stack(s); len(stack) > 0 {
			r.Total += s.Value[value]
			addStack(byName, stack, s.Value[value])
		}
	}
	r.Top = largest(byName, n)
	return r
}

func sampleIndex(p *profile.Profile, name string) int {
	return slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == name })
}

// stack returns the functions of a sample, innermost first, from the one that
// it belongs to; nil if it does not count.
func (a attribution) stack(s *profile.Sample) []string {
	names := functions(s)
	switch {
	case slices.ContainsFunc(names, inProfiler):
		return nil
	case a == innermost:
		return names
	case !slices.ContainsFunc(names, inLibrary):
		return nil
	}
	return names[slices.IndexFunc(names, inLibrary):]
}

func functions(s *profile.Sample) []string {
	var names []string
	for _, loc := range s.Location {
		for _, line := range loc.Line {
			if line.Function != nil {
				names = append(names, withoutShapes(line.Function.Name))
			}
		}
	}
	return names
}

// withoutShapes replaces the type arguments of a generic function by dots. The
// compiler writes them out to the last field, over several hundred characters.
func withoutShapes(name string) string {
	first, last := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if first < 0 || last < first {
		return name
	}
	return name[:first] + "[...]" + name[last+1:]
}

func inLibrary(name string) bool {
	return strings.HasPrefix(name, library) && !strings.HasPrefix(name, bench)
}

// inProfiler recognises the work of recording itself.
func inProfiler(name string) bool { return strings.HasPrefix(name, "runtime/pprof.") }

// addStack counts a sample once for each function on its stack, however often
// a recursive function is on it.
func addStack(byName map[string]*Entry, stack []string, value int64) {
	for i, name := range stack {
		if slices.Contains(stack[:i], name) {
			continue
		}
		e := byName[name]
		if e == nil {
			e = &Entry{Function: name}
			byName[name] = e
		}
		e.Cum += value
		if i == 0 {
			e.Flat += value
		}
	}
}

// largest returns the n entries with the most of their own.
func largest(byName map[string]*Entry, n int) []Entry {
	entries := []Entry{}
	for _, e := range byName {
		if e.Flat > 0 {
			entries = append(entries, *e)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Flat, a.Flat), cmp.Compare(a.Function, b.Function))
	})
	return entries[:min(n, len(entries))]
}
