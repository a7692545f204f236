package storage

import (
	"unsafe"

	"github.com/dgraph-io/ristretto/v2"
)

// cache decides which of the objects that could be loaded again stay in memory. It
// is never asked for an object: what it has is in the table, and what it gives up,
// or does not take, leaves the table. All it does, it does some time after it was
// told; so an object may have several entries for a while, which it counts itself
// (account.go).
type cache struct {
	entries *ristretto.Cache[uint64, *Object]
}

const (
	// countersPer is the number of bytes of the cache that there is a counter for.
	countersPer = 64
	minCounters = 1 << 10
	// getBuffer is how many keys that were read are noted before they are counted.
	getBuffer = 64
)

func (c *cache) init(size int64, leave func(*Object)) (err error) {
	c.entries, err = ristretto.NewCache(&ristretto.Config[uint64, *Object]{
		NumCounters:        max(size/countersPer, minCounters),
		MaxCost:            max(size, 1),
		BufferItems:        getBuffer,
		IgnoreInternalCost: true,
		OnExit:             leave,
		KeyToHash:          func(hash uint64) (uint64, uint64) { return hash, 0 },
	})
	return err
}

func (c *cache) close() { c.entries.Close() }

// offer gives the cache an object. It reports false if the cache is too busy to take
// it; otherwise leave will be called for this.
func (c *cache) offer(o *Object, cost int64) bool { return c.entries.Set(o.hash, o, cost) }

// noteRead lets the cache know that the object with the hash was read.
func (c *cache) noteRead(hash uint64) { c.entries.Get(hash) }

// bytes returns the cost of all that the cache has.
func (c *cache) bytes() int64 { return c.entries.MaxCost() - c.entries.RemainingCost() }

const (
	cellBytes  = 32  // a cell of the table, which is between a quarter and three quarters full
	orderBytes = 16  // a pointer in a leaf, likewise
	entryBytes = 120 // an entry in ristretto's two maps
)

// footprint returns how much memory an object with the one version v takes.
func footprint(o *Object, v *Version) int64 {
	size := cellBytes + entryBytes + int(objectHeader) + roomOf(int(o.size))
	if o.ordered {
		size += orderBytes
	}
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
	at := uintptr(unsafe.Pointer(v)) - uintptr(unsafe.Pointer(o))
	return at < objectHeader+64
}
