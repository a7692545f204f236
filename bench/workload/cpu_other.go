//go:build !unix

package workload

// ProcessCPU returns 0: this platform has no cheap counter in the standard
// library, and a report shows nothing rather than an estimate.
func ProcessCPU() CPU { return CPU{} }
