//go:build unix

package workload

import (
	"syscall"
	"time"
)

// ProcessCPU returns the processor time of this process so far.
func ProcessCPU() CPU {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return CPU{}
	}
	return CPU{User: time.Duration(usage.Utime.Nano()), System: time.Duration(usage.Stime.Nano())}
}
