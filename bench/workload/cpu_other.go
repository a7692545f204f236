//go:build !unix

package workload

import "time"

// processCPU returns 0: this platform has no cheap counter in the standard
// library, and a report shows nothing rather than an estimate.
func processCPU() time.Duration { return 0 }
