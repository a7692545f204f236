package command

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a flag for a number of bytes, such as 32MiB.
type size int64

// units are from the largest down.
func units() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
}

// String writes the size in the largest unit of which it is a multiple.
func (s *size) String() string {
	for _, u := range units() {
		if *s != 0 && int64(*s)%u.bytes == 0 {
			return fmt.Sprint(int64(*s)/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Set reads a number and a unit, or a number of bytes.
func (s *size) Set(text string) error {
	digits, bytes := text, int64(1)
	for _, u := range units() {
		if rest, found := strings.CutSuffix(text, u.name); found {
			digits, bytes = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/bytes {
		return errors.New("give a size such as 512KiB, 32MiB or 1GiB")
	}
	*s = size(n * bytes)
	return nil
}

// Type is what the help text calls the value.
func (s *size) Type() string { return "size" }
