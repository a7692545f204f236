package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var (
	sims      = flag.Int("sims", 0, "how many stores are simulated for each test; 0: a few")
	seedOfSim = flag.Uint64("sim-seed", 0, "seed of a simulated store; 0: new ones, which are printed")
)

// lives is how many a simulated store lives.
const lives = 4

// play has a simulated store live some lives, and judges them. Tamper changes what the
// some life finds, if it is not nil, and reports whether it has.
func play(seed uint64, tamper func(*sim) bool) (log findings, tampered bool) {
	s := newSim(rand.New(rand.NewPCG(seed, 0)))
	prepared := map[string]*fate{}
	from := s.rng.IntN(lives)
	for n := range lives {
		for range 20 + s.rng.IntN(200) {
			s.step()
		}
		if s.rng.IntN(6) == 0 {
			s.close()
		}
		load := s.load
		s.crash()
		s.open()
		tampered = tamper != nil && n >= from && tamper(s)
		l := newLife(load, s.past.events, prepared)
		if l.judge(s.found, prepared, &log); tampered || len(log.list) > 0 {
			break
		}
	}
	return log, tampered
}

// eachSim calls fn with one seed after the other, and with more of them until it was of
// use for one. It returns for how many it was.
func eachSim(t *testing.T, fn func(seed uint64) bool) (useful int) {
	n := *sims
	switch {
	case *seedOfSim != 0:
		fn(*seedOfSim)
		return 1
	case n == 0 && testing.Short():
		n = 15
	case n == 0:
		n = 100
	}
	for ; !t.Failed() && (n > 0 || useful == 0 && n > -10_000); n-- {
		if fn(rand.Uint64()) {
			useful++
		}
	}
	return useful
}

// TestSimulatedCrashes has stores crash that are right.
func TestSimulatedCrashes(t *testing.T) {
	eachSim(t, func(seed uint64) bool {
		log, _ := play(seed, nil)
		if len(log.list) > 0 {
			t.Errorf("-sim-seed %d\n%s", seed, describeFindings(log))
		}
		return true
	})
}

func describeFindings(log findings) string {
	var text strings.Builder
	for _, v := range log.list {
		fmt.Fprintf(&text, "%s %s\n%s\n", v.Invariant, v.Name, strings.Join(v.Details, "\n"))
	}
	return text.String()
}

// TestTamperedCrashes has the next life find something that cannot be.
func TestTamperedCrashes(t *testing.T) {
	for name, tamper := range tamperings {
		t.Run(name, func(t *testing.T) {
			tried := eachSim(t, func(seed uint64) bool {
				log, tampered := play(seed, tamper)
				if tampered && len(log.list) == 0 {
					t.Errorf("-sim-seed %d: nothing found", seed)
				}
				return tampered
			})
			if tried == 0 {
				t.Error("never tried")
			}
			t.Logf("tried %d times", tried)
		})
	}
}
