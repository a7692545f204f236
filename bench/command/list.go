package command

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list is a flag for several different values: 1,2,4.
type list[T comparable] struct {
	values *[]T
	parse  func(string) (T, error)
	kind   string // what the help text calls it
	remedy string // how to write one
}

// numbers is a flag for whole numbers.
func numbers(values *[]int) list[int] {
	return list[int]{values, strconv.Atoi, "numbers", "give whole numbers, such as 1 or 1,2,4"}
}

// durations is a flag for durations.
func durations(values *[]time.Duration) list[time.Duration] {
	return list[time.Duration]{values, time.ParseDuration, "durations", "give durations, such as 400us or 0,20us,20ms"}
}

// String writes the list as it can be read again.
func (l list[T]) String() string {
	if l.values == nil { // the zero value, which pflag compares defaults with
		return ""
	}
	return joined(*l.values)
}

func joined[T any](values []T) string {
	var words []string
	for _, v := range values {
		words = append(words, fmt.Sprint(v))
	}
	return strings.Join(words, ",")
}

// Set reads a list.
func (l list[T]) Set(text string) error {
	var values []T
	for word := range strings.SplitSeq(text, ",") {
		v, err := l.parse(strings.TrimSpace(word))
		if err != nil {
			return errors.New(l.remedy)
		}
		if slices.Contains(values, v) {
			return fmt.Errorf("%v is there twice: %s", v, l.remedy)
		}
		values = append(values, v)
	}
	*l.values = values
	return nil
}

// Type is what the help text calls the value.
func (l list[T]) Type() string { return l.kind }

// allWithin checks the numbers of a list.
func allWithin(flag string, values []int, lo, hi int) error {
	for _, v := range values {
		if err := within(flag, v, lo, hi); err != nil {
			return err
		}
	}
	return nil
}
