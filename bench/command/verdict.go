package command

import (
	"fmt"
	"strings"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
)

// verdict is how a run ended: "ok" or "failed".
type verdict string

const (
	passed verdict = "ok"
	broken verdict = "failed"
)

func judge(violations []stress.Violation) verdict {
	if len(violations) > 0 {
		return broken
	}
	return passed
}

// conclude prints the last line of a run, and before it the violations, and
// returns the error that makes the exit status 1 if there are any.
func (b *bench) conclude(s *session, interrupted bool, violations []stress.Violation, summary string) error {
	if interrupted {
		summary += ", interrupted"
	}
	if len(violations) == 0 {
		fmt.Fprintf(b.out, "\nverdict: OK: %s, seed %d\n", summary, s.seed)
		return nil
	}
	b.showViolations(violations)
	fmt.Fprintf(b.out, "  replay: %s\n", s.replay())
	fmt.Fprintf(b.out, "\nverdict: FAILED: %s; %s, seed %d\n", names(violations), summary, s.seed)
	return errBroken
}

func (b *bench) showViolations(violations []stress.Violation) {
	fmt.Fprintln(b.out, "\nviolations")
	for _, v := range violations {
		fmt.Fprintf(b.out, "  %s, %s\n", label(v), often(v.Count))
		for _, d := range v.Details {
			fmt.Fprintf(b.out, "    %s\n", d)
		}
	}
}

// often writes how often something happened.
func often(n uint64) string {
	if n == 1 {
		return "once"
	}
	return report.Count(n) + " times"
}

// label names a violation: "I4 real time".
func label(v stress.Violation) string {
	return strings.TrimSpace(v.Invariant + " " + v.Name)
}

func names(violations []stress.Violation) string {
	var all []string
	for _, v := range violations {
		all = append(all, label(v))
	}
	return strings.Join(all, ", ")
}

// total counts violations, those without details too.
func total(violations []stress.Violation) (n uint64) {
	for _, v := range violations {
		n += v.Count
	}
	return n
}
