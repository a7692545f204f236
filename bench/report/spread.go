package report

import "slices"

// Spread says how far the figures of a group lie apart.
type Spread struct {
	// All are in the unit of the figures.
	Min    float64 `json:"min"`
	Mean   float64 `json:"mean"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// NewSpread returns the spread of at least one figure.
func NewSpread(of []float64) Spread {
	sum := 0.0
	for _, x := range of {
		sum += x
	}
	return Spread{slices.Min(of), sum / float64(len(of)), Median(of), slices.Max(of)}
}

// Median returns the figure in the middle, or the mean of the two that are, or 0 if
// there is none.
func Median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// MedianOf returns the median of one figure of each thing.
func MedianOf[T any](of []T, figure func(T) float64) float64 {
	figures := make([]float64, len(of))
	for i, x := range of {
		figures[i] = figure(x)
	}
	return Median(figures)
}
