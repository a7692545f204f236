package storage

import (
	"math/bits"
	"unsafe"

	"github.com/dgraph-io/ristretto/v2"
	"go.uber.org/atomic"
)

// cache decides which of the objects that could be loaded again stay in memory. It
// is never asked for an object: what it has is in the table, and what it gives up,
// or does not take, leaves the table. All it does, it does some time after it was
// told; so an object may have several entries for a while, which it counts itself
// (account.go).
//
// # Who is let in
//
// An entry costs ristretto a microsecond or two, most of it for the choice of those
// that have to go. So while the cache is full, a key is not offered when it is missed
// for the first time, but when it is missed again while it is among the last keys
// missed: of keys read once in a long time, few come that far. Simulated with room for
// 100,000 of 1,000,000 keys, and 65,536 keys missed to compare with, that leaves 12 % of
// the offers with a zipf distribution of exponent 0.99, and 7 % with a uniform one; the
// share of hits is 79.5 % instead of 77.8 %, and 10 % as before.
type cache struct {
	entries *ristretto.Cache[uint64, *Object]
	full    atomic.Bool     // something was given up or not taken
	missed  []atomic.Uint32 // by some bits of the hash, other bits of the last key missed
	shift   int
}

const (
	// bytesPerCounter and bytesPerMiss say how large the tables are: with small
	// objects, ristretto has some three counters for each that it has room for, and
	// missed has an element for every other one.
	bytesPerCounter = 128
	bytesPerMiss    = 512
	least           = 1 << 10
	// shareOfTables is what these take of the cache: a sixteenth.
	shareOfTables = 16
	// readsNoted is how many keys that were read are noted before they are counted.
	readsNoted = 64
)

func (c *cache) init(size int64, leave func(*Object)) (err error) {
	n := bits.Len64(uint64(max(size/bytesPerMiss, least))) - 1
	c.missed, c.shift = make([]atomic.Uint32, 1<<n), 64-n
	c.entries, err = ristretto.NewCache(&ristretto.Config[uint64, *Object]{
		NumCounters:        max(size/bytesPerCounter, least),
		MaxCost:            max(size-size/shareOfTables, 1),
		BufferItems:        readsNoted,
		IgnoreInternalCost: true,
		OnEvict:            func(*ristretto.Item[*Object]) { c.noteFull() },
		OnReject:           func(*ristretto.Item[*Object]) { c.noteFull() },
		OnExit:             leave,
		KeyToHash:          func(hash uint64) (uint64, uint64) { return hash, 0 },
	})
	return err
}

func (c *cache) close() { c.entries.Close() }

func (c *cache) noteFull() {
	if !c.full.Load() {
		c.full.Store(true)
	}
}

// offer gives the cache an object. It reports false if the cache is too busy to take
// it; otherwise leave will be called for this.
func (c *cache) offer(o *Object, cost int64) bool { return c.entries.Set(o.hash, o, cost) }

// withdraw takes the entry back of an object that was deleted, or has grown and is going
// to be offered again. Ristretto does not look for room when an entry is replaced by one that costs more, and
// forgets the cost if it is busy: a cache of objects that grow would take any amount of
// memory. It may wait for the goroutine that calls leave, which must not call it.
func (c *cache) withdraw(o *Object) { c.entries.Del(o.hash) }

// noteRead lets the cache know that the object with the hash was read.
func (c *cache) noteRead(hash uint64) { c.entries.Get(hash) }

// bytes returns the cost of all that the cache has.
func (c *cache) bytes() int64 { return c.entries.MaxCost() - c.entries.RemainingCost() }

// admission says what is made of something loaded.
type admission uint8

const (
	versionAlone     admission = iota // it is read, and forgotten
	objectAndVersion                  // it comes into memory
)

// admits is asked for each key that is missed.
func (c *cache) admits(hash uint64) admission {
	if !c.full.Load() {
		return objectAndVersion
	}
	at := &c.missed[hash*spread>>c.shift]
	if at.Load() == uint32(hash) {
		return objectAndVersion
	}
	at.Store(uint32(hash))
	return versionAlone
}

// spread is odd, and has its bits all over: the top bits of a hash times this are
// others than those that choose anything else.
const spread = 0x9e3779b97f4a7c15

const (
	cellBytes  = 32  // a cell of the table, which is between a quarter and three quarters full
	orderBytes = 16  // a pointer in a leaf, likewise
	entryBytes = 190 // an entry in ristretto's two maps; measured: 143 to 208, as full as they are
)

// footprint returns how much memory an object with the one version v takes, if it is
// in both indexes; whether it is belongs to whoever holds the lock word.
func footprint(o *Object, v *Version) int64 {
	size := cellBytes + entryBytes + orderBytes + int(objectHeader) + roomOf(int(o.size))
	if o.room != 0 {
		size += int(versionHeader) + int(o.room)*16
	}
	if o.room == 0 || !o.isFirst(v) {
		size += int(versionHeader) + roomOf(int(v.size))
	}
	return int64(size)
}

// isFirst reports whether v lies in one allocation with o.
func (o *Object) isFirst(v *Version) bool {
	return uintptr(unsafe.Pointer(v))-uintptr(unsafe.Pointer(o)) <= objectHeader+maxJoinedKey
}
