package stress

import (
	"fmt"
	"sync"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/pad"
)

// keepDetails is how many violations of one check are described. A broken
// invariant tends to break a thousand times; the first few tell the most.
const keepDetails = 3

// Violation is a check that failed.
type Violation struct {
	Invariant string   `json:"invariant,omitempty"` // "I4"; empty if the check has no number
	Name      string   `json:"name"`                // of the Check
	Count     uint64   `json:"count"`               // how often
	Details   []string `json:"details"`             // of the first few
}

// Log collects violations from all goroutines of a run.
type Log struct {
	_     pad.Align64
	total atomic.Uint64

	mu    sync.Mutex // protects following field
	found [numChecks]Violation
}

// Add records one violation.
func (l *Log) Add(c Check, format string, args ...any) {
	l.total.Inc()
	l.mu.Lock()
	defer l.mu.Unlock()
	v := &l.found[c]
	v.Count++
	if len(v.Details) < keepDetails {
		v.Details = append(v.Details, fmt.Sprintf(format, args...))
	}
}

// Total returns how many violations were recorded.
func (l *Log) Total() uint64 { return l.total.Load() }

// Violations returns the checks that failed, in the order of their constants.
// It is empty, not nil, when all held.
func (l *Log) Violations() []Violation {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := []Violation{}
	for c := range numChecks {
		v := l.found[c]
		if v.Count == 0 {
			continue
		}
		v.Invariant, v.Name = c.Invariant(), c.Name()
		failed = append(failed, v)
	}
	return failed
}
