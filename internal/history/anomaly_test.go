package history

import (
	"slices"
	"strings"
	"testing"
)

// anomalyCase is a small history, and what must be said about it.
type anomalyCase struct {
	name string
	text string
	// The name of what is found first, or "" for nothing.
	serializable, snapshot string
}

// both is a case in which both levels are broken in the same way.
func both(name, want, text string) anomalyCase { return anomalyCase{name, text, want, want} }

func writeCases() []anomalyCase {
	return []anomalyCase{
		both("dirty write against real time", "G0 (dirty write), real time", `
			t1: 0..10 commit=5 w(x)
			t2: 20..30 commit=4 w(x)`),
		both("two commits with one timestamp", "bad commit timestamp", `
			t1: 0..10 commit=5 w(x)
			t2: 0..10 commit=5 w(x)`),
		both("commit at its own snapshot", "bad commit timestamp", `
			t1: 0..10 at=5 commit=5 w(x)`),
		both("commit below what was there before", "bad commit timestamp", `
			before: x=t9 after=7
			t1: 0..10 commit=6 w(y)`),
		both("lost update", "lost update", `
			before: x=t9
			t1: 0..10 at=1 commit=2 r(x)=t9 w(x)
			t2: 0..10 at=1 commit=3 r(x)=t9 w(x)`),
		both("lost update, with a third between", "lost update", `
			t1: 0..10 at=1 commit=2 r(x)=nothing w(x)
			t2: 0..10 at=1 commit=4 r(x)=nothing w(x)
			t3: 0..10 at=2 commit=3 d(x)`),
		both("insert twice", "lost update", `
			t1: 0..10 at=1 commit=2 r(x)=nothing w(x)
			t2: 0..10 at=1 commit=3 r(x)=nothing w(x)`),
		both("overwritten unseen, having missed another write", "G-single (read skew)", `
			t1: 0..10 at=1 commit=2 w(x) w(y)
			t2: 0..10 at=1 commit=3 r(y)=nothing w(x)`),
	}
}

func readCases() []anomalyCase {
	return []anomalyCase{
		both("aborted read", "G1a (aborted read)", `
			t1: 0..10 rolled-back w(x)
			t2: 0..10 read-only r(x)=t1`),
		both("read of a write rolled back to a savepoint", "G1a (aborted read)", `
			t1: 0..10 commit=2 w(y)
			t2: 0..10 read-only r(x)=t1`),
		both("intermediate read", "G1b (intermediate read)", `
			t1: 0..10 commit=2 w(x).2
			t2: 0..10 read-only r(x)=t1.1`),
		both("circular information flow", "G1c (circular information flow)", `
			t1: 0..10 commit=2 w(x) r(y)=t2
			t2: 0..10 commit=3 w(y) r(x)=t1`),
		both("information from the future", "G1c (circular information flow), real time", `
			t1: 0..10 read-only r(x)=t2
			t2: 20..30 commit=3 w(x)`),
		both("garbage", "garbage read", `
			t1: 0..10 read-only r(x)=t7`),
		both("a value that was there from the beginning is missing", "garbage read", `
			before: x=t9
			t1: 0..10 read-only r(x)=nothing`),
		both("own write unseen", "wrong read of an own write", `
			t1: 0..10 commit=2 w(x).2
			own: t1(x) want=t1.2 got=t1.1`),
		both("own write read from the store", "wrong read of an own write", `
			t1: 0..10 commit=2 r(x)=t1 w(x)`),
	}
}

func skewCases() []anomalyCase {
	return []anomalyCase{
		both("observed transaction vanishes", "OTV (observed transaction vanishes)", `
			t1: 0..10 commit=2 w(x) w(y)
			t2: 0..10 read-only r(x)=t1 r(y)=nothing`),
		both("observed transaction vanishes behind another", "OTV (observed transaction vanishes)", `
			t1: 0..10 commit=2 w(x) w(y)
			t2: 0..10 commit=3 w(x) w(y)
			t3: 0..10 read-only r(x)=t2 r(y)=nothing`),
		both("fractured read", "fractured read", `
			t1: 0..10 commit=2 w(x) w(y)
			t2: 0..10 read-only r(y)=nothing r(x)=t1`),
		both("fractured range", "fractured read", `
			t1: 0..10 at=1 commit=2 w(x) w(y)
			t2: 0..10 read-only at=1 none(y..z) r(x)=t1`),
		both("fractured removal", "fractured read", `
			before: x=t9 y=t9.2
			t1: 0..10 commit=2 d(x) d(y)
			t2: 0..10 read-only at=2 r(y)=t9.2 none(x..y)`),
		both("non-monotonic read", "non-monotonic read", `
			before: x=t9
			t1: 0..10 commit=2 w(x)
			t2: 0..10 read-only r(x)=t1 r(x)=t9`),
		both("non-monotonic read across transactions", "non-monotonic read", `
			t1: 0..50 commit=2 w(x)
			t2: 0..10 read-only r(x)=t1
			t3: 20..30 read-only r(x)=nothing`),
		both("non-repeatable read", "G-single (read skew)", `
			t1: 0..10 commit=2 w(x)
			t2: 0..10 read-only r(x)=nothing r(x)=t1`),
		both("read skew", "G-single (read skew)", `
			t1: 0..10 commit=2 w(x)
			t2: 0..10 commit=3 r(x)=t1 w(y)
			t3: 0..10 read-only r(x)=nothing r(y)=t2`),
		both("stale read", "stale read", `
			t1: 0..10 commit=2 w(x)
			t2: 20..30 read-only r(x)=nothing`),
		both("stale range", "stale read", `
			t1: 0..10 commit=2 w(x)
			t2: 20..30 read-only at=1 none(x..z)`),
	}
}

func snapshotCases() []anomalyCase {
	return []anomalyCase{
		both("stale snapshot, nothing read", "stale snapshot", `
			t1: 0..10 at=1 commit=2 w(x)
			t2: 20..30 read-only at=1`),
		both("snapshot older than the history", "stale snapshot", `
			before: x=t9 after=7
			t2: 20..30 read-only at=6 r(x)=t9`),
		both("read ahead of the snapshot", "read off the snapshot", `
			t1: 0..10 at=1 commit=2 w(x)
			t2: 0..10 read-only at=1 r(x)=t1`),
		both("read behind the snapshot", "read off the snapshot", `
			t1: 0..10 at=1 commit=2 w(x)
			t2: 0..10 read-only at=2 r(x)=nothing`),
		both("key missing in a range", "read off the snapshot", `
			t1: 0..10 at=1 commit=2 w(x)
			t2: 0..10 read-only at=2 none(w..z)`),
	}
}

func cycleCases() []anomalyCase {
	return []anomalyCase{
		both("long fork", "G-nonadjacent", `
			t1: 0..10 commit=2 w(x)
			t2: 0..10 commit=3 w(y)
			t3: 0..10 read-only r(x)=t1 r(y)=nothing
			t4: 0..10 read-only r(x)=nothing r(y)=t2`),
		{name: "write skew", serializable: "G2-item (write skew)", text: `
			before: x=t9 y=t9.2
			t1: 0..10 at=1 commit=2 r(x)=t9 r(y)=t9.2 w(x)
			t2: 0..10 at=1 commit=3 r(x)=t9 r(y)=t9.2 w(y)`},
		{name: "phantom", serializable: "G2 (phantom)", text: `
			t1: 0..10 at=1 commit=2 none(a..c) w(a)
			t2: 0..10 at=1 commit=3 none(a..c) w(b)`},
		{name: "read-only anomaly", serializable: "G2-item (write skew)", text: `
			before: x=t9 y=t9.2
			t1: 0..30 at=1 commit=3 r(x)=t9 r(y)=t9.2 w(x)
			t2: 0..10 at=1 commit=2 w(y)
			t3: 0..20 read-only at=2 r(x)=t9 r(y)=t2`},
		{name: "write skew of three", serializable: "G2-item (write skew)", text: `
			t1: 0..10 at=1 commit=2 r(x)=nothing w(y)
			t2: 0..10 at=1 commit=3 r(y)=nothing w(z)
			t3: 0..10 at=1 commit=4 r(z)=nothing w(x)`},
		{name: "who is at snapshot may skew", text: `
			t1: 0..10 snapshot at=1 commit=2 r(x)=nothing w(y)
			t2: 0..10 snapshot at=1 commit=3 r(y)=nothing w(x)`},
		{name: "who is serializable may be skewed by who is not", text: `
			t1: 0..10 serializable at=1 commit=2 r(x)=nothing w(y)
			t2: 0..10 snapshot at=1 commit=3 r(y)=nothing w(x)`},
		{name: "but a read-only one sees no skew", serializable: "G2-item (write skew)", text: `
			t1: 0..10 serializable at=1 commit=3 r(x)=nothing w(y)
			t2: 0..10 snapshot at=1 commit=2 r(y)=nothing w(x)
			t3: 0..10 read-only snapshot at=2 r(x)=t2 r(y)=nothing`},
		both("snapshot loses no updates, mixed or not", "lost update", `
			t1: 0..10 snapshot at=1 commit=2 r(x)=nothing w(x)
			t2: 0..10 serializable at=1 commit=3 r(x)=nothing w(x)`),
		{name: "what was rolled back has read, too", serializable: "G2-item (write skew)", text: `
			t1: 0..10 at=1 commit=3 r(x)=nothing w(y)
			t2: 0..10 at=1 commit=2 w(x)
			t3: 0..10 rolled-back at=2 r(x)=t2 r(y)=nothing w(z)`},
	}
}

func goodCases() []anomalyCase {
	return []anomalyCase{
		{name: "nothing"},
		{name: "serial", text: `
			before: x=t9 after=1
			t1: 0..10 at=1 commit=2 r(x)=t9 w(x) w(y)
			t2: 20..30 read-only at=2 r(x)=t1 r(y)=t1 none(z..zz)
			t3: 40..50 at=2 commit=3 r(y)=t1 d(y) w(z)
			t4: 60..70 rolled-back at=3 r(y)=nothing w(z)
			t5: 80..90 read-only at=3 none(y..z) r(z)=t3`},
		{name: "a snapshot older than concurrent commits", text: `
			t1: 5..10 at=1 commit=2 w(x)
			t2: 0..20 read-only at=1 r(x)=nothing
			t3: 30..40 read-only at=2 r(x)=t1`},
		{name: "deleted twice, which nobody can tell", text: `
			before: x=t9
			t1: 0..10 at=1 commit=2 d(x)
			t2: 0..10 at=2 commit=3 d(x)
			t3: 0..10 at=2 commit=4 r(x)=nothing w(x)
			t4: 0..10 read-only at=2 r(x)=nothing`},
		{name: "end and begin at one moment are concurrent", text: `
			t1: 0..10 commit=2 w(x)
			t2: 10..30 read-only r(x)=nothing`},
	}
}

func allCases() []anomalyCase {
	return slices.Concat(writeCases(), readCases(), skewCases(), snapshotCases(), cycleCases(), goodCases())
}

func TestAnomaliesAreNamed(t *testing.T) {
	for _, c := range allCases() {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			h, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, h.Check(Serializable), c.serializable)
			expect(t, h.Check(Snapshot), c.snapshot)
		})
	}
}

// expect compares the worst that was found.
func expect(t *testing.T, r Report, want string) {
	t.Helper()
	got := ""
	if len(r.Anomalies) > 0 {
		got = r.Anomalies[0].Name()
	}
	if got != want {
		t.Errorf("got %q, want %q\n%v", got, want, &r)
	}
	if r.OK() != (want == "") {
		t.Errorf("OK is %v\n%v", r.OK(), &r)
	}
}

// TestSchedule shows what a person gets to read.
func TestSchedule(t *testing.T) {
	h, err := Parse(`
		before: x=t9 y=t9.2
		t1: 0..30 at=1 commit=3 r(x)=t9 r(y)=t9.2 w(x) w(other)
		t2: 0..10 at=1 commit=2 w(y)
		t3: 12..20 read-only at=2 r(x)=t9 r(y)=t2
		t4: 12..20 read-only at=2 r(z)=nothing`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `G2-item (write skew)
  t1: update serializable 0..30 at=1 commit=3 r(x)=t9.1 r(y)=t9.2 w(x)
  t2: update serializable 0..10 at=1 commit=2 w(y)
  t3: read-only serializable 12..20 at=2 r(x)=t9.1 r(y)=t2.1
  t3 before t1: rw, it read x as t9.1, and t1 wrote the next version
  t1 before t2: rw, it read y as t9.2, and t2 wrote the next version
  t2 before t3: wr, t3 read y as it had left it
`
	r := h.Check(Serializable)
	if len(r.Anomalies) != 1 || r.Cycles != 1 {
		t.Fatalf("found %v", &r)
	}
	if got := r.Anomalies[0].String(); !sameCycle(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// sameCycle compares two schedules whose cycles may begin at different places.
func sameCycle(a, b string) bool {
	count := func(s string) map[string]int {
		lines := map[string]int{}
		for line := range strings.Lines(s) {
			lines[line]++
		}
		return lines
	}
	x, y := count(a), count(b)
	for line, n := range x {
		if y[line] != n {
			return false
		}
	}
	return len(x) == len(y)
}
