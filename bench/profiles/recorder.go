// Package profiles records the runtime's own profiles around a piece of work
// and tells which functions stand out in them.
package profiles

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"

	"github.com/google/pprof/profile"
)

// Sampling rates: dense enough for a run of a few seconds, sparse enough to
// leave its figures alone.
const (
	mutexFraction = 10     // one contention event in so many is kept
	blockRate     = 10_000 // nanoseconds of waiting for one sample, on average
)

// Recorder is a recording in progress. There is only one at a time: the
// runtime has one CPU profiler.
type Recorder struct {
	dir     string
	cpu     *os.File
	mutexes int // the rate that was set before
	base    map[string]*profile.Profile
}

// Start begins to record into dir, which must exist.
func Start(dir string) (*Recorder, error) {
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return nil, err
	}
	r := &Recorder{dir: dir, cpu: cpu, base: map[string]*profile.Profile{}}
	runtime.GC() // a heap profile shows the state at the last collection
	for _, name := range []string{"heap", "mutex", "block"} {
		if r.base[name], err = lookup(name); err != nil {
			return nil, errors.Join(err, cpu.Close())
		}
	}
	r.mutexes = runtime.SetMutexProfileFraction(mutexFraction)
	runtime.SetBlockProfileRate(blockRate)
	if err := pprof.StartCPUProfile(cpu); err != nil {
		r.stopRates()
		return nil, errors.Join(err, cpu.Close())
	}
	return r, nil
}

func (r *Recorder) stopRates() {
	runtime.SetMutexProfileFraction(r.mutexes)
	runtime.SetBlockProfileRate(0)
}

// Stop ends the recording, writes all files and returns what stands out in
// each, at most n entries a profile. Only what happened since Start counts.
func (r *Recorder) Stop(n int) ([]Report, error) {
	pprof.StopCPUProfile()
	r.stopRates()
	if err := r.cpu.Close(); err != nil {
		return nil, err
	}
	runtime.GC()
	cpu, err := read(r.cpu.Name())
	if err != nil {
		return nil, err
	}
	reports := []Report{newReport(views()[0], cpu, r.cpu.Name(), n)}
	for _, v := range views()[1:] {
		report, err := r.delta(v, n)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// delta writes one profile of the runtime and reports what was added to it.
func (r *Recorder) delta(v view, n int) (Report, error) {
	path := filepath.Join(r.dir, v.profile+".pprof")
	now, err := lookup(v.profile)
	if err != nil {
		return Report{}, err
	}
	if err := write(path, now); err != nil {
		return Report{}, err
	}
	if v.counts == sinceStart {
		before := r.base[v.profile].Copy()
		before.Scale(-1)
		if now, err = profile.Merge([]*profile.Profile{before, now}); err != nil {
			return Report{}, err
		}
	}
	return newReport(v, now, path, n), nil
}

// lookup takes one of the runtime's profiles as it is now.
func lookup(name string) (*profile.Profile, error) {
	var buf bytes.Buffer
	if err := pprof.Lookup(name).WriteTo(&buf, 0); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	return profile.Parse(&buf)
}

func read(path string) (*profile.Profile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := profile.ParseData(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return p, nil
}

func write(path string, p *profile.Profile) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(p.Write(file), file.Close())
}
