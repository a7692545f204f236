package command

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/report"
)

// The names of the workloads.
const (
	commitsLoad   = "commits"
	sustainedLoad = "sustained"
	selectsLoad   = "selects"
	besideLoad    = "beside"
	recoveryLoad  = "recovery"
)

func workloads() []string {
	return []string{commitsLoad, sustainedLoad, selectsLoad, besideLoad, recoveryLoad}
}

func contestants() (names []string) {
	for _, c := range peer.All() {
		names = append(names, c.Name)
	}
	return names
}

// toOutput is the value of --json that stands for standard output.
const toOutput = "-"

// settings are the flags.
type settings struct {
	workloads   []string
	contestants []string
	clients     []int
	duration    time.Duration
	rounds      int
	sustained   time.Duration
	cache       size
	log         size
	replay      size
	objects     int
	readers     int
	dir         string
	quick       bool
	seed        uint64
	json, plot  string
}

func (s *settings) register(flags *pflag.FlagSet) {
	s.cache, s.log, s.replay = 32<<20, 1<<30, 256<<20
	flags.SortFlags = false
	flags.StringSliceVar(&s.workloads, "workloads", workloads(), "what to measure")
	flags.StringSliceVar(&s.contestants, "contestants", contestants(), "which stores to measure")
	flags.IntSliceVar(&s.clients, "clients", []int{1, 4, 16, 64}, "how many commit at the same time, one after the other")
	flags.DurationVar(&s.duration, "duration", 500*time.Millisecond, "how long each measurement takes")
	flags.IntVar(&s.rounds, "rounds", 3, "how often each measurement is made")
	flags.DurationVar(&s.sustained, "sustained", 15*time.Second, "how long each sustained measurement takes, once")
	flags.Var(&s.cache, "cache", "memory for caches in selects; the data is 10 times as large")
	flags.Var(&s.log, "log", "how long Tiercel's log may become in a burst")
	flags.Var(&s.replay, "replay", "how much is committed before the kill in recovery")
	flags.IntVar(&s.objects, "objects", 12_000, "objects in the fixed set that is updated")
	flags.IntVar(&s.readers, "readers", runtime.GOMAXPROCS(0), "how many read at the same time")
	flags.StringVar(&s.dir, "dir", os.TempDir(), "a `folder` on the disk to measure; what is made there is removed")
	flags.BoolVar(&s.quick, "quick", false, "measure little of everything, to see that it works; there are no goals then, for the figures mean nothing")
	flags.Uint64Var(&s.seed, "seed", 0, "seed of every random choice (default: a new one, which is printed)")
	flags.StringVar(&s.json, "json", "", "write the result as JSON to this `file`; - is standard output, and all else goes to standard error then")
	flags.StringVar(&s.plot, "plot", "", "draw commits per second over clients to this `file` (.png or .svg)")
}

// complete fills in what was not given, and checks the rest.
func (s *settings) complete(flags *pflag.FlagSet) error {
	if s.quick {
		s.hurry(flags)
	}
	if !flags.Changed("seed") {
		s.seed = rand.Uint64()
	}
	if err := known("workloads", s.workloads, workloads()); err != nil {
		return err
	}
	if err := known("contestants", s.contestants, contestants()); err != nil {
		return err
	}
	for _, n := range s.clients {
		if n < 1 || n > 10_000 {
			return fmt.Errorf("--clients %d: give numbers from 1 to 10,000", n)
		}
	}
	if s.rounds < 1 || s.readers < 1 || s.objects < 1 {
		return fmt.Errorf("--rounds %d, --readers %d, --objects %d: give numbers from 1 up", s.rounds, s.readers, s.objects)
	}
	if s.duration <= 0 || s.sustained <= 0 {
		return fmt.Errorf("--duration %v, --sustained %v: give durations above 0", s.duration, s.sustained)
	}
	if s.plot != "" {
		if _, err := report.PlotFormat(s.plot); err != nil {
			return fmt.Errorf("--plot: %w", err)
		}
	}
	return nil
}

// hurry shortens what was not given.
func (s *settings) hurry(flags *pflag.FlagSet) {
	for name, value := range map[string]string{
		"clients": "1,64", "duration": "50ms", "rounds": "1", "sustained": "200ms",
		"cache": "1MiB", "log": "32MiB", "replay": "16MiB", "objects": "1200",
	} {
		if f := flags.Lookup(name); !f.Changed {
			if slice, is := f.Value.(pflag.SliceValue); is {
				slice.Replace(strings.Split(value, ","))
			} else {
				f.Value.Set(value)
			}
		}
	}
}

func known(flag string, names, all []string) error {
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("--%s %s: choose some of %s", flag, name, strings.Join(all, ", "))
		}
	}
	return nil
}

func (s *settings) wants(workload string) bool { return slices.Contains(s.workloads, workload) }

// stores returns the contestants that were chosen, of those that are given, or of
// all.
func (s *settings) stores(of ...string) (chosen []peer.Contestant) {
	for _, c := range peer.All() {
		if slices.Contains(s.contestants, c.Name) && (len(of) == 0 || slices.Contains(of, c.Name)) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// options are what JSON says of the settings.
func (s *settings) options() map[string]any {
	return map[string]any{
		"workloads": s.workloads, "contestants": s.contestants, "clients": s.clients,
		"duration": s.duration.String(), "rounds": s.rounds, "sustained": s.sustained.String(),
		"cache_bytes": int64(s.cache), "log_bytes": int64(s.log), "replay_bytes": int64(s.replay),
		"objects": s.objects, "readers": s.readers, "quick": s.quick,
	}
}
