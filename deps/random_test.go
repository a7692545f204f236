package deps_test

import (
	"flag"
	"math/rand/v2"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 takes another one each time")

// random returns a source of random numbers, and prints how to get it again. The
// result of split is another one for each number, for goroutines of their own.
func random(t *testing.T) *rand.Rand { return split(t)(0) }

func split(t *testing.T) func(number int) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64() | 1
	}
	t.Logf("to repeat: -seed %d", s)
	return func(number int) *rand.Rand { return rand.New(rand.NewPCG(s, uint64(number))) }
}
