package txnmgr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/internal/faultfs"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/txnmgr"
)

// machine has a log and a Pebble store on file systems that may crash.
type machine struct {
	log     *faultfs.FS
	objects *vfs.MemFS
	engine  *pebblestore.Store
}

// start opens the manager, with as little memory as can be, so that much is written.
func (x *machine) start(t *testing.T) *txnmgr.Manager {
	t.Helper()
	var err error
	x.engine, err = pebblestore.Open("objects", pebblestore.Options{FS: x.objects, CacheBytes: 64 << 10, MemTableBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	m, err := txnmgr.Open(fsys.With(context.Background(), x.log), txnmgr.Options{
		Dir: "store", Engine: x.engine, CacheBytes: 4 << 10, LogBytes: 64 << 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// image returns what a crash at this moment may leave; see disk.image.
func (x *machine) image(dice *rand.Rand) *machine {
	for {
		mark, kept := x.engine.Mark(), x.engine.Persisted()
		after := &machine{
			log:     x.log.Crash(dice),
			objects: x.objects.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: dice.IntN(101), RNG: dice}),
		}
		if x.engine.Mark() == mark && x.engine.Persisted() == kept {
			return after
		}
	}
}

// TestCrashesOfBoth: log and Pebble store crash together, while commits go to both. What
// is left is a prefix of what was committed, with all that was acknowledged (I6).
func TestCrashesOfBoth(t *testing.T) {
	dice := seededDice(t)
	x := &machine{log: faultfs.New(), objects: vfs.NewCrashableMem()}
	m := x.start(t)
	var acked atomic.Int64
	var looking sync.Mutex
	crashes, changes := 0, 0
	x.log.Watch(func(faultfs.Op, string) {
		looking.Lock()
		defer looking.Unlock()
		if changes++; changes%10 != 0 || crashes == 100 {
			return
		}
		crashes++
		least := int(acked.Load())
		x.image(dice).check(t, least)
	})
	value := make([]byte, 2000)
	for n := 1; n <= 600; n++ {
		rand.NewChaCha8([32]byte{byte(n)}).Read(value) // never fails
		err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
			if err := tx.Put([]byte("n"), fmt.Append(nil, n)); err != nil {
				return err
			}
			return tx.Put(fmt.Appendf(nil, "of %06d", n), value)
		})
		if err != nil {
			t.Fatal(err)
		}
		acked.Store(int64(n))
	}
	wantErr(t, "Close", m.Close())
	x.log.Watch(nil)
	x.check(t, 600)
	t.Logf("%d crashes", crashes)
	want(t, "some were looked at", crashes > 10, true)
}

// check opens what is there.
func (x *machine) check(t *testing.T, acked int) {
	t.Helper()
	m := x.start(t)
	has := readAll(t, m)
	n := 0
	fmt.Sscan(has.values["n"], &n)
	if n < acked || len(has.values) != 1+n && n > 0 {
		t.Errorf("the store has commit %d, %d keys, and %d was acknowledged", n, len(has.values), acked)
	}
	wantErr(t, "Close", m.Close())
}
