package deps_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/storage"
)

var errCause = errors.New("deps_test: ended from outside")

// base is a manager, with what the tests do to it.
type base struct {
	*deps.Manager
	t *testing.T
}

func newBase(t *testing.T) base { return base{Manager: deps.New(stages.Stages{}), t: t} }

// filled returns one in which each key was put with itself as the value.
func filled(t *testing.T, keys ...string) base {
	b := newBase(t)
	if len(keys) > 0 {
		b.update(keys...)
	}
	return b
}

// txn is a serializable update transaction.
type txn struct {
	deps.Record
	b base
}

func (b base) begin() *txn {
	x := &txn{b: b}
	if !b.Begin(&x.Record) {
		b.t.Error("no transaction begins")
	}
	return x
}

// object returns the object with the key, or a new one.
func (b base) object(key string) *storage.Object {
	hash := b.Store.Hash([]byte(key))
	if o := b.Store.Lookup([]byte(key), hash); o != nil {
		return o
	}
	return storage.NewObject([]byte(key), hash)
}

func (x *txn) write(key string, v *storage.Version) *txn {
	o := x.b.object(key)
	for i := range x.Writes {
		if w := &x.Writes[i]; w.Object.Is([]byte(key), o.Hash()) {
			w.Version = v
			return x
		}
	}
	x.Add(deps.Write{Object: o, Version: v})
	return x
}

// put writes value to all keys.
func (x *txn) put(value string, keys ...string) *txn {
	for _, key := range keys {
		x.write(key, storage.NewVersion([]byte(value), &x.State))
	}
	return x
}

func (x *txn) remove(keys ...string) *txn {
	for _, key := range keys {
		x.write(key, storage.NewTombstone(&x.State))
	}
	return x
}

// read enters the keys in the read set, and returns the values, "-" for none.
func (x *txn) read(keys ...string) string {
	var found []string
	for _, key := range keys {
		o := x.b.object(key)
		found = append(found, valueAt(o, x.Snapshot))
		if o.IsFresh() {
			x.Reads.AddAbsent([]byte(key), o.Hash())
		} else {
			x.Reads.AddObject(o)
		}
	}
	return strings.Join(found, " ")
}

func (x *txn) readRange(r deps.Range) *txn {
	x.Reads.AddRange(r)
	return x
}

func (x *txn) commit() error {
	_, err := x.b.Commit(context.Background(), &x.Record)
	return err
}

// vote is the first part of a commit, which works.
func (x *txn) vote() {
	x.b.t.Helper()
	want(x.b.t, "vote", x.b.Vote(context.Background(), &x.Record), nil)
}

func (x *txn) commitWith(ctx context.Context) error {
	_, err := x.b.Commit(ctx, &x.Record)
	return err
}

// update puts each key, with itself as the value, and returns the timestamp.
func (b base) update(keys ...string) uint64 {
	b.t.Helper()
	x := b.begin()
	for _, key := range keys {
		x.put(key, key)
	}
	want(b.t, "commit", x.commit(), nil)
	return x.CommitTS()
}

// set puts one value to the keys, and drop removes them.
func (b base) set(value string, keys ...string) {
	b.t.Helper()
	want(b.t, "commit", b.begin().put(value, keys...).commit(), nil)
}

func (b base) drop(keys ...string) {
	b.t.Helper()
	want(b.t, "commit", b.begin().remove(keys...).commit(), nil)
}

// reader is a read-only transaction.
type reader struct {
	slot     *deps.Slot
	gen      uint64
	snapshot uint64
}

func (b base) reader() reader {
	slot, gen, snapshot := b.BeginRead()
	return reader{slot: slot, gen: gen, snapshot: snapshot}
}

func (r reader) end() { r.slot.End(r.gen, r.snapshot) }

// readers begins n, with a commit on one of the keys after each.
func (b base) readers(n int, keys ...string) (held []reader) {
	for i := range n {
		held = append(held, b.reader())
		b.set(fmt.Sprint("between ", i), keys[i%len(keys)])
	}
	return held
}

// at returns the values of the keys that a reader sees who begins now.
func (b base) now(keys ...string) string {
	r := b.reader()
	defer r.end()
	var found []string
	for _, key := range keys {
		found = append(found, valueAt(b.object(key), r.snapshot))
	}
	return strings.Join(found, " ")
}

func valueAt(o *storage.Object, snapshot uint64) string {
	if v := o.Visible(snapshot); v != nil && !v.Tombstone() {
		return string(v.Value())
	}
	return "-"
}

// keys returns all that are in the ordered index, and checks that the table has
// the same.
func (b base) keys() string {
	var found []string
	c := b.Store.Ascend(nil, nil)
	for o := c.Next(); o != nil; o = c.Next() {
		found = append(found, string(o.Key()))
		if b.Store.Get(o.Key()) != o {
			b.t.Errorf("%q is in the ordered index and not in the table", o.Key())
		}
	}
	want(b.t, "objects in the table", b.Store.Len(), int64(len(found)))
	return strings.Join(found, " ")
}

// chain returns the timestamps of the versions of a key, newest first.
func (b base) chain(key string) (found []uint64) {
	for v := b.object(key).Head(); v != nil; v = v.Older() {
		found = append(found, v.CommitTS())
	}
	return found
}

// isFree checks that nobody holds the keys, those that there are, or waits for them.
func (b base) isFree(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		o := b.Store.Get([]byte(key))
		if o == nil {
			continue
		}
		want(b.t, "waiting for "+key, b.Waiting(o), 0)
		want(b.t, "lock word of "+key, o.TryLock(storage.Unlocked, storage.Update), storage.Locked)
		want(b.t, "unlock of "+key, o.Lower(storage.Update, storage.Unlocked), true)
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// wantCause checks an error. That of a wait which was given up says what it was for.
func wantCause(t *testing.T, what string, got, want error) {
	t.Helper()
	if waited, is := got.(*deps.Waited); is && (waited.Object == nil) != (waited.Behind == nil) {
		got = waited.Why
	}
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantSlice[T comparable](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// kindOf returns the kind of the conflict that err is, or err.
func kindOf(err error) any {
	var clash *deps.Conflict
	if errors.As(err, &clash) {
		return clash.Kind
	}
	return err
}
