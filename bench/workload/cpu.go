package workload

import "time"

// CPU is processor time of the whole process; 0 where the platform does not tell.
type CPU struct {
	User   time.Duration // in the program itself
	System time.Duration // in the kernel on its behalf
}

// Total returns both together.
func (c CPU) Total() time.Duration { return c.User + c.System }

// Minus returns what was used since an earlier point.
func (c CPU) Minus(earlier CPU) CPU { return CPU{c.User - earlier.User, c.System - earlier.System} }

// Plus returns the sum of two.
func (c CPU) Plus(other CPU) CPU { return CPU{c.User + other.User, c.System + other.System} }
