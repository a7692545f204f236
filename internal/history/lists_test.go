package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// parseLists reads a line for each transaction, such as
//
//	t1: 0..10 a(x)=1 l(y)=1,2 l(z)=
//
// where a appends and l reads a list; keys are single letters.
func parseLists(t *testing.T, text string) *Lists {
	t.Helper()
	in := new(Lists)
	for k := 'a'; k <= 'z'; k++ {
		in.Names = append(in.Names, string(k))
	}
	for line := range strings.Lines(text) {
		head, rest, is := strings.Cut(strings.TrimSpace(line), ":")
		if !is {
			continue
		}
		id, err := parseID(head)
		if err != nil {
			t.Fatal(err)
		}
		l := ListTxn{ID: id}
		for _, word := range strings.Fields(rest) {
			l.word(t, word)
		}
		in.Txns = append(in.Txns, l)
	}
	return in
}

func (l *ListTxn) word(t *testing.T, word string) {
	t.Helper()
	verb, rest, is := strings.Cut(word, "(")
	switch {
	case is:
		name, values, _ := strings.Cut(rest, ")=")
		var list []uint64
		for _, digits := range strings.FieldsFunc(values, func(r rune) bool { return r == ',' }) {
			n, err := strconv.ParseUint(digits, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, n)
		}
		op := ListOp{Key: Key(name[0] - 'a'), List: list}
		if verb == "a" {
			op.Append, op.List = list[0], nil
		}
		l.Ops = append(l.Ops, op)
	case word == "snapshot":
		l.Level = Snapshot
	case word == "rolled-back":
		l.Outcome = RolledBack
	case word == "unknown":
		l.Outcome = Unknown
	default:
		if _, err := fmt.Sscanf(word, "%d..%d", &l.Start, &l.Finish); err != nil {
			t.Fatalf("%q: %v", word, err)
		}
	}
}

func listCases() []anomalyCase {
	return slices.Concat(badListCases(), listCycleCases(), goodListCases())
}

func badListCases() []anomalyCase {
	return []anomalyCase{
		both("dirty write", "G0 (dirty write)", `
			t1: a(x)=1 a(y)=1
			t2: a(x)=2 a(y)=2
			t3: l(x)=1,2 l(y)=2,1`),
		both("dirty write within one key", "G0 (dirty write)", `
			t1: a(x)=1 a(x)=2
			t2: a(x)=3
			t3: l(x)=1,3,2`),
		both("aborted read", "G1a (aborted read)", `
			t1: rolled-back a(x)=1
			t2: l(x)=1`),
		both("intermediate read", "G1b (intermediate read)", `
			t1: a(x)=1 a(x)=2
			t2: l(x)=1`),
		both("circular information flow", "G1c (circular information flow)", `
			t1: a(x)=1 l(y)=1
			t2: a(y)=1 l(x)=1`),
		both("garbage", "garbage read", `t1: l(x)=7`),
		both("own write unseen", "wrong read of an own write", `t1: a(x)=1 l(x)=`),
		both("own writes out of order", "wrong read of an own write", `t1: a(x)=1 a(x)=2 l(x)=2,1`),
		both("incompatible orders", "incompatible orders", `
			t1: a(x)=1
			t2: a(x)=2
			t3: l(x)=1,2
			t4: l(x)=2`),
		both("one element twice", "incompatible orders", `
			t1: a(x)=1
			t2: l(x)=1,1`),
	}
}

func listCycleCases() []anomalyCase {
	return []anomalyCase{
		both("lost update that nobody saw lost", "lost update", `
			t1: l(x)= a(x)=1
			t2: l(x)= a(x)=2`),
		both("lost update", "lost update", `
			t1: l(x)= a(x)=1
			t2: l(x)= a(x)=2
			t3: l(x)=1,2`),
		both("non-monotonic read", "non-monotonic read", `
			t1: a(x)=1
			t2: l(x)=1 l(x)=`),
		both("observed transaction vanishes", "OTV (observed transaction vanishes)", `
			t1: a(x)=1 a(y)=1
			t2: l(x)=1 l(y)=`),
		both("fractured read", "fractured read", `
			t1: a(x)=1 a(y)=1
			t2: l(y)= l(x)=1`),
		both("read skew", "G-single (read skew)", `
			t1: a(x)=1
			t2: l(x)=1 a(y)=1
			t3: l(x)= l(y)=1`),
		both("stale read", "stale read", `
			t1: 1..10 a(x)=1
			t2: 20..30 l(x)=`),
		both("stale read of what was read", "non-monotonic read", `
			t1: 0..50 a(x)=1
			t2: 1..10 l(x)=1
			t3: 20..30 l(x)=`),
		both("long fork", "G-nonadjacent", `
			t1: a(x)=1
			t2: a(y)=1
			t3: l(x)=1 l(y)=
			t4: l(x)= l(y)=1`),
		{name: "write skew", serializable: "G2-item (write skew)", text: `
			t1: l(x)= a(y)=1
			t2: l(y)= a(x)=1`},
		{name: "write skew that is allowed", text: `
			t1: snapshot l(x)= a(y)=1
			t2: snapshot l(y)= a(x)=1`},
	}
}

func goodListCases() []anomalyCase {
	return []anomalyCase{
		both("who was read from has committed", "lost update", `
			t1: unknown l(x)= a(x)=1
			t2: l(x)= a(x)=2
			t3: l(x)=1`),
		{name: "who was not read from may have failed", text: `
			t1: unknown l(x)= a(x)=1
			t2: l(x)= a(x)=2
			t3: l(x)=2`},
		{name: "an unknown outcome may come late", text: `
			t1: 1..10 unknown a(x)=1
			t2: 20..30 l(x)=
			t3: 40..50 l(x)=1`},
		{name: "serial", text: `
			t1: 1..10 l(x)= a(x)=1 a(y)=1 l(x)=1
			t2: 20..30 l(y)=1 a(x)=2 l(x)=1,2 a(x)=3 l(x)=1,2,3
			t3: 40..50 l(x)=1,2,3 a(x)=4
			t4: 40..50 l(x)=1,2,3 l(y)=1
			t5: 60..70 a(x)=5`},
	}
}

func TestListAnomaliesAreNamed(t *testing.T) {
	for _, c := range listCases() {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			in := parseLists(t, c.text)
			expect(t, in.Check(Serializable), c.serializable)
			expect(t, in.Check(Snapshot), c.snapshot)
		})
	}
}

// listsOf turns a history without tombstones into what its clients would have seen
// if each write had appended to a list, and each had read its key before.
func listsOf(h *History) *Lists {
	lists := map[Version][]uint64{}
	newest := map[Key]Version{}
	for _, i := range inCommitOrder(h.Txns) {
		t := &h.Txns[i]
		for _, w := range t.Writes {
			v := t.ID.version(w.Seq)
			lists[v] = append(slices.Clone(lists[newest[w.Key]]), uint64(v))
			newest[w.Key] = v
		}
	}
	in := new(Lists)
	for i := range h.Txns {
		t := &h.Txns[i]
		l := ListTxn{ID: t.ID, Kind: t.Kind, Level: t.Level, Outcome: t.Outcome, Start: t.Start, Finish: t.Finish}
		for _, r := range t.Reads {
			l.Ops = append(l.Ops, ListOp{Key: r.Key, List: lists[r.Version]})
		}
		for _, w := range t.Writes {
			l.Ops = append(l.Ops, ListOp{Key: w.Key, Append: uint64(t.ID.version(w.Seq))})
		}
		in.Txns = append(in.Txns, l)
	}
	return in
}

func TestRandomListsAreGood(t *testing.T) {
	rng := newRand(t)
	for range rounds() {
		for _, levels := range [][]Level{{Serializable}, {Snapshot}, {Serializable, Snapshot}} {
			s := newSim(rng, 1+Key(rng.IntN(8)), 1+rng.IntN(8), levels...)
			s.keeping = true
			in := listsOf(s.run(60))
			for _, level := range []Level{Serializable, Snapshot} {
				if r := in.Check(level); !r.OK() {
					t.Fatalf("%v: %v", level, &r)
				}
			}
		}
	}
}

// TestInjectedListFaultsAreFound breaks lists that were read in serial histories.
func TestInjectedListFaultsAreFound(t *testing.T) {
	for name, apply := range map[string]func(*rand.Rand, []uint64) []uint64{
		"the end is missing":        func(rng *rand.Rand, l []uint64) []uint64 { return l[:rng.IntN(len(l))] },
		"an element is missing":     func(rng *rand.Rand, l []uint64) []uint64 { n := rng.IntN(len(l)); return slices.Delete(l, n, n+1) },
		"two elements have swapped": swapElements,
		"an element is there twice": func(rng *rand.Rand, l []uint64) []uint64 { return append(l, l[rng.IntN(len(l))]) },
		"nobody appended it":        func(_ *rand.Rand, l []uint64) []uint64 { return append(l, 12345) },
	} {
		t.Run(name, func(t *testing.T) {
			rng := newRand(t)
			applied := 0
			for range rounds() {
				s := newSim(rng, 2+Key(rng.IntN(4)), 1, Serializable)
				s.keeping = true
				in := listsOf(s.run(60))
				if !changeList(rng, in, apply) {
					continue
				}
				applied++
				for _, level := range []Level{Serializable, Snapshot} {
					if r := in.Check(level); r.OK() {
						t.Fatalf("%v: not found in %+v", level, in)
					}
				}
			}
			if applied < rounds()/4 {
				t.Errorf("applied %d times in %d histories", applied, rounds())
			}
		})
	}
}

func swapElements(rng *rand.Rand, l []uint64) []uint64 {
	if len(l) > 1 {
		n := rng.IntN(len(l) - 1)
		l[n], l[n+1] = l[n+1], l[n]
	}
	return l
}

// changeList changes one of the lists that committed transactions read.
func changeList(rng *rand.Rand, in *Lists, apply func(*rand.Rand, []uint64) []uint64) bool {
	var all []*ListOp
	for i := range in.Txns {
		for n := range in.Txns[i].Ops {
			op := &in.Txns[i].Ops[n]
			if in.Txns[i].Outcome == Committed && len(op.List) > 1 {
				all = append(all, op)
			}
		}
	}
	if len(all) == 0 {
		return false
	}
	op := all[rng.IntN(len(all))]
	op.List = apply(rng, slices.Clone(op.List))
	return true
}

// FuzzLists reads any bytes as transactions on lists, and checks them: what is found
// must be named, and what is fine at Serializable must be at Snapshot.
func FuzzLists(f *testing.F) {
	f.Add([]byte{})
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		data := make([]byte, rng.IntN(200))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := readLists(data)
		strict, weak := in.Check(Serializable), in.Check(Snapshot)
		for _, r := range []Report{strict, weak} {
			if r.OK() != (len(r.Anomalies) == 0) {
				t.Errorf("OK is %v, and found %v", r.OK(), r.Anomalies)
			}
		}
		if strict.OK() && !weak.OK() {
			t.Errorf("serializable, but %v", &weak)
		}
	})
}

// readLists takes two bytes for each operation: whose, on which key, and what. A list
// that is read is a part of the values that were appended before.
func readLists(data []byte) *Lists {
	in := &Lists{Txns: make([]ListTxn, 6)}
	for i := range in.Txns {
		in.Txns[i].ID = NewID(0, uint32(i+1))
	}
	appended := map[Key][]uint64{}
	for n := 0; n+1 < len(data); n += 2 {
		b, c := data[n], int(data[n+1])
		t := &in.Txns[int(b&7)%len(in.Txns)]
		op := ListOp{Key: Key(b >> 3 & 3)}
		switch b >> 5 {
		case 0:
			t.Outcome = Outcome(c % 3)
			continue
		case 1:
			t.Start, t.Finish = int64(c>>4), int64(c>>4+c&15)
			continue
		case 2:
			t.Level = Level(c & 1)
			continue
		case 3, 4:
			op.Append = uint64(len(appended[op.Key]) + 1)
			appended[op.Key] = append(appended[op.Key], op.Append)
		default:
			op.List = slices.Clone(appended[op.Key][:c%(len(appended[op.Key])+1)])
		}
		t.Ops = append(t.Ops, op)
	}
	return in
}
