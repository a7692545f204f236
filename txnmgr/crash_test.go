package txnmgr_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// newDice returns a generator and prints how to get the same again.
func seededDice(t testing.TB) *rand.Rand {
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Logf("-seed %d", n)
	return rand.New(rand.NewPCG(n, 0))
}

// disk is a machine that may crash: a file system for the log, and an engine that
// loses what it has not made durable.
type disk struct {
	fs     *faultfs.FS
	engine *memstore.Store
	log    int64 // budget of the log; 0: little
}

// image returns what a crash at this moment may leave. The file system comes first:
// what has been applied by then it had, whatever is applied later. If the engine
// changed meanwhile, the log may have been truncated by what it had not kept yet, or
// the other way round; so that is done again.
func (d disk) image(dice *rand.Rand) disk {
	for {
		mark, kept := d.engine.Mark(), d.engine.Persisted()
		after := disk{fs: d.fs.Crash(dice), engine: d.engine.Crash(), log: d.log}
		if d.engine.Mark() == mark && d.engine.Persisted() == kept {
			return after
		}
	}
}

func (d disk) open(t testing.TB) *txnmgr.Manager {
	t.Helper()
	m, err := txnmgr.Open(fsys.With(context.Background(), d.fs), txnmgr.Options{
		Dir: "store", Engine: d.engine, CacheBytes: 4 << 10, LogBytes: cmp.Or(d.log, 64<<10),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// holdings is what a store has: keys, and what is prepared.
type holdings struct {
	values   map[string]string
	prepared map[string]map[string]string // by xid, what it writes; "" deletes
}

func (c holdings) clone() holdings {
	return holdings{values: maps.Clone(c.values), prepared: maps.Clone(c.prepared)}
}

// write makes the writes part of the holdings.
func (c holdings) write(writes map[string]string) {
	for k, v := range writes {
		if v == "" {
			delete(c.values, k)
		} else {
			c.values[k] = v
		}
	}
}

// String returns the contents in short.
func (c holdings) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c.values)) {
		n, _, _ := strings.Cut(c.values[k], " ")
		fmt.Fprintf(&b, "%s=%s ", strings.TrimPrefix(k, "key "), n)
	}
	for _, xid := range slices.Sorted(maps.Keys(c.prepared)) {
		fmt.Fprintf(&b, "%s:%q ", xid, slices.Sorted(maps.Keys(c.prepared[xid])))
	}
	return b.String()
}

func (c holdings) equal(other holdings) bool {
	same := maps.EqualFunc(c.prepared, other.prepared, func(a, b map[string]string) bool {
		return slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
	})
	return same && maps.Equal(c.values, other.values)
}

// read returns what a manager has; of prepared transactions the keys only.
func readAll(t testing.TB, m *txnmgr.Manager) holdings {
	c := holdings{values: make(map[string]string), prepared: make(map[string]map[string]string)}
	err := m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		for k, v := range tx.Scan(nil, nil) {
			c.values[string(k)] = string(v)
		}
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Prepared() {
		writes := make(map[string]string)
		for _, k := range p.Keys {
			writes[string(k)] = "?"
		}
		c.prepared[p.XID] = writes
	}
	return c
}

// life is a program that commits one transaction after the other on a machine that
// may crash after each step it takes on the disk. What may be there afterwards is
// what was there after one of its steps, the last that was acknowledged or a later one.
type life struct {
	t    *testing.T
	dice *rand.Rand
	disk disk
	m    *txnmgr.Manager

	mu      sync.Mutex // protects following fields
	states  []holdings // after each step, the first one before all
	acked   int        // index of the last that cannot be lost
	crashes int
	looking *rand.Rand // for the crashes
	busy    atomic.Bool
}

// crash looks at what a crash at this moment may leave.
func (l *life) crash() {
	if !l.busy.CompareAndSwap(false, true) {
		return // another goroutine is looking
	}
	defer l.busy.Store(false)
	l.mu.Lock()
	acked := l.acked
	l.mu.Unlock()
	after := l.disk.image(l.looking)
	l.mu.Lock()
	could := l.states[acked:]
	l.crashes++
	l.mu.Unlock()
	m := after.open(l.t)
	got := readAll(l.t, m)
	if !slices.ContainsFunc(could, got.equal) && !l.t.Failed() {
		l.t.Errorf("after a crash the store has\n%v\nand the possible states are", got)
		for _, c := range could {
			l.t.Log(c)
		}
	}
	l.goOn(m, after, got)
}

// goOn uses what a crash has left, and opens it once more.
func (l *life) goOn(m *txnmgr.Manager, d disk, has holdings) {
	ctx := context.Background()
	has = has.clone()
	for xid, writes := range has.prepared {
		if l.looking.IntN(2) == 0 {
			if err := m.RollbackPrepared(ctx, xid); err != nil {
				l.t.Error(err)
			}
			delete(has.prepared, xid)
			continue
		}
		if len(writes) == 0 {
			continue
		}
		if _, err := tryUpdate(m, slices.Collect(maps.Keys(writes))); err == nil {
			l.t.Errorf("what prepared %q writes is not locked", xid)
		}
	}
	free := "after the crash"
	if err := m.Update(ctx, func(tx *txnmgr.Txn) error { return tx.Put([]byte(free), []byte("x")) }); err != nil {
		l.t.Error(err)
	}
	has.values[free] = "x"
	if err := m.Close(); err != nil {
		l.t.Error(err)
	}
	d.engine = d.engine.Crash()
	m = d.open(l.t)
	defer m.Close()
	if got := readAll(l.t, m); !got.equal(has) {
		l.t.Errorf("opened again the store has\n%v\nand should have\n%v", got, has)
	}
}

// tryUpdate locks the keys without waiting.
func tryUpdate(m *txnmgr.Manager, keys []string) (bool, error) {
	tx, err := m.Begin(context.Background())
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	for _, k := range keys {
		if err := tx.Lock(context.Background(), []byte(k), txnmgr.ForUpdate, txnmgr.NoWait); err != nil {
			return false, err
		}
	}
	return true, nil
}

// begun notes what a step will make of the store, before it is taken.
func (l *life) begun(next holdings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states = append(l.states, next)
}

// done notes that the last step cannot be lost.
func (l *life) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = len(l.states) - 1
}

// step takes a random step.
func (l *life) step(n int) {
	next := l.states[len(l.states)-1].clone()
	xids := slices.Sorted(maps.Keys(next.prepared))
	var err error
	switch choice := l.dice.IntN(10); {
	case choice == 0 && len(xids) > 0:
		xid := xids[l.dice.IntN(len(xids))]
		next.write(next.prepared[xid])
		delete(next.prepared, xid)
		l.begun(next)
		err = l.m.CommitPrepared(context.Background(), xid)
	case choice == 1 && len(xids) > 0:
		xid := xids[l.dice.IntN(len(xids))]
		delete(next.prepared, xid)
		l.begun(next)
		err = l.m.RollbackPrepared(context.Background(), xid)
	case choice == 2 && len(xids) < 3:
		err = l.prepare(n, next)
	default:
		writes := l.writes(n, next) // if there are none, nothing is waited for
		next.write(writes)
		l.begun(next)
		durability := txnmgr.Durability(l.dice.IntN(2))
		err = l.m.Update(context.Background(), func(tx *txnmgr.Txn) error { return applyWrites(tx, writes) }, txnmgr.WithDurability(durability))
		if durability == txnmgr.Async || len(writes) == 0 {
			return
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.done()
}

func (l *life) prepare(n int, next holdings) error {
	writes, xid := l.writes(n, next), fmt.Sprint("x", n)
	tx, err := l.m.Begin(context.Background())
	if err != nil {
		return err
	}
	if err := applyWrites(tx, writes); err != nil {
		return err
	}
	next.prepared[xid] = writes
	l.begun(next)
	return tx.Prepare(context.Background(), xid)
}

// writes returns some, on keys that nothing prepared has locked.
func (l *life) writes(n int, now holdings) map[string]string {
	writes := make(map[string]string)
	for range 1 + l.dice.IntN(4) {
		k := fmt.Sprintf("key %02d", l.dice.IntN(24))
		if slices.ContainsFunc(slices.Collect(maps.Values(now.prepared)), func(w map[string]string) bool { _, locked := w[k]; return locked }) {
			continue
		}
		writes[k] = fmt.Sprintf("%d %0*d", n, l.dice.IntN(900), 0)
		if l.dice.IntN(4) == 0 {
			writes[k] = ""
		}
	}
	return writes
}

func applyWrites(tx *txnmgr.Txn, writes map[string]string) error {
	for k, v := range writes {
		err := tx.Delete([]byte(k))
		if v != "" {
			err = tx.Put([]byte(k), []byte(v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestCrashes: after a crash at any step that log and applier take on the disk, the
// store has a prefix of what was committed, in commit order, with all that was
// acknowledged (I6); what was prepared is prepared, with its locks.
func TestCrashes(t *testing.T) {
	dice := seededDice(t)
	want := 2_000
	if testing.Short() || invariants.Enabled {
		want = 300
	}
	crashes, lives := 0, 0
	for ; crashes < want && !t.Failed(); lives++ {
		d := disk{fs: faultfs.New(), engine: memstore.Open(memstore.Options{PersistEvery: dice.IntN(4)})}
		l := &life{t: t, dice: dice, looking: rand.New(rand.NewPCG(dice.Uint64(), 1)), disk: d}
		l.states = []holdings{{values: map[string]string{}, prepared: map[string]map[string]string{}}}
		for range 1 + dice.IntN(3) {
			d.fs.Watch(func(faultfs.Op, string) { l.crash() })
			l.disk = d
			l.m = d.open(t)
			for n := range 40 {
				l.step(len(l.states)*100 + n)
			}
			if err := l.m.Close(); err != nil {
				t.Fatal(err)
			}
			l.done()
			d.fs.Watch(nil)
			d.engine = d.engine.Crash()
		}
		crashes += l.crashes
	}
	t.Logf("%d crashes in %d lives", crashes, lives)
}
