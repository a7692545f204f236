package deps_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/pool"
	"github.com/tierceldb/tiercel/storage"
)

// TestReplayStore: random transactions, purges and orders between them, taken by
// the model of the store and by the code. After each part (begin, read, vote, pass
// the section, stamp, roll back, scan, purge) both must have the same chains,
// marks, locks, indexes, lists and watermarks.
func TestReplayStore(t *testing.T) {
	random, parts := random(t), 0
	for range 400 {
		n, wrong := replayStore(random, noStoreFault)
		if wrong != "" {
			t.Fatal(wrong)
		}
		parts += n
	}
	t.Logf("%d parts compared", parts)
}

// TestReplayNotices: a model that differs from the code is found out.
func TestReplayNotices(t *testing.T) {
	for name, fault := range map[string]storeFault{
		"purge below V": purgeBelowV, "objects left by a vote": undoLeavesObjects, "early removal": buryDespiteUpdates,
		"no look at the newest version": voteWithoutLook, "no validation": validateNothing,
	} {
		t.Run(name, func(t *testing.T) {
			random := random(t)
			for range 2000 {
				if _, wrong := replayStore(random, fault); wrong != "" {
					return
				}
			}
			t.Error("2,000 orders and no difference")
		})
	}
}

// difference is what a replay panics with to end itself.
type difference string

// replayStore replays one random order, and says how many parts it had and where
// code and model differ.
func replayStore(random *rand.Rand, fault storeFault) (parts int, wrong string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case difference:
			wrong = string(p)
		default:
			panic(p)
		}
	}()
	x := newReplay(random, fault)
	for x.part() {
		parts++
	}
	x.finish()
	return parts, ""
}

// replay is one order of parts.
type replay struct {
	random *rand.Rand
	model  *storeModel
	run    *explore.Run[storeState]
	real   *deps.Manager
	txns   [storeTxns]realTxn
	trace  []string
	full   bool // the model has no object left
}

// realTxn is a transaction on the real store.
type realTxn struct {
	record deps.Record
	slot   *deps.Slot // of a read-only one
	gen    uint64
	snap   uint64
}

func keyName(key int) []byte { return fmt.Appendf(nil, "k%d", key) }

func newReplay(random *rand.Rand, fault storeFault) *replay {
	loaded := random.IntN(storeKeys + 1)
	x := &replay{random: random, real: deps.New(stages.Stages{}), model: newStoreModel(fault, 0)}
	var processes []explore.Process[storeState]
	writes := storeVersions - storeKeys
	for i := range storeTxns {
		plan := randomPlan(random, writes)
		if i < loaded {
			plan = storePlan{writes: puts(i)}
		}
		writes -= len(plan.writes)
		processes = append(processes, x.model.txn(i, plan))
	}
	processes = append(processes, x.model.purger(0, 3))
	run, err := x.model.model(processes...).Run()
	if err != nil {
		x.fail("%v", err)
	}
	x.run = run
	return x
}

// randomPlan makes at most so many writes.
func randomPlan(random *rand.Rand, most int) (p storePlan) {
	for key := range storeKeys {
		if random.IntN(2) == 0 {
			p.reads = append(p.reads, key)
		}
		if len(p.writes) < most && random.IntN(2) == 0 {
			p.writes = append(p.writes, write{key: key, tombstone: random.IntN(2) == 0})
		}
	}
	if len(p.reads) > 0 && len(p.writes) > 0 {
		p.serial = random.IntN(3) > 0
	}
	p.large = p.serial && random.IntN(2) == 0
	p.ordered = p.large
	p.fine = random.IntN(2) == 0
	return p
}

// part takes one part of one process that need not wait. It reports false when all
// are done.
func (x *replay) part() bool {
	for _, p := range x.random.Perm(storeTxns + 1) {
		label := x.run.Next(p)
		if label == "" || x.full {
			continue
		}
		if p == storeTxns {
			x.purgePart(label)
		} else if !x.txnPart(p, label) {
			continue
		}
		x.trace = append(x.trace, fmt.Sprintf("process %d: %s", p, label))
		x.compare()
		return true
	}
	return false
}

// advance lets the model go on until the next step of a process is not of these.
// It reports false, and takes everything back, if the process has to wait.
func (x *replay) advance(p int, prefixes ...string) bool {
	mark := x.run.Mark()
	for {
		moved, wrong, err := x.run.Step(p)
		switch {
		case wrong == noObjectLeft:
			x.full = true
			return true
		case err != nil || wrong != "":
			x.fail("the model says %q, %v", wrong, err)
		case !moved:
			x.run.Back(mark)
			return false
		}
		label := x.run.Next(p)
		if label == "" || !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(label, prefix) }) {
			return true
		}
	}
}

func (x *replay) fail(format string, args ...any) {
	panic(difference(fmt.Sprintf("%s\nafter\n  %s", fmt.Sprintf(format, args...), strings.Join(x.trace, "\n  "))))
}

// txnPart takes the next part of transaction t. It reports false if that has to wait.
func (x *replay) txnPart(t int, label string) bool {
	r := &x.txns[t].record
	part, _, _ := strings.Cut(label, ":")
	kind, _, _ := strings.Cut(part, " ")
	switch kind {
	case "begin":
		x.advance(t, "begin")
		x.begin(t)
	case "read":
		x.advance(t, part)
		x.read(t, int(part[len(part)-1]-'0'))
	case "write":
		x.advance(t)
		x.write(t, int(part[len(part)-1]-'0'))
	case "vote":
		if !x.advance(t, "vote", "roll back", "undo") {
			return false
		}
		x.same(x.real.Vote(context.Background(), r) == nil, x.run.Next(t) != "", "the vote of T%d", t)
	case "outside":
		x.advance(t, "outside", "roll back", "undo")
		passed := x.real.CheckOutside(r) == nil
		if !passed {
			x.real.Undo(r)
		}
		x.same(passed, x.run.Next(t) != "", "the look at reads of T%d", t)
	case "enter":
		x.section(t)
	case "roll":
		x.advance(t, "undo")
		x.real.Undo(r)
	case "stamp":
		x.advance(t, "stamp", "unlock")
		x.real.Stamp(r)
	case "end":
		x.advance(t)
		x.end(t)
	default:
		x.fail("a label without a part: %q", label)
	}
	return true
}

func (x *replay) same(got, want bool, what string, args ...any) {
	if got != want && !x.full {
		x.fail("%s: code %v, model %v", fmt.Sprintf(what, args...), got, want)
	}
}

func (x *replay) begin(t int) {
	txn := &x.txns[t]
	if len(x.model.plans[t].writes) == 0 {
		txn.slot, txn.gen, txn.snap = x.real.BeginRead()
		return
	}
	if !x.real.Begin(&txn.record) {
		x.fail("T%d cannot begin", t)
	}
	txn.snap = txn.record.Snapshot
}

func (x *replay) end(t int) {
	if txn := &x.txns[t]; txn.slot != nil {
		txn.slot.End(txn.gen, txn.snap)
	} else {
		x.real.Leave(&txn.record)
	}
}

func (x *replay) read(t, key int) {
	txn, plan, name := &x.txns[t], &x.model.plans[t], keyName(key)
	hash := x.real.Store.Hash(name)
	o := x.real.Store.Lookup(name, hash)
	if plan.ordered {
		at := x.real.Store.Ascend(name, append(name, 0))
		o = at.Next()
	}
	switch {
	case !plan.serial:
	case plan.ordered:
		txn.record.Reads.AddRange(deps.Range{Lo: name, Hi: name, Closed: true})
	case o == nil:
		txn.record.Reads.AddAbsent(name, hash)
	default:
		txn.record.Reads.AddObject(o)
	}
	var got uint64
	if o != nil {
		if v := o.Visible(txn.snap); v != nil && !v.Tombstone() {
			got = v.CommitTS()
		}
	}
	if want := x.model.expected(x.run.State(), key, uint8(txn.snap)); got != uint64(want) {
		x.fail("T%d reads k%d: code %d, model %d", t, key, got, want)
	}
}

func (x *replay) write(t, key int) {
	r, name := &x.txns[t].record, keyName(key)
	hash := x.real.Store.Hash(name)
	o := x.real.Store.Lookup(name, hash)
	if o == nil {
		o = storage.NewObject(name, hash)
	}
	for _, w := range x.model.plans[t].writes {
		switch {
		case w.key != key:
		case w.tombstone:
			r.Add(deps.Write{Object: o, Version: storage.NewTombstone(&r.State)})
		default:
			r.Add(deps.Write{Object: o, Version: storage.NewVersion(name, &r.State)})
		}
	}
}

// section takes t through the section, and others who are so far with it.
func (x *replay) section(t int) {
	x.advance(t)
	var others []int
	var records []*deps.Record
	for p := range storeTxns {
		if p != t && x.run.Next(p) == "enter section" && x.random.IntN(2) == 0 {
			x.advance(p, "push")
			others, records = append(others, p), append(records, &x.txns[p].record)
		}
	}
	x.advance(t, "section")
	passed := x.real.PassThrough(&x.txns[t].record, records...)
	for i, p := range append([]int{t}, others...) {
		if p != t {
			x.advance(p)
		}
		x.same(passed[i], strings.HasPrefix(x.run.Next(p), "stamp"), "the section for T%d", p)
	}
}

func (x *replay) purgePart(label string) {
	number, part, _ := strings.Cut(label, ": ")
	switch part {
	case "lock":
		x.advance(storeTxns)
	case "load V":
		x.advance(storeTxns, number+": load slot", number+": take stock")
		x.real.Scan()
	case "unlock":
		x.advance(storeTxns)
	default: // a step, before the scan or behind it
		if before := number + ": before: "; strings.HasPrefix(label, before) {
			x.advance(storeTxns, before)
		} else {
			x.advance(storeTxns, number+": next", number+": settle", number+": superseded", number+": unlink: ", number+": bury", number+": done")
		}
		x.real.StepAll()
	}
}

// compare compares all that can be seen.
func (x *replay) compare() {
	if x.full {
		return
	}
	code, model := x.describeCode(), x.describeModel()
	if code != model {
		x.fail("they differ:\ncode:\n%s\nmodel:\n%s", code, model)
	}
}

// finish runs a last purge.
func (x *replay) finish() {
	for t := range x.txns {
		x.same(x.run.Next(t) == "", true, "T%d is done", t)
	}
	if x.full {
		return
	}
	s := *x.run.State()
	if wrong, err := explore.Alone(&s, x.model.final); wrong != "" || err != nil {
		x.fail("the last purge: %s %v", wrong, err)
	}
	x.real.Purge()
	for key, o := range s.table {
		x.same(x.real.Store.Get(keyName(key)) != nil, o != 0, "k%d after the last purge", key)
	}
	x.real.Close(errors.New("closed"))
}

func (x *replay) describeModel() string {
	s := x.run.State()
	var b strings.Builder
	fmt.Fprintf(&b, "V %d\n", s.visible)
	for key, o := range s.table {
		fmt.Fprintf(&b, "k%d ordered %v", key, s.ordered[key] != 0)
		if o != 0 {
			fmt.Fprintf(&b, " same %v locked %v:", s.ordered[key] == 1<<o, s.objects[o].lock == lockHeld)
			for v := s.objects[o].head; v != 0; v = s.versions[v].older {
				b.WriteString(" " + s.describe(v))
			}
		}
		b.WriteString("\n")
	}
	var open, aside []string
	for t, snap := range s.slots {
		if snap != 0 {
			open = append(open, fmt.Sprint(x.model.snapWord(t, snap)))
		}
	}
	set := func(snapshot uint64, list uint8) {
		for v := uint8(1); v <= storeVersions; v++ {
			if list>>v&1 == 1 && s.versions[v].marks&markUnlinked == 0 {
				aside = append(aside, fmt.Sprintf("%s of k%d for %d", s.describe(v), s.objects[s.versions[v].object].key, snapshot))
			}
		}
	}
	for snap := range s.purge.aside {
		set(uint64(snap), s.purge.aside[snap])
		set(uint64(snap)|pool.Update, s.purge.graves[snap])
	}
	set(0, s.purge.freed)
	slices.Sort(open)
	slices.Sort(aside)
	fmt.Fprintf(&b, "open %v\nm %d, H %d, A %v, updates %v, aside %v, %d records", open,
		s.purge.m, s.purge.horizon, members(s.purge.active), members(s.purge.updates), slices.Compact(aside), s.purge.at)
	return b.String()
}

// snapWord is the snap word of transaction t.
func (m *storeModel) snapWord(t int, snap uint8) uint64 {
	if len(m.plans[t].writes) > 0 {
		return uint64(snap) | pool.Update
	}
	return uint64(snap)
}

func members(mask uint8) []uint64 {
	list := []uint64{}
	for i := range uint64(8) {
		if mask>>i&1 == 1 {
			list = append(list, i)
		}
	}
	return list
}

func (s *storeState) describe(v uint8) string {
	x := &s.versions[v]
	return describeVersion(uint64(s.commitTS(v)), x.marks&markTombstone != 0, x.state == 0, x.marks&markAsideVisible != 0, x.marks&markAsideTombstone != 0)
}

func describeVersion(ts uint64, tombstone, stamped, aside, grave bool) string {
	return fmt.Sprintf("%d(tombstone %v, stamped %v, aside %v %v)", ts, tombstone, stamped, aside, grave)
}

func describeReal(v *storage.Version) string {
	return describeVersion(v.CommitTS(), v.Tombstone(), v.PendingOf(nil), v.Marks()&storage.AsideVisible != 0, v.Marks()&storage.AsideTombstone != 0)
}

func (x *replay) describeCode() string {
	m := x.real
	var b strings.Builder
	fmt.Fprintf(&b, "V %d\n", m.Visible())
	for key := range storeKeys {
		name := keyName(key)
		at := m.Store.Ascend(name, append(name, 0))
		o, in := m.Store.Get(name), at.Next()
		fmt.Fprintf(&b, "k%d ordered %v", key, in != nil)
		if o != nil {
			result := o.TryLock(storage.Unlocked, storage.Update)
			if result == storage.Locked {
				o.Lower(storage.Update, storage.Unlocked)
			}
			fmt.Fprintf(&b, " same %v locked %v:", in == o, result == storage.Owned)
			for v := o.Head(); v != nil; v = v.Older() {
				b.WriteString(" " + describeReal(v))
			}
		}
		b.WriteString("\n")
	}
	var open, aside []string
	m.Active(func(_ *deps.Slot, _, snap uint64) { open = append(open, fmt.Sprint(snap)) })
	m.Aside(func(snapshot uint64, o *storage.Object, v *storage.Version) {
		if v.Marks()&storage.Unlinked == 0 {
			aside = append(aside, fmt.Sprintf("%s of %s for %d", describeReal(v), o.Key(), snapshot))
		}
	})
	slices.Sort(open)
	slices.Sort(aside)
	st := m.Scanned()
	fmt.Fprintf(&b, "open %v\nm %d, H %d, A %v, updates %v, aside %v, %d records", open,
		st.M, m.PurgeState().Horizon, append([]uint64{}, st.Active...), append([]uint64{}, st.Updates...), slices.Compact(aside), m.Done())
	return b.String()
}
