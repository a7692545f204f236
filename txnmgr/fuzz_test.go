package txnmgr_test

import (
	"math/rand/v2"
	"testing"

	"github.com/tierceldb/tiercel/internal/script"
	"github.com/tierceldb/tiercel/txnmgr"
)

// FuzzPrograms reads any bytes as a program of interleaved transactions, four for
// each action, and compares what a Manager answers with what the reference store
// does. What code a program reaches varies a little with the scheduler, so that
// making inputs small would never end by itself:
//
//	go test -run '^$' -fuzz FuzzPrograms -fuzzminimizetime 10x ./txnmgr
func FuzzPrograms(f *testing.F) {
	for n := range uint64(20) {
		rng := rand.New(rand.NewPCG(n, 0))
		f.Add(randomBytes(rng, 4*rng.IntN(100)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4*400 {
			return // long programs are slow and find nothing that shorter ones do not
		}
		section := readProgram(data)
		compare(t, "reference", runOn(t, t, section, openReference),
			"manager", runManaged(t, t, section, txnmgr.Options{}))
	})
}

func randomBytes(rng *rand.Rand, n int) []byte {
	all := make([]byte, n)
	for i := range all {
		all[i] = byte(rng.Uint32())
	}
	return all
}

// readProgram reads a program from bytes: the first says how soon transactions
// commit.
func readProgram(data []byte) script.Section {
	p := &program{named: map[string]bool{}}
	if len(data) > 0 {
		p.haste, data = int(data[0]%40), data[1:]
	}
	var actions []action
	for ; len(data) >= 4; data = data[4:] {
		actions = append(actions, readAction([4]byte(data)))
	}
	return p.section(actions)
}

// readAction takes a few bits for each choice. What is stale needs many, since it
// leads nowhere.
func readAction(b [4]byte) action {
	return action{
		verb:  verbs()[b[0]&31],
		txn:   int(b[0]>>5) % maxOpen,
		stale: b[3] >= 250,
		level: levels()[b[1]>>4&3],
		key:   beginnings()[int(b[1]&15)%len(beginnings())],
		end:   ends()[int(b[2]&15)%len(ends())],
		order: []string{"", "desc"}[b[2]>>4&1],
		name:  []string{"x", "y"}[b[2]>>5&1],
		limit: int(b[2] >> 6),
		haste: int(b[3]) % 100,
	}
}
