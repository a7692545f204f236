package command

import (
	"time"

	"github.com/tierceldb/tiercel/bench/compare/beside"
	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/compare/memory"
	"github.com/tierceldb/tiercel/bench/compare/recovery"
	"github.com/tierceldb/tiercel/bench/compare/selects"
	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/workload"
)

// result is the JSON of a run. Lists of workloads that did not run are empty.
type result struct {
	Command     string         `json:"command"`
	Interrupted bool           `json:"interrupted"`
	Seed        uint64         `json:"seed"`
	Options     map[string]any `json:"options"`
	report.Environment

	Commits   []commitFigures   `json:"commits"`
	Sustained []commitFigures   `json:"sustained"`
	Selects   []selectFigures   `json:"selects"`
	Memory    []memoryFigures   `json:"memory"`
	Beside    []besideFigures   `json:"beside"`
	Recovery  []recoveryFigures `json:"recovery"`
	Goals     []report.Goal     `json:"goals"`
}

func newResult(s *settings) *result {
	return &result{
		Command: "compare", Seed: s.seed, Options: s.options(), Environment: report.ThisEnvironment(),
		Commits: []commitFigures{}, Sustained: []commitFigures{}, Selects: []selectFigures{},
		Memory: []memoryFigures{}, Beside: []besideFigures{}, Recovery: []recoveryFigures{}, Goals: []report.Goal{},
	}
}

type commitFigures struct {
	Op           string  `json:"op"`
	Clients      int     `json:"clients"`
	Store        string  `json:"store"`
	PerSecond    float64 `json:"transactions_per_second"`
	Mean         float64 `json:"mean_us"`
	P99          float64 `json:"p99_us"`
	Transactions int     `json:"transactions"`
	Rounds       int     `json:"rounds"`
}

func figuresOf(r commits.Result) []commitFigures {
	all := []commitFigures{}
	for _, f := range r.All() {
		all = append(all, commitFigures{
			f.Op.String(), f.Clients, f.Store, f.PerSecond, microseconds(f.Mean), microseconds(f.P99), f.Transactions, f.Rounds,
		})
	}
	return all
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func (r *result) addCommits(of commits.Result) {
	r.Commits = figuresOf(of)
	r.Goals = append(r.Goals, of.BurstGoals()...)
}

func (r *result) addSustained(of commits.Result) {
	r.Sustained = figuresOf(of)
	r.Goals = append(r.Goals, of.SustainedGoals()...)
}

type selectFigures struct {
	Bytes        int     `json:"bytes"`
	Distribution string  `json:"distribution"`
	Store        string  `json:"store"`
	PerSecond    float64 `json:"transactions_per_second"`
}

type memoryFigures struct {
	Bytes int    `json:"bytes"`
	Store string `json:"store"`
	memory.Live
}

func (r *result) addSelects(of selects.Result) {
	for _, size := range of.Options.Sizes {
		for _, c := range of.Options.Contestants {
			for _, d := range workload.Distributions() {
				if perSecond, ran := of.PerSecond(selects.Setup{Size: size, Distribution: d, Store: c.Name}); ran {
					r.Selects = append(r.Selects, selectFigures{size, d.String(), c.Name, perSecond})
				}
			}
			if live, ran := of.Memory(selects.Held{Size: size, Store: c.Name}); ran {
				r.Memory = append(r.Memory, memoryFigures{size, c.Name, live})
			}
		}
	}
	r.Goals = append(r.Goals, of.Goals()...)
}

type besideFigures struct {
	Store        string  `json:"store"`
	Company      string  `json:"readers"`
	PerSecond    float64 `json:"reads_per_second"`
	PerCPUSecond float64 `json:"reads_per_cpu_second"`
	P99          float64 `json:"p99_us"`
	P999         float64 `json:"p99.9_us"`
	Longest      float64 `json:"longest_us"`
	Commits      float64 `json:"commits_per_second"`
}

func (r *result) addBeside(of beside.Result) {
	for _, c := range of.Options.Contestants {
		for _, company := range beside.Companies() {
			if f, ran := of.Figures(beside.Setup{Store: c.Name, Company: company}); ran {
				r.Beside = append(r.Beside, besideFigures{
					c.Name, company.String(), f.PerSecond, f.PerCPUSecond,
					microseconds(f.P99), microseconds(f.P999), microseconds(f.Longest), f.Commits,
				})
			}
		}
	}
	r.Goals = append(r.Goals, of.Goals()...)
}

type recoveryFigures struct {
	Bytes        int64   `json:"bytes"`
	Transactions int64   `json:"transactions"`
	Seconds      float64 `json:"seconds"`
	PerSecond    float64 `json:"transactions_per_second"`
	Reports      int     `json:"progress_reports"`
}

func (r *result) addRecovery(of recovery.Result) {
	if s, ran := of.Median(); ran {
		r.Recovery = append(r.Recovery, recoveryFigures{s.Bytes, s.Transactions, s.Took.Seconds(), s.PerSecond(), s.Reports})
	}
	r.Goals = append(r.Goals, of.Goals()...)
}
