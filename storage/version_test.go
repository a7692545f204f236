package storage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// condition is what may have become of a version in a chain.
type condition int

const (
	stamped    condition = iota // committed, and done with
	committed                   // by its state word only: the committer is between finish and stamp
	pending                     // of a transaction that is open
	rolledBack                  // and still linked
)

func (c condition) String() string {
	return [...]string{"stamped", "committed", "pending", "rolled back"}[c]
}

// naiveVersion is one element of a naive chain.
type naiveVersion struct {
	at        uint64 // commit timestamp, or 0
	condition condition
	tombstone bool
	state     *storage.State
	version   *storage.Version
}

// naiveChain is what a version chain has to be equal to: a slice, newest first.
type naiveChain []naiveVersion

// chain returns a random one with timestamps from 1 up to newest.
func chain(r *rand.Rand, newest uint64) naiveChain {
	var c naiveChain
	for at := uint64(1); at <= newest; at++ {
		for range r.IntN(3) / 2 { // sometimes a version that does not count
			c = append(c, newVersion(r, 0, pending+condition(r.IntN(2))))
		}
		if r.IntN(2) == 0 {
			c = append(c, newVersion(r, at, condition(r.IntN(2))))
		}
	}
	slices.Reverse(c)
	return c
}

func newVersion(r *rand.Rand, at uint64, is condition) naiveVersion {
	n := naiveVersion{at: at, condition: is, tombstone: r.IntN(4) == 0, state: new(storage.State)}
	if n.tombstone {
		n.version = storage.NewTombstone(n.state)
	} else {
		n.version = storage.NewVersion(fmt.Appendf(nil, "%d", at), n.state)
	}
	switch is {
	case stamped:
		n.state.Commit(at)
		n.version.Stamp(at)
	case committed:
		n.state.Commit(at)
	case rolledBack:
		n.state.RollBack()
	}
	return n
}

// linkTo makes the chain that of o.
func (c naiveChain) linkTo(o *storage.Object) {
	for i := len(c) - 1; i >= 0; i-- {
		o.Link(c[i].version)
	}
}

func (c naiveChain) visible(snapshot uint64) *storage.Version {
	for _, n := range c {
		if n.at != 0 && n.at <= snapshot {
			return n.version
		}
	}
	return nil
}

func (c naiveChain) newest(own *storage.State) (*storage.Version, uint64) {
	for _, n := range c {
		if n.at != 0 && (n.state != own || n.condition == stamped) {
			return n.version, n.at
		}
	}
	return nil, 0
}

func (c naiveChain) String() string {
	var b strings.Builder
	for _, n := range c {
		fmt.Fprintf(&b, "%d %v, ", n.at, n.condition)
	}
	return b.String()
}

// TestVisibleAgainstSlice: random chains, with versions that are committed but not
// stamped, pending, or rolled back and not yet unlinked.
func TestVisibleAgainstSlice(t *testing.T) {
	r := random(t)
	for range 5_000 {
		const newest = 8
		o, c := storage.NewObject(nil, 1), chain(r, newest)
		c.linkTo(o)
		for snapshot := range uint64(newest + 2) {
			if got, want := o.Visible(snapshot), c.visible(snapshot); got != want {
				t.Errorf("%v: at %d got %s, want %s", c, snapshot, valueOf(got), valueOf(want))
			}
		}
		for _, n := range append(c, naiveVersion{state: new(storage.State)}) {
			got, at := storage.Newest(o.Head(), n.state)
			if want, wantAt := c.newest(n.state); got != want || at != wantAt {
				t.Errorf("%v: newest but for one's own %d is %s, want %s", c, n.at, valueOf(got), valueOf(want))
			}
		}
	}
}

func valueOf(v *storage.Version) string {
	switch {
	case v == nil:
		return "nothing"
	case v.Tombstone():
		return "a tombstone"
	}
	return string(v.Value())
}

// TestLinkUndoUnlink shows the edits of a chain: a version comes on top and may go
// again, and any below the top may go.
func TestLinkUndoUnlink(t *testing.T) {
	o := storage.NewObject([]byte("key"), 1)
	var all [4]*storage.Version
	for i := range all {
		all[i] = newVersion(rand.New(rand.NewPCG(1, 1)), uint64(i+1), stamped).version
		o.Link(all[i])
	}
	wantChain(t, o, 4, 3, 2, 1)
	open := new(storage.State)
	mine := storage.NewVersion(nil, open)
	o.Link(mine)
	wantChain(t, o, 0, 4, 3, 2, 1)
	storage.Unlink(all[3]) // under the pending one
	wantChain(t, o, 0, 4, 2, 1)
	open.RollBack()
	o.Undo(mine)
	wantChain(t, o, 4, 2, 1)
	storage.Unlink(all[1]) // the last
	wantChain(t, o, 4, 2)
	if all[2].Older() != all[1] || all[2].Marks()&storage.Unlinked == 0 || all[3].Marks() != 0 {
		t.Error("who stands on an unlinked version does not go on from it, or it is not marked")
	}
}

func wantChain(t *testing.T, o *storage.Object, want ...uint64) {
	t.Helper()
	var got []uint64
	for v := o.Head(); v != nil; v = v.Older() {
		got = append(got, v.CommitTS())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("chain %v, want %v", got, want)
	}
}

// TestCommitTSDuringStamp: from the moment a transaction is committed, whoever
// looks at one of its versions finds the timestamp, stamped or not.
func TestCommitTSDuringStamp(t *testing.T) {
	for range 2_000 {
		state := new(storage.State)
		v := storage.NewVersion([]byte("v"), state)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for v.CommitTS() == 0 {
				}
				if at := v.CommitTS(); at != 7 {
					t.Errorf("commit timestamp %d after 7", at)
				}
			})
		}
		state.Commit(7)
		v.Stamp(7)
		wg.Wait()
		if v.PendingOf(state) {
			t.Error("a stamped version still points at its transaction")
		}
	}
}

// TestValuesOutliveVersions: what was returned stays as it was, when the caller's
// own slice has changed, the version is long gone, and its memory would be reused.
func TestValuesOutliveVersions(t *testing.T) {
	const n = 1_000
	var got [n][]byte
	given := make([]byte, 2*n)
	for i := range got {
		for j := range given {
			given[j] = byte(i)
		}
		got[i] = storage.NewVersion(given[:2*i], nil).Value()
	}
	clear(given)
	runtime.GC()
	for i := range n {
		storage.NewVersion(given[:2*i], nil)
	}
	for i, value := range got {
		if want := bytes.Repeat([]byte{byte(i)}, 2*i); !bytes.Equal(value, want) {
			t.Errorf("a value of %d times %d is now %d", 2*i, byte(i), value)
		}
	}
}
