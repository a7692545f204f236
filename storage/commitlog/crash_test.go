package commitlog_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// run is a random program that appends, truncates, closes and opens a log, with a
// machine that could crash after each step it takes on the disk.
type run struct {
	t    *testing.T
	dice *rand.Rand

	handed    []commitlog.Frame // all that was handed to Append, in order
	acked     int               // how many of them Append returned nil for
	truncated uint64            // the timestamp last given to Truncate
	crashes   int
}

// crashAppends is how often a log is appended to in one life.
const crashAppends = 8

// TestCrashes: after a crash at any point, also while the log is opened after a
// crash, what Append acknowledged is replayed, and of the rest a prefix at most.
func TestCrashes(t *testing.T) {
	dice := newDice(t)
	crashes, programs := 0, 0
	for ; crashes < 4_000/thrift(); programs++ {
		r := &run{t: t, dice: dice}
		r.program()
		crashes += r.crashes
	}
	t.Logf("%d crashes of %d programs", crashes, programs)
}

// program goes through a few lives of a log. Some end in a crash, and the next
// one goes on with what that left.
func (r *run) program() {
	fs := faultfs.New()
	for range 1 + r.dice.IntN(3) {
		fs.Watch(func(faultfs.Op, string) { r.crash(fs, 1) })
		l, got := mustOpen(r.t, fs, blocks(r.dice), r.truncated)
		r.settle(got)
		r.live(l)
		if r.dice.IntN(2) == 0 {
			mustClose(r.t, l)
		} else {
			fs.Watch(nil)
			fs = fs.Crash(r.dice)
		}
	}
}

// settle takes what was replayed for what happened.
func (r *run) settle(got []commitlog.Frame) {
	kept := len(r.handed) - len(younger(r.handed, r.truncated))
	r.handed = r.handed[:kept+len(got)]
	r.acked = len(r.handed)
}

// live appends and truncates.
func (r *run) live(l *commitlog.Log) {
	for range crashAppends {
		next := groups(r.dice, l.Last(), 1+r.dice.IntN(4), []int{0, 100, 1500, 9000}[r.dice.IntN(4)])
		r.handed = append(r.handed, next...)
		mustAppend(r.t, l, next...)
		r.acked = len(r.handed)
		if r.dice.IntN(4) == 0 {
			ts := r.handed[r.dice.IntN(len(r.handed))].Last
			r.truncated = max(r.truncated, ts)
			if err := l.Truncate(r.truncated, math.MaxUint64); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// crash looks at what some crashes at this moment could leave.
func (r *run) crash(fs *faultfs.FS, again int) {
	r.crashes++
	r.recover(fs.Crash(r.dice), again)
}

// recover opens what a crash left, crashing again meanwhile, checks it, and uses
// it once more.
func (r *run) recover(fs *faultfs.FS, again int) {
	r.t.Helper()
	if again > 0 && r.dice.IntN(8) == 0 {
		fs.Watch(func(faultfs.Op, string) { r.crash(fs, again-1) })
	}
	report, err := commitlog.Verify(fs, dir)
	if r.acked > 0 && (err != nil || len(report.Errors) > 0) {
		r.t.Fatalf("verify: %v, %v", err, report.Errors)
	}
	l, got := mustOpen(r.t, fs, blocks(r.dice), r.truncated)
	fs.Watch(nil)
	if d := r.wrong(got); d != "" {
		r.t.Fatal(d)
	}
	more := group(l.Last()+1, r.dice.IntN(6000))
	mustAppend(r.t, l, more)
	mustClose(r.t, l)
	_, second := mustOpen(r.t, fs, blocks(r.dice), r.truncated)
	check(r.t, second, append(got, more))
}

// wrong says what is wrong with what was replayed.
func (r *run) wrong(got []commitlog.Frame) string {
	could := younger(r.handed, r.truncated)
	must := len(could) - (len(r.handed) - r.acked)
	if len(got) < must {
		return fmt.Sprintf("%d groups, %d were acknowledged", len(got), must)
	}
	if len(got) > len(could) {
		return fmt.Sprintf("%d groups, only %d were appended", len(got), len(could))
	}
	return differ(got, could[:len(got)])
}
