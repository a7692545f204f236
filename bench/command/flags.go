package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// Upper limits of flags: beyond them a number is a slip of the finger rather
// than a workload for one machine.
const (
	maxGoroutines = 100_000
	maxKeys       = 100_000_000
	maxOps        = 100_000
	maxSample     = 1_000_000
	maxTop        = 1_000
	maxBytes      = 1 << 40
	maxDuration   = 30 * 24 * time.Hour
)

// within checks a number, naming the flag and what it may be.
func within[N int | int64](flag string, n, lo, hi N) error {
	if n >= lo && n <= hi {
		return nil
	}
	return usageError{fmt.Errorf("--%s %d: give a number from %s to %s", flag, n, report.Count(lo), report.Count(hi))}
}

// lasting checks a duration that must be above 0.
func lasting(flag string, d time.Duration) error {
	if d > 0 && d <= maxDuration {
		return nil
	}
	return usageError{fmt.Errorf("--%s %v: give a duration above 0 and up to %v, such as 500ms, 10s or 2m", flag, d, maxDuration)}
}

// explain says what a flag takes, where pflag only passes on what some parser
// did not like about its value.
func explain(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag, remedy := invalid.GetFlag(), ""
	switch flag.Value.Type() {
	case "duration":
		remedy = "give a duration such as 500ms, 10s or 2m"
	case "int", "int64":
		remedy = "give a whole number"
	case "uint64":
		remedy = "give a whole number from 0 up"
	default:
		remedy = errors.Unwrap(invalid).Error()
	}
	return fmt.Errorf("--%s %s: %s", flag.Name, invalid.GetValue(), remedy)
}

// firstOf returns the first error that is not nil.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// share is a flag for a part of a whole: 0.9 or 90%.
type share float64

// String writes the share as a percentage.
func (s *share) String() string {
	return strconv.FormatFloat(float64(*s)*100, 'f', -1, 64) + "%"
}

// Set reads a fraction, or a percentage with its sign.
func (s *share) Set(text string) error {
	digits, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	n, err := strconv.ParseFloat(digits, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return errors.New("give a fraction from 0 to 1, such as 0.9, or a percentage, such as 90%")
	}
	*s = share(n)
	return nil
}

// Type is what the help text calls the value.
func (s *share) Type() string { return "share" }

// choice is a flag whose value is one of a few names.
type choice[T fmt.Stringer] struct {
	value *T
	all   []T
}

// String writes the chosen name.
func (c choice[T]) String() string {
	if c.value == nil { // the zero value, which pflag compares defaults with
		return ""
	}
	return (*c.value).String()
}

// Set chooses by name.
func (c choice[T]) Set(name string) error {
	for _, v := range c.all {
		if name == v.String() {
			*c.value = v
			return nil
		}
	}
	return fmt.Errorf("choose one of %s", c.Type())
}

// Type lists the names.
func (c choice[T]) Type() string {
	var names []string
	for _, v := range c.all {
		names = append(names, v.String())
	}
	return strings.Join(names, "|")
}

func addDistribution(flags *pflag.FlagSet, d *workload.Distribution) {
	flags.Var(choice[workload.Distribution]{d, workload.Distributions()}, "dist",
		"how keys are chosen: all equally often, or few of them very often (exponent 0.99)")
}

func addIsolation(flags *pflag.FlagSet, i *txnmgr.Isolation) {
	flags.Var(choice[txnmgr.Isolation]{i, []txnmgr.Isolation{txnmgr.Serializable, txnmgr.Snapshot}}, "isolation",
		"isolation of update transactions")
}
