package workload

import "fmt"

// Distribution says how often each key of a workload is chosen.
type Distribution int

const (
	// Uniform chooses every key equally often.
	Uniform Distribution = iota
	// Zipf chooses the key of rank r in proportion to 1/r^0.99, the skew of
	// the Yahoo! Cloud Serving Benchmark (Cooper and others, 2010).
	Zipf
)

// zipfExponent is θ of the distribution Zipf.
const zipfExponent = 0.99

// String returns the name, as it is given on the command line.
func (d Distribution) String() string {
	switch d {
	case Uniform:
		return "uniform"
	case Zipf:
		return "zipf"
	}
	return fmt.Sprintf("Distribution(%d)", int(d))
}

// Distributions lists all there are.
func Distributions() []Distribution { return []Distribution{Uniform, Zipf} }
