package storage_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/internal/invariants"
	"github.com/tierceldb/tiercel/storage"
)

// sizes are all that have a class of their own or are near one, and large ones.
func sizes() []int {
	var all []int
	for n := range 1_300 {
		all = append(all, n)
	}
	return append(all, 4_096, 10_000, storage.MaxKeySize, 1<<17, 1<<20)
}

// pattern returns n bytes that differ from place to place.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*7 + n)
	}
	return p
}

// TestValuesOfEverySize: every value comes back whole, with no room behind it, and
// does not share memory with its neighbours or with what was given.
func TestValuesOfEverySize(t *testing.T) {
	var versions []*storage.Version
	for _, n := range sizes() {
		given := pattern(n)
		versions = append(versions, storage.NewVersion(given, nil))
		clear(given)
	}
	for i, n := range sizes() {
		checkBytes(t, n, versions[i].Value(), pattern(n))
	}
	checkBytes(t, 0, storage.NewVersion(nil, nil).Value(), []byte{})
}

// TestKeysOfEverySize is the same for keys.
func TestKeysOfEverySize(t *testing.T) {
	fits := func(n int) bool { return n <= storage.MaxKeySize }
	var objects []*storage.Object
	for _, n := range sizes() {
		if fits(n) {
			given := pattern(n)
			objects = append(objects, storage.NewObject(given, uint64(n)+1))
			clear(given)
		}
	}
	for i, o := range objects {
		n := sizes()[i]
		checkBytes(t, n, o.Key(), pattern(n))
		if !o.Is(pattern(n), uint64(n)+1) || o.Is(pattern(n+1), uint64(n)+1) || o.Is(pattern(n), uint64(n)) {
			t.Errorf("size %d: the object does not know its key", n)
		}
	}
}

func checkBytes(t *testing.T, n int, got, want []byte) {
	t.Helper()
	if got == nil || !bytes.Equal(got, want) {
		t.Errorf("size %d: %d bytes came back, or others", n, len(got))
	}
	if len(got) != cap(got) {
		t.Errorf("size %d: capacity %d", n, cap(got))
	}
}

// allocated returns how many bytes and how many allocations one call costs: the
// least of some attempts, since others in the process allocate too.
func allocated(call func()) (size, count uint64) {
	size, count = allocatedOnce(call)
	for range 5 {
		s, c := allocatedOnce(call)
		size, count = min(size, s), min(count, c)
	}
	return size, count
}

func allocatedOnce(call func()) (size, count uint64) {
	const calls = 16
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		call()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / calls, (after.Mallocs - before.Mallocs) / calls
}

// mallocHeader is what Go's allocator adds to objects with pointers from this size on.
const mallocHeader, mallocHeaderFrom = 8, 512

// room returns how many bytes lie behind the header for n of them.
func room(n int) int {
	if n <= storage.FineRoom {
		return (n + 15) / 16 * 16
	}
	rooms := storage.CoarseRooms()
	i, _ := slices.BinarySearch(rooms, n)
	return rooms[i]
}

// TestClassesWasteNothing: header and room together are a size class of Go's
// allocator, so a value of up to MaxInline bytes costs one allocation that is no
// larger than it says.
func TestClassesWasteNothing(t *testing.T) {
	if storage.WordSize != 8 || invariants.Enabled {
		t.Log("the classes are chosen for the headers of 64-bit builds without checks")
		return
	}
	kinds := []struct {
		name   string
		header int
		make   func(of []byte)
	}{
		{"version", int(storage.VersionHeader), func(of []byte) { storage.NewVersion(of, nil) }},
		{"object", int(storage.ObjectHeader), func(of []byte) { storage.NewObject(of, 1) }},
	}
	for _, k := range kinds {
		for n := 0; n <= storage.MaxInline; n++ {
			of := pattern(n)
			want := uint64(k.header + room(n))
			if want > mallocHeaderFrom {
				want += mallocHeader
			}
			if size, count := allocated(func() { k.make(of) }); size != want || count != 1 {
				t.Errorf("%s of %d bytes: %d bytes in %d allocations, want %d in 1", k.name, n, size, count, want)
			}
		}
		of := pattern(storage.MaxInline + 1)
		if _, count := allocated(func() { k.make(of) }); count != 2 {
			t.Errorf("%s beyond the classes: %d allocations, want 2", k.name, count)
		}
	}
}

// TestReadsDoNotAllocate: a lookup and the value found.
func TestReadsDoNotAllocate(t *testing.T) {
	s, key := storage.New(), []byte("a key of some length")
	o := storage.NewObject(key, s.Hash(key))
	v := storage.NewVersion([]byte("value"), nil)
	v.Stamp(3)
	o.Link(v)
	s.Adopt(o)
	got := testing.AllocsPerRun(100, func() {
		if v := s.Get(key).Visible(3); len(v.Value()) != 5 {
			t.Errorf("value %q", v.Value())
		}
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// TestWrittenOfEverySize: an object and its first version, made together, are what
// they are when made apart, in one allocation if both are short. The version goes on
// when it is linked to another object.
func TestWrittenOfEverySize(t *testing.T) {
	state := new(storage.State)
	var objects []*storage.Object
	var versions []*storage.Version
	each := func(fn func(key, value int)) {
		for key := range 40 {
			for value := range storage.FineRoom + 40 {
				fn(key, value)
			}
		}
	}
	each(func(key, value int) {
		givenKey, givenValue := pattern(key), pattern(value)
		o, v := storage.NewWritten(givenKey, uint64(key)+1, givenValue, state)
		clear(givenKey)
		clear(givenValue)
		objects, versions = append(objects, o), append(versions, v)
	})
	at := 0
	each(func(key, value int) {
		o, v := objects[at], versions[at]
		at++
		checkBytes(t, key, o.Key(), pattern(key))
		checkBytes(t, value, v.Value(), pattern(value))
		if !o.IsFresh() || o.Head() != nil || o.TryLock(storage.Unlocked, storage.Update) != storage.Owned || o.Hash() != uint64(key)+1 {
			t.Errorf("key of %d, value of %d: not a new object", key, value)
		}
		if !v.PendingOf(state) || v.CommitTS() != 0 || v.Tombstone() || v.Older() != nil {
			t.Errorf("key of %d, value of %d: not a pending version", key, value)
		}
		other := storage.NewObject(nil, 1)
		other.Link(v)
		if other.Head() != v || o.Head() != nil {
			t.Errorf("key of %d, value of %d: not linked to another object", key, value)
		}
	})
	key, value := pattern(32), pattern(storage.FineRoom)
	for _, n := range []int{1, 16, 17, 32} {
		if _, count := allocated(func() { storage.NewWritten(key[:n], 1, value, state) }); count != 1 {
			t.Errorf("key of %d: %d allocations, want 1", n, count)
		}
	}
}
