package history

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random histories; 0: a new one, which is printed when a test fails")

// newRand returns a generator whose seed is printed if the test fails.
func newRand(t testing.TB) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("go test -run '%s' -seed %d", t.Name(), s)
		}
	})
	return rand.New(rand.NewPCG(s, 0))
}

// sim is the plainest store with versions, and the transactions that run on it, a
// step of one and then a step of another. What they do is recorded.
type sim struct {
	rng     *rand.Rand
	keys    Key
	reach   int     // longest range that is scanned
	levels  []Level // of the transactions
	width   int     // transactions open at once; 1: serial
	now     int64
	last    uint64
	values  [][]simVersion // by key, oldest first
	rec     *Recorder
	open    []*simTxn
	keeping bool // nothing is removed
}

type simVersion struct {
	commit  uint64
	version Version
	removed bool
}

func newSim(rng *rand.Rand, keys Key, width int, levels ...Level) *sim {
	s := &sim{rng: rng, keys: keys, reach: int(keys), width: width, levels: levels, last: 1, values: make([][]simVersion, keys)}
	s.rec = NewRecorder(width, func() int64 { s.now++; return s.now })
	for n := range width {
		s.open = append(s.open, &simTxn{sim: s, session: s.rec.Session(n)})
	}
	return s
}

// run runs n transactions, all of which have ended afterwards.
func (s *sim) run(n int) *History {
	for done := 0; done < n; {
		t := s.open[s.rng.IntN(s.width)]
		if t.pending == nil {
			t.begin()
		}
		if t.step() {
			done++
		}
	}
	for _, t := range s.open {
		if t.pending != nil {
			t.commit()
		}
	}
	return s.rec.Cut()
}

// seen returns what a snapshot shows of a key.
func (s *sim) seen(k Key, snapshot uint64) Version {
	for _, v := range slices.Backward(s.values[k]) {
		if v.commit <= snapshot {
			if v.removed {
				return 0
			}
			return v.version
		}
	}
	return 0
}

// newest returns the timestamp of the newest version of a key.
func (s *sim) newest(k Key) uint64 {
	if n := len(s.values[k]); n > 0 {
		return s.values[k][n-1].commit
	}
	return 0
}

// simTxn is an open transaction.
type simTxn struct {
	*sim
	session  *Session
	pending  *Pending
	level    Level
	kind     Kind
	snapshot uint64
	read     []Range
	writes   []simWrite
	marks    []simMark
}

type simWrite struct {
	key     Key
	version Version
	removed bool
}

type simMark struct{ pending, writes int }

func (t *simTxn) begin() {
	t.level, t.kind = t.levels[t.rng.IntN(len(t.levels))], Kind(t.rng.IntN(2))
	t.pending = t.session.Begin(t.kind, t.level)
	t.snapshot = t.last
	t.pending.Began(t.snapshot)
	t.read, t.writes, t.marks = nil, nil, nil
}

// step does one thing, and reports whether that ended the transaction.
func (t *simTxn) step() bool {
	k := Key(t.rng.IntN(int(t.keys)))
	choice := t.rng.IntN(12)
	if t.kind == ReadOnly && choice >= 5 && choice < 10 {
		choice -= 5
	}
	switch choice {
	case 0, 1, 2:
		t.get(k)
	case 3:
		t.scan(k, t.end(k))
	case 4:
		t.scanDown(k, t.end(k))
	case 5, 6:
		v := t.pending.NewVersion()
		t.pending.Put(k, v)
		t.writes = append(t.writes, simWrite{k, v, false})
	case 7:
		if !t.keeping {
			t.pending.Delete(k)
			t.writes = append(t.writes, simWrite{k, 0, true})
		}
	case 8:
		t.marks = append(t.marks, simMark{t.pending.Mark(), len(t.writes)})
	case 9:
		t.undo()
	case 10:
		t.commit()
		return true
	case 11:
		if t.rng.IntN(4) == 0 {
			t.rollBack()
			return true
		}
	}
	return false
}

// end draws the end of a range, which may also lie before its beginning.
func (t *simTxn) end(lo Key) Key {
	if t.rng.IntN(10) == 0 {
		return Key(t.rng.IntN(int(lo) + 1))
	}
	return min(lo+Key(t.rng.IntN(t.reach)+1), t.keys)
}

func (t *simTxn) undo() {
	if n := len(t.marks); n > 0 {
		m := t.marks[t.rng.IntN(n)]
		t.pending.RollbackTo(m.pending)
		t.writes = t.writes[:m.writes]
		t.marks = slices.DeleteFunc(t.marks, func(x simMark) bool { return x.writes > m.writes })
	}
}

// value returns what the transaction sees at a key.
func (t *simTxn) value(k Key) Version {
	for _, w := range slices.Backward(t.writes) {
		if w.key == k {
			return w.version // 0 if removed
		}
	}
	return t.seen(k, t.snapshot)
}

func (t *simTxn) get(k Key) {
	t.read = append(t.read, Range{k, k + 1})
	t.pending.Read(k, t.value(k))
}

// scan goes up, and now and then stops before the end.
func (t *simTxn) scan(lo, hi Key) {
	scan := t.pending.Ascend(lo, hi)
	for k := lo; k < hi; k++ {
		t.read = append(t.read, Range{k, k + 1})
		if v := t.value(k); v != 0 {
			scan.Next(k, v)
			if t.rng.IntN(10) == 0 {
				return
			}
		}
	}
	scan.End()
}

func (t *simTxn) scanDown(lo, hi Key) {
	scan := t.pending.Descend(lo, hi)
	for k := hi; k > lo; {
		k--
		t.read = append(t.read, Range{k, k + 1})
		if v := t.value(k); v != 0 {
			scan.Next(k, v)
			if t.rng.IntN(10) == 0 {
				return
			}
		}
	}
	scan.End()
}

func (t *simTxn) commit() {
	if t.conflicts() {
		t.rollBack()
		return
	}
	if len(t.writes) > 0 {
		t.last++
	}
	for i, w := range t.writes {
		if !slices.ContainsFunc(t.writes[i+1:], func(x simWrite) bool { return x.key == w.key }) {
			t.values[w.key] = append(t.values[w.key], simVersion{t.last, w.version, w.removed})
		}
	}
	t.pending.Committed(t.last)
	t.pending = nil
}

func (t *simTxn) rollBack() {
	t.pending.RolledBack()
	t.pending = nil
}

// conflicts is first committer wins, and at Serializable that nothing read has
// changed.
func (t *simTxn) conflicts() bool {
	if len(t.writes) == 0 {
		return false
	}
	for _, w := range t.writes {
		if t.newest(w.key) > t.snapshot {
			return true
		}
	}
	if t.level == Snapshot {
		return false
	}
	return slices.ContainsFunc(t.read, func(r Range) bool { return t.newest(r.Lo) > t.snapshot })
}
