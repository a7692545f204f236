package report

import (
	"fmt"
	"io"
	"strconv"
)

// Goal is a limit that an experiment sets itself, and what it measured. A goal
// that is missed is no fault of the run: it says how far there is to go.
type Goal struct {
	Name     string  `json:"name"`     // what is compared with what
	Sense    Sense   `json:"sense"`    // of the limit
	Limit    float64 `json:"limit"`    // a ratio, as a rule
	Measured float64 `json:"measured"` // in the same unit
	Reached  bool    `json:"reached"`  // or missed
}

// Sense is the side of a limit that is wanted.
type Sense string

const (
	AtMost  Sense = "at most"  // the limit or less is good
	AtLeast Sense = "at least" // the limit or more is good
)

// NewGoal compares what was measured with the limit.
func NewGoal(name string, sense Sense, limit, measured float64) Goal {
	reached := measured <= limit
	if sense == AtLeast {
		reached = measured >= limit
	}
	return Goal{name, sense, limit, measured, reached}
}

// verdict is "reached", or by what part of the limit it was missed.
func (g Goal) verdict() string {
	if g.Reached {
		return "reached"
	}
	return fmt.Sprintf("missed by %.1f%%", 100*max(g.Measured/g.Limit-1, 1-g.Measured/g.Limit))
}

// WriteGoals prints a table of goals, if there are any.
func WriteGoals(w io.Writer, goals []Goal) {
	if len(goals) == 0 {
		return
	}
	t := Table{Heading: []string{"goal", "", "limit", "measured", ""}}
	for _, g := range goals {
		limit := strconv.FormatFloat(g.Limit, 'g', 4, 64)
		t.Add(g.Name, string(g.Sense), limit, strconv.FormatFloat(g.Measured, 'f', 3, 64), g.verdict())
	}
	t.Write(w)
}
