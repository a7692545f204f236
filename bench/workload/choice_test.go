package workload

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

// frequencies counts how often each of n keys is drawn.
func frequencies(d Distribution, n, draws int, seed uint64) []int {
	chooser := NewChoices(d, n, seed).Chooser(0)
	counts := make([]int, n)
	for range draws {
		counts[chooser.Next()]++
	}
	return counts
}

func TestUniformHitsEveryKeyEquallyOften(t *testing.T) {
	const n, draws = 50, 500_000
	for key, count := range frequencies(Uniform, n, draws, 1) {
		if want := float64(draws) / n; math.Abs(float64(count)-want) > want/10 {
			t.Errorf("key %d drawn %d times, want about %.0f", key, count, want)
		}
	}
}

func TestZipfFollowsItsLaw(t *testing.T) {
	const n, draws = 1000, maxDraws
	counts := frequencies(Zipf, n, draws, 1)
	slices.SortFunc(counts, func(a, b int) int { return b - a })
	total := zipfCumulative(n)[n-1]
	for _, rank := range []int{1, 2, 5, 10, 50} {
		want := draws * math.Pow(float64(rank), -zipfExponent) / total
		if got := float64(counts[rank-1]); math.Abs(got-want) > want/10 {
			t.Errorf("rank %d drawn %.0f times, want about %.0f", rank, got, want)
		}
	}
}

func TestSmallKeySpaces(t *testing.T) {
	for _, d := range Distributions() {
		for n := 1; n <= 5; n++ {
			for key, count := range frequencies(d, n, 10_000, 7) {
				if count == 0 {
					t.Errorf("%v over %d keys never chose key %d", d, n, key)
				}
			}
		}
	}
}

func TestChoicesAreReproducible(t *testing.T) {
	for _, d := range Distributions() {
		a, b := NewChoices(d, 1000, 42).Chooser(3), NewChoices(d, 1000, 42).Chooser(3)
		other := NewChoices(d, 1000, 42).Chooser(4)
		same := 0
		for range 1000 {
			x := a.Next()
			if y := b.Next(); x != y {
				t.Fatalf("%v: the same seed gave %d and %d", d, x, y)
			}
			if x == other.Next() {
				same++
			}
		}
		if same > 500 {
			t.Errorf("%v: two goroutines agree in %d of 1000 choices", d, same)
		}
	}
}

func TestCoprimeStepIsABijection(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 4, 12, 100, 360, 1009} {
		seen := make([]bool, n)
		step := coprimeStep(n)
		for i := range n {
			seen[i*step%n] = true
		}
		if slices.Contains(seen, false) {
			t.Errorf("step %d misses some number below %d", step, n)
		}
	}
}

func TestKeysAreOrderedLikeTheirNumbers(t *testing.T) {
	var a, b [KeySize]byte
	for _, i := range []uint64{0, 1, 254, 255, 256, 65535, 1 << 40} {
		PutKey(&a, i)
		PutKey(&b, i+1)
		if bytes.Compare(a[:], b[:]) >= 0 {
			t.Errorf("key %d is not before key %d", i, i+1)
		}
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	for _, d := range Distributions() {
		chooser := NewChoices(d, 1000, 1).Chooser(0)
		if n := testing.AllocsPerRun(1000, func() { chooser.Next() }); n != 0 {
			t.Errorf("%v: Next allocates %v times", d, n)
		}
	}
}

func TestDistributionNames(t *testing.T) {
	var names []string
	for _, d := range Distributions() {
		names = append(names, d.String())
	}
	if want := []string{"uniform", "zipf"}; !slices.Equal(names, want) {
		t.Errorf("the distributions are called %q, want %q", names, want)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, d := range Distributions() {
		b.Run("dist="+d.String(), func(b *testing.B) {
			chooser := NewChoices(d, 1_000_000, 1).Chooser(0)
			b.ReportAllocs()
			for b.Loop() {
				chooser.Next()
			}
		})
	}
}
