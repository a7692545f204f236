package thread

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the processor time of the calling thread so far. The goroutine must
// have called runtime.LockOSThread.
func CPU() time.Duration {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
