package report

import (
	"fmt"
	"strconv"
	"time"
)

// Count writes a whole number with thousands separators: 12,345,678.
func Count[N int | int64 | uint32 | uint64](n N) string {
	digits := fmt.Sprint(n)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Rate writes a number of things per second, whole from ten upwards.
func Rate(perSecond float64) string {
	if perSecond < 10 {
		return strconv.FormatFloat(perSecond, 'f', 2, 64) + "/s"
	}
	return Count(int64(perSecond+0.5)) + "/s"
}

// Short writes a duration with three significant figures: 1.23µs, 45.6ms.
func Short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / roundTo(d/unit)).String()
		}
	}
	return d.String()
}

// roundTo returns the part of a unit to round to when there are n of them.
func roundTo(n time.Duration) time.Duration {
	switch {
	case n >= 100:
		return 1
	case n >= 10:
		return 10
	}
	return 100
}

// PerOp writes a quotient with two decimals, or a dash when there is nothing
// to divide by.
func PerOp(total float64, ops uint64) string {
	if ops == 0 {
		return "-"
	}
	return strconv.FormatFloat(total/float64(ops), 'f', 2, 64)
}
