package workload

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"
)

// KeySize is the length in bytes of every key of a mix.
const KeySize = 16

const keyPrefix = "bench-k:"

// maxDraws bounds the memory that the prepared draws of a Zipf run take.
const maxDraws = 1 << 20

// PutKey writes the key of object i, in an order that agrees with that of i.
func PutKey(key *[KeySize]byte, i uint64) {
	copy(key[:], keyPrefix)
	binary.BigEndian.PutUint64(key[len(keyPrefix):], i)
}

// Choices is what all Choosers of one run share, made before the clock starts.
// Drawing from a Zipf distribution takes longer than a whole read-only
// transaction, so its draws are prepared and only looked up in the measured
// loop.
type Choices struct {
	n     uint64
	seed  uint64
	draws []uint32 // nil: uniform
}

// NewChoices prepares the choice among n keys. Same arguments, same choices.
func NewChoices(d Distribution, n int, seed uint64) *Choices {
	c := &Choices{n: uint64(n), seed: seed}
	if d == Zipf {
		c.draws = zipfDraws(n, rand.NewPCG(seed, 0))
	}
	return c
}

// Chooser returns the chooser of one goroutine.
func (c *Choices) Chooser(goroutine int) Chooser {
	ch := Chooser{n: c.n, draws: c.draws}
	ch.rng.Seed(c.seed, uint64(goroutine)+1)
	if len(c.draws) > 0 {
		ch.at = int(Below(&ch.rng, uint64(len(c.draws))))
	}
	return ch
}

// Chooser draws keys for one goroutine without allocating and without writing
// anything that another goroutine reads.
type Chooser struct {
	rng   rand.PCG
	n     uint64
	draws []uint32
	at    int
}

// Next returns the next key's number, in [0, n).
func (c *Chooser) Next() uint64 {
	if c.draws == nil {
		return Below(&c.rng, c.n)
	}
	c.at++
	if c.at >= len(c.draws) {
		c.at = 0
	}
	return uint64(c.draws[c.at])
}

// Below returns a number in [0, n) by Lemire's multiplication, without the
// rejection step: the bias is below n/2^64.
func Below(rng *rand.PCG, n uint64) uint64 {
	hi, _ := bits.Mul64(rng.Uint64(), n)
	return hi
}

// zipfDraws draws by inverting the cumulative distribution, which is exact for
// any number of keys. The ranks are spread over the key space, so that popular
// objects are not neighbours.
func zipfDraws(n int, rng *rand.PCG) []uint32 {
	cumulative := zipfCumulative(n)
	total := cumulative[n-1]
	step := coprimeStep(uint64(n))
	draws := make([]uint32, maxDraws)
	for i := range draws {
		u := float64(rng.Uint64()>>11) / (1 << 53) * total
		rank := uint64(sort.Search(n-1, func(r int) bool { return cumulative[r] > u }))
		draws[i] = uint32(rank * step % uint64(n))
	}
	return draws
}

func zipfCumulative(n int) []float64 {
	cumulative := make([]float64, n)
	sum := 0.0
	for i := range cumulative {
		sum += math.Pow(float64(i+1), -zipfExponent)
		cumulative[i] = sum
	}
	return cumulative
}

// coprimeStep returns a step that visits every number below n once when it is
// taken n times modulo n. It starts from the golden section, which keeps the
// first steps far apart.
func coprimeStep(n uint64) uint64 {
	step := max(uint64(float64(n)*0.6180339887), 1)
	for gcd(step, n) != 1 {
		step++
	}
	return step
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
