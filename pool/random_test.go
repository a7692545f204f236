package pool_test

import (
	"flag"
	"math/rand/v2"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 takes another one each time")

// split returns a source of random numbers for each number, for goroutines of
// their own, and prints how to get them again.
func split(t *testing.T) func(number int) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64() | 1
	}
	t.Logf("to repeat: -seed %d", s)
	return func(number int) *rand.Rand { return rand.New(rand.NewPCG(s, uint64(number))) }
}
