package deps_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tierceldb/tiercel/deps"
)

// encounter is what a transaction has read, and what another commits after its
// snapshot. The store has a, b and m; d was deleted and e is long gone.
type encounter struct {
	name  string
	read  func(x *txn)
	other func(b base)
	want  any // the kind of the conflict, or nil
}

func encounters() []encounter {
	keys := func(keys ...string) func(*txn) { return func(x *txn) { x.read(keys...) } }
	in := func(lo, hi string) func(*txn) {
		return func(x *txn) { x.readRange(deps.Range{Lo: []byte(lo), Hi: []byte(hi)}) }
	}
	closed := func(lo, hi string) func(*txn) {
		return func(x *txn) { x.readRange(deps.Range{Lo: []byte(lo), Hi: []byte(hi), Closed: true}) }
	}
	from := func(lo string) func(*txn) { return func(x *txn) { x.readRange(deps.Range{Lo: []byte(lo)}) } }
	put := func(keys ...string) func(base) { return func(b base) { b.update(keys...) } }
	drop := func(keys ...string) func(base) { return func(b base) { b.drop(keys...) } }
	again := func(key string) func(base) { return func(b base) { b.drop(key); b.Purge(); b.update(key) } }
	key, phantom := any(deps.ReadWrite), any(deps.RangeWrite)
	return []encounter{
		{"another key", keys("a", "d", "e", "x"), put("b", "y"), nil},
		{"a key", keys("b", "a"), put("a"), key},
		{"a key removed", keys("a"), drop("a"), key},
		{"a key made anew", keys("a"), again("a"), key},
		{"a third key", keys("b", "m", "a"), put("a"), key},
		{"an absent key", keys("x"), put("x"), key},
		{"an absent key, made and removed", keys("x"), func(b base) { b.update("x"); b.drop("x"); b.Purge() }, key},
		{"a removal of what was absent", keys("x"), drop("x"), key},
		{"a deleted key", keys("d"), put("d"), key},
		{"a purged key", keys("e"), put("e"), key},
		{"an unrelated key of the range", in("a", "c"), put("c", "x"), nil},
		{"a key in a range", in("a", "c"), put("a"), phantom},
		{"a new key in a range", in("a", "c"), put("bb"), phantom},
		{"a deleted key in a range", in("c", "f"), put("d"), phantom},
		{"a removal in a range", in("a", "c"), drop("b"), phantom},
		{"an empty range", in("x", "z"), put("y"), phantom},
		{"no range", in("c", "a"), put("a", "b", "c"), nil},
		{"no range at all", in("b", "b"), put("b"), nil},
		{"up to the last key given", closed("a", "b"), put("b"), phantom},
		{"right above that", closed("a", "b"), put("b\x00"), nil},
		{"to the end", from("n"), put("zzz"), phantom},
		{"below that", from("n"), put("m"), nil},
		{"everything but the empty key", from("\x00"), put("\x00"), phantom},
	}
}

// meeting is where in the validation the encounter takes place.
type meeting struct {
	name  string
	large bool
	meet  func(b base, x *txn, other func(b base)) error
}

func meetings() []meeting {
	// late checks outside, then comes the other after some commits of no interest.
	late := func(b base, x *txn, records int, other func(b base)) *deps.Conflict {
		x.vote()
		want(b.t, "check before the other", b.CheckOutside(&x.Record), nil)
		for range records {
			b.update("") // unrelated
		}
		other(b)
		clash, stale := b.Admit(&x.Record)
		want(b.t, "stale", stale, records > deps.FewRecords)
		return clash
	}
	return []meeting{
		{"small", false, func(b base, x *txn, other func(b base)) error { other(b); return x.commit() }},
		{"outside", true, func(b base, x *txn, other func(b base)) error { other(b); return x.commit() }},
		{"among the records", true, func(b base, x *txn, other func(b base)) error {
			if clash := late(b, x, deps.FewRecords/2, other); clash != nil {
				b.Undo(&x.Record)
				return clash
			}
			b.Release(&x.Record)
			return nil
		}},
		{"among too many records", true, func(b base, x *txn, other func(b base)) error {
			want(b.t, "conflict", late(b, x, deps.FewRecords+1, other), nil)
			return finish(x)
		}},
		{"after too many records", true, func(b base, x *txn, other func(b base)) error {
			want(b.t, "conflict", late(b, x, deps.FewRecords+1, func(base) {}), nil)
			other(b)
			return finish(x)
		}},
	}
}

// TestValidation: each encounter in each place.
func TestValidation(t *testing.T) {
	for _, e := range encounters() {
		for _, m := range meetings() {
			t.Run(e.name+"/"+m.name, func(t *testing.T) {
				b := filled(t, "a", "b", "d", "e", "m")
				b.drop("e")
				b.Purge()
				b.drop("d")
				x := b.begin().put("mine", "own")
				e.read(x)
				if m.large {
					for i := range deps.FewKeys {
						x.read(fmt.Sprint("many ", i))
					}
				}
				x.read("own")
				got := kindOf(m.meet(b, x, e.other))
				want(t, "outcome", got, e.want)
				want(t, "value", b.now("own") == "mine", e.want == nil)
				b.isFree("own")
			})
		}
	}
}

// TestOwnWritesAreNoConflict: what the transaction itself has written, and read, is
// pending while it is validated.
func TestOwnWritesAreNoConflict(t *testing.T) {
	b := filled(t, "a", "b")
	x := b.begin().put("mine", "a", "new").remove("b")
	x.read("a", "new", "b")
	x.readRange(deps.Range{})
	want(t, "commit", x.commit(), nil)
}

// TestPendingWritesOfOthersAreNoConflict: they come later in the order, if at all.
func TestPendingWritesOfOthersAreNoConflict(t *testing.T) {
	b := filled(t, "a")
	x, y := b.begin().put("mine", "b"), b.begin().put("theirs", "a", "new")
	x.read("a", "new")
	x.readRange(deps.Range{})
	y.vote()
	want(t, "commit", x.commit(), nil)
	want(t, "finish of the other", b.Finish(&y.Record), nil)
	b.Release(&y.Record)
}

// TestReadSetHoldsAKeyOnce: however often it is read.
func TestReadSetHoldsAKeyOnce(t *testing.T) {
	b := filled(t, "a", "b", "c")
	x := b.begin()
	for range 100 {
		x.read("a", "b", "c", "x", "y")
	}
	want(t, "small", x.Reads.IsSmall(), true)
	x.readRange(deps.Range{})
	want(t, "small with a range", x.Reads.IsSmall(), false)
	b.Rollback(&x.Record)
}

// naiveReads is what a read set has to be equal to.
type naiveReads struct {
	keys   map[string]bool
	ranges [][2]string // lo ≤ key < hi, hi "" for the end
}

func (n *naiveReads) has(key string) bool {
	for _, r := range n.ranges {
		if key >= r[0] && (r[1] == "" || key < r[1]) {
			return true
		}
	}
	return n.keys[key]
}

func (n *naiveReads) hasAny(keys map[string]bool) bool {
	for key := range keys {
		if n.has(key) {
			return true
		}
	}
	return false
}

// TestValidationAgainstNaive: random read sets and random commits of others. There
// is a conflict if and only if one after the snapshot wrote something that was read.
func TestValidationAgainstNaive(t *testing.T) {
	r := random(t)
	b := newBase(t)
	conflicts := 0
	for range 2_000 {
		randomCommits(b, r, r.IntN(4))
		x := b.begin().put("mine", "own")
		n := randomReads(x, r)
		broken := n.hasAny(randomCommits(b, r, r.IntN(3)))
		err := error(nil)
		if r.IntN(4) > 0 {
			err = x.commit()
		} else {
			more := func() { broken = n.hasAny(randomCommits(b, r, r.IntN(2*deps.FewRecords))) || broken }
			err = commitInParts(x, more)
		}
		want(t, "conflict with "+fmt.Sprint(n), err != nil, broken)
		if broken {
			conflicts++
			want(t, "it is about a read", kindOf(err) == any(deps.ReadWrite) || kindOf(err) == any(deps.RangeWrite), true)
		}
	}
	if conflicts < 200 || conflicts > 1_800 {
		t.Errorf("%d conflicts of 2000 say little", conflicts)
	}
}

// commitInParts is a commit in which others commit between the check outside and
// the section.
func commitInParts(x *txn, others func()) error {
	b := x.b
	x.vote()
	if clash := b.CheckOutside(&x.Record); clash != nil {
		b.Undo(&x.Record)
		return clash
	}
	others()
	return finish(x)
}

// finish is what follows the vote.
func finish(x *txn) error {
	err := x.b.Finish(&x.Record)
	if err != nil {
		x.b.Undo(&x.Record)
	} else {
		x.b.Release(&x.Record)
	}
	return err
}

const randomKeys = 60

func randomKey(r *rand.Rand) string { return fmt.Sprintf("k%02d", r.IntN(randomKeys)) }

// randomCommits commits n transactions, and returns the keys they wrote.
func randomCommits(b base, r *rand.Rand, n int) map[string]bool {
	wrote := make(map[string]bool)
	for range n {
		x := b.begin()
		for range r.IntN(2) + 1 {
			key := randomKey(r)
			wrote[key] = true
			if r.IntN(3) == 0 {
				x.remove(key)
			} else {
				x.put("other", key)
			}
		}
		want(b.t, "commit of another", x.commit(), nil)
		if r.IntN(10) == 0 {
			b.Purge()
		}
	}
	return wrote
}

func randomReads(x *txn, r *rand.Rand) *naiveReads {
	n := &naiveReads{keys: make(map[string]bool)}
	for range [...]int{0, 1, 2, 5, 30}[r.IntN(5)] {
		key := randomKey(r)
		x.read(key)
		n.keys[key] = true
	}
	for range r.IntN(6) / 4 {
		lo, hi := randomKey(r), randomKey(r)
		if r.IntN(4) == 0 {
			hi = ""
		}
		in := deps.Range{Lo: []byte(lo)}
		if hi != "" {
			in.Hi = []byte(hi)
		}
		if r.IntN(2) == 0 && hi != "" {
			in.Closed = true
			hi += "\x00"
		}
		x.readRange(in)
		n.ranges = append(n.ranges, [2]string{lo, hi})
	}
	return n
}

// TestRecordsAreEnoughAfterTheListIsPurged: who keeps a record can walk on from it.
func TestRecordsAreEnoughAfterTheListIsPurged(t *testing.T) {
	b := filled(t, "a")
	x := b.begin().put("mine", "own")
	x.read("a")
	x.readRange(deps.Range{Lo: []byte("x")})
	x.vote()
	want(t, "check", b.CheckOutside(&x.Record), nil)
	b.set("other", "a")
	for range 10 * deps.ScanEvery {
		b.set("more", "b")
	}
	b.Purge()
	want(t, "outcome", kindOf(b.Finish(&x.Record)), any(deps.ReadWrite))
	b.Undo(&x.Record)
	want(t, "lock word", b.object("own").IsFresh(), true)
}
