package txnmgr_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/internal/history/mix"
	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/txnmgr"
)

var (
	seed = flag.Uint64("seed", 0, "run this random history again and again; 0: always another one")
	long = flag.Int("long", 0, "run random histories of this many transactions at each level; 0: for some seconds")
)

// run is a random run: everything about it but how its goroutines interleave.
type run struct {
	Seed    uint64
	Workers int
	Txns    int // of each worker
	Procs   int // GOMAXPROCS
	MaxAge  time.Duration
	Locks   txnmgr.Granularity
	Purges  int  // full purges meanwhile, in a row
	Closes  bool // the manager is closed in the middle
	Stages  stages.Stages
	Mix     mix.Options
}

// drawRun draws a run from its seed.
func drawRun(seed uint64, levels ...history.Level) run {
	rng := rand.New(rand.NewPCG(seed, 0))
	one := func(in int) bool { return rng.IntN(in) == 0 }
	r := run{
		Seed: seed, Workers: 2 + rng.IntN(7), Txns: 5 + rng.IntN(60), Procs: 1 + rng.IntN(8),
		Purges: rng.IntN(3) * 20, Closes: one(8),
		Mix: mix.Options{
			Keys: 1 + rng.IntN(10), Range: 1 + rng.IntN(10), Steps: 1 + rng.IntN(8), Levels: levels,
			ReadOnly: rng.IntN(60), Managed: rng.IntN(30), Savepoints: rng.IntN(25), Scans: rng.IntN(50),
			Deletes: rng.IntN(60), Inserts: rng.IntN(60), RollBacks: rng.IntN(15), Pauses: rng.IntN(60),
		},
	}
	if one(4) {
		r.crowd(rng)
	}
	if one(3) {
		r.Mix.Forgets = rng.IntN(30)
	}
	if one(3) {
		r.Mix.Cancels = rng.IntN(30)
	}
	if one(4) {
		r.Mix.Timeouts, r.Mix.Timeout = rng.IntN(60), time.Duration(1+rng.IntN(300))*time.Microsecond
	}
	if one(2) {
		r.Mix.Locks = rng.IntN(50)
	}
	if one(2) {
		r.Mix.Prepares = rng.IntN(60)
	}
	if one(5) && inMemory() {
		r.Locks = txnmgr.CoarseLock
	}
	if one(6) {
		r.MaxAge = time.Duration(1+rng.IntN(3)) * time.Millisecond
	}
	if one(6) {
		r.Stages = stages.Stages{ExclusiveOnly: one(2), NoCAS: one(2), NoBatch: one(2), NoReuse: one(2), NoHint: one(2)}
	}
	return r
}

// crowd makes the run one of small update transactions of many goroutines, on more
// processors than there are. Only so do several commits come to pass together:
// somebody has to lose his processor within those few instructions.
func (r *run) crowd(rng *rand.Rand) {
	r.Workers, r.Txns, r.Procs = 8+rng.IntN(16), 100, 8
	r.Mix.Keys, r.Mix.Steps = 5+rng.IntN(30), 1
	r.Mix.ReadOnly, r.Mix.Managed, r.Mix.Scans, r.Mix.Pauses = 0, 0, rng.IntN(10), 0
}

// told is called with what happened in a run.
type told func(h *history.History, s txnmgr.Stats)

// history runs it, and returns what happened and what was wrong without a look at that.
func (r run) history(t testing.TB, tell told) (*history.History, []string) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(r.Procs))
	m, err := txnmgr.Open(stages.With(context.Background(), r.Stages), over(t, txnmgr.Options{MaxAge: r.MaxAge, Retries: 3, Locks: r.Locks}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	defer r.watch(m).Stop()
	begun := time.Now()
	rec := history.NewRecorder(r.Workers+1, func() int64 { return int64(time.Since(begun)) })
	workers := r.work(m, rec)
	r.look(m, rec.Session(r.Workers))
	h := rec.Cut()
	if hasLog() {
		withoutProvisionalEnds(h)
	}
	faults := r.leftovers(m, len(rec.Left()))
	for _, w := range workers {
		faults = append(faults, w.Faults()...)
	}
	tell(h, m.Stats())
	return h, faults
}

// stuck is how long a run may take: many times as long as any does.
const stuck = time.Minute

// watch ends the tests if the run gets stuck, and says who waits for whom.
func (r run) watch(m *txnmgr.Manager) *time.Timer {
	return time.AfterFunc(stuck, func() {
		panic(fmt.Sprintf("nothing comes of %+v\n%s\nprepared: %s", r, managedStore{m}.Locks(), managedStore{m}.Prepared()))
	})
}

// withoutProvisionalEnds makes it unknown when update transactions were rolled back.
// With a log what they saw may be on the disk only later, and who begins after their
// end and only reads need not see it. A commit waits for that.
func withoutProvisionalEnds(h *history.History) {
	for i := range h.Txns {
		if t := &h.Txns[i]; t.Kind == history.Update && t.Outcome == history.RolledBack {
			t.Finish = math.MaxInt64
		}
	}
}

// leftovers says what is left of a run, and should not be (I10).
func (r run) leftovers(m *txnmgr.Manager, live int) (faults []string) {
	m.Purge()
	s := m.Stats()
	must := func(holds bool, what string) {
		if !holds {
			faults = append(faults, fmt.Sprintf("I10: %s: %+v", what, s))
		}
	}
	must(s.Active == 0 && s.Waiting == 0, "transactions are active or wait at the end")
	if s.Prepared > 0 && r.Closes {
		return faults // nobody can finish them any more
	}
	must(s.Prepared == 0, "transactions are prepared at the end")
	must(len(m.Locks()) == 0, "something is locked at the end")
	if !inMemory() {
		return faults // what the engine does not have yet stays, and what it has may leave
	}
	must(s.Objects == int64(live), fmt.Sprintf("objects, where there are %d keys", live))
	must(s.Versions == s.Objects, "versions left of objects")
	must(s.CommittedListLength == 0 && s.PinnedVersions == 0, "commits or versions wait to be purged")
	return faults
}

// work runs the workers side by side, and what else is to happen.
func (r run) work(m *txnmgr.Manager, rec *history.Recorder) []*mix.Worker {
	var running sync.WaitGroup
	var done atomic.Int64
	workers := make([]*mix.Worker, r.Workers)
	for n := range workers {
		rng := rand.New(rand.NewPCG(r.Seed, uint64(n+1)))
		workers[n] = mix.NewWorker(recorded{m}, r.Mix, rng, rec.Session(n))
		running.Go(func() {
			workers[n].Run(r.Txns, func() bool {
				if r.Closes && done.Inc() == int64(r.Txns*r.Workers/2) {
					m.Close()
				}
				return false
			})
			workers[n].Finish()
		})
	}
	for range r.Purges {
		m.Purge()
		runtime.Gosched()
	}
	running.Wait()
	return workers
}

// look has one transaction read everything that is left, so that nothing gets lost
// that nobody else would have missed.
func (r run) look(m *txnmgr.Manager, session *history.Session) {
	opts := mix.Options{Keys: r.Mix.Keys, Range: 2 * r.Mix.Keys, Steps: 20, Scans: 50, ReadOnly: 100, Levels: r.Mix.Levels}
	for range 2 {
		w := mix.NewWorker(recorded{m}, opts, rand.New(rand.NewPCG(r.Seed, 0)), session)
		w.Run(2, func() bool { return false })
		m.Purge()
	}
}

// broken runs it, and says what is wrong.
func (r run) broken(t testing.TB, tell told) string {
	h, faults := r.history(t, tell)
	wrong := ""
	for _, f := range faults {
		wrong += f + "\n"
	}
	for _, level := range []history.Level{history.Serializable, history.Snapshot} {
		if report := h.Check(level); !report.OK() {
			wrong += fmt.Sprintf("%v: %v", level, &report)
		}
	}
	if wrong != "" && len(h.Txns) < 30 {
		wrong += "\n" + h.Text()
	}
	return wrong
}

// smaller lists runs that are simpler in one way each.
func (r run) smaller() (all []run) {
	change := func(fn func(*run)) {
		other := r
		if fn(&other); fmt.Sprint(other) != fmt.Sprint(r) {
			all = append(all, other)
		}
	}
	change(func(r *run) { r.Workers = (r.Workers + 2) / 2 })
	change(func(r *run) { r.Txns = (r.Txns + 1) / 2 })
	change(func(r *run) { r.Txns = max(1, r.Txns-1) })
	change(func(r *run) { r.Mix.Steps = (r.Mix.Steps + 1) / 2 })
	change(func(r *run) { r.Mix.Keys = (r.Mix.Keys + 1) / 2 })
	change(func(r *run) { r.Closes = false })
	change(func(r *run) { r.MaxAge = 0 })
	change(func(r *run) { r.Locks = txnmgr.ObjectLocks })
	change(func(r *run) { r.Purges = 0 })
	change(func(r *run) { r.Stages = stages.Stages{} })
	for _, share := range []func(*mix.Options) *int{
		func(o *mix.Options) *int { return &o.Managed }, func(o *mix.Options) *int { return &o.Savepoints },
		func(o *mix.Options) *int { return &o.Scans }, func(o *mix.Options) *int { return &o.Deletes },
		func(o *mix.Options) *int { return &o.Inserts }, func(o *mix.Options) *int { return &o.RollBacks },
		func(o *mix.Options) *int { return &o.Forgets }, func(o *mix.Options) *int { return &o.Cancels },
		func(o *mix.Options) *int { return &o.Timeouts }, func(o *mix.Options) *int { return &o.ReadOnly },
		func(o *mix.Options) *int { return &o.Locks }, func(o *mix.Options) *int { return &o.Prepares },
	} {
		change(func(r *run) { *share(&r.Mix) = 0 })
	}
	return all
}

// shrink makes a run that fails simpler as long as one that is simpler fails, too,
// within some attempts, and for some seconds. It returns what is wrong in the end.
func (r run) shrink(t testing.TB, wrong string) (run, string) {
	const attempts = 50
	deadline := time.Now().Add(15 * time.Second)
next:
	for {
		for _, other := range r.smaller() {
			for range attempts {
				if time.Now().After(deadline) {
					return r, wrong
				}
				if w := other.broken(t, func(*history.History, txnmgr.Stats) {}); w != "" {
					r, wrong = other, w
					continue next
				}
			}
		}
		return r, wrong
	}
}

// budget says for how long a test goes on with random runs.
type budget struct {
	txns     int // until there are so many
	deadline time.Time
}

func newBudget() budget {
	switch {
	case *long > 0:
		return budget{txns: *long}
	case testing.Short():
		return budget{deadline: time.Now().Add(700 * time.Millisecond)}
	}
	return budget{deadline: time.Now().Add(6500 * time.Millisecond)}
}

// fewest is how many runs there are however slow the machine is: enough for one of
// them to show what any of them may.
const fewest = 20

func (b budget) over(runs, txns int) bool {
	if b.txns > 0 {
		return txns >= b.txns
	}
	return runs >= fewest && time.Now().After(b.deadline)
}

// check runs random histories, and calls tell with each.
func check(t *testing.T, tell func(*history.History), levels ...history.Level) {
	b := newBudget()
	runs, txns, waits, deadlocks := 0, 0, uint64(0), uint64(0)
	for !b.over(runs, txns) {
		s := *seed
		if s == 0 {
			s = rand.Uint64()
		}
		r := drawRun(s, levels...)
		wrong := r.broken(t, func(h *history.History, s txnmgr.Stats) {
			txns, waits, deadlocks = txns+len(h.Txns), waits+s.Waits, deadlocks+s.Deadlocks
			tell(h)
		})
		if wrong != "" {
			small, smallWrong := r.shrink(t, wrong)
			t.Fatalf("%+v\n%s\nmade simpler:\n%+v\n%s\nreplay: go test ./txnmgr -run '%s' -seed %d",
				r, wrong, small, smallWrong, t.Name(), s)
		}
		runs++
	}
	t.Logf("%d transactions in %d histories, with %d waits and %d deadlocks", txns, runs, waits, deadlocks)
	// A circle is rare where each commit waits for a disk.
	if *seed == 0 && (waits == 0 || deadlocks == 0 && (!hasLog() || runs >= 5*fewest)) {
		t.Error("nobody waited, or nobody in a circle")
	}
}

// TestHistories runs random transactions side by side and has package history judge
// what they saw. (-long N for N transactions at each level, -seed N to replay.)
func TestHistories(t *testing.T) {
	nothing := func(*history.History) {}
	t.Run("serializable", func(t *testing.T) { check(t, nothing, history.Serializable) })
	t.Run("mixed", func(t *testing.T) { check(t, nothing, history.Serializable, history.Snapshot) })
	t.Run("snapshot", func(t *testing.T) {
		skews := 0
		check(t, func(h *history.History) { skews += countSkews(t, h) }, history.Snapshot)
		if t.Logf("%d of them with write skew", skews); skews == 0 && *seed == 0 {
			t.Error("no write skew: Snapshot refuses what it should allow")
		}
	})
}

// countSkews returns 1 if a history at Snapshot would not have been serializable, and
// checks that it is so for no other reason than write skew.
func countSkews(t *testing.T, h *history.History) int {
	strict := *h
	strict.Txns = nil
	for _, x := range h.Txns {
		x.Level = history.Serializable
		strict.Txns = append(strict.Txns, x)
	}
	report := strict.Check(history.Serializable)
	for _, a := range report.Anomalies {
		if a.Fault != history.G2Item && a.Fault != history.G2 {
			t.Errorf("at Snapshot: %v", a)
		}
	}
	return min(report.Cycles, 1)
}
