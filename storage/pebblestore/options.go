package pebblestore

import (
	"math"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options are how a store is opened. The zero value is good for a small machine.
type Options struct {
	// CacheBytes is the memory for blocks of tables and for memtables together: what
	// the memtables take is not available to blocks. 0 is 64 MiB.
	CacheBytes int64
	// MemTableBytes is how much is applied before it is written to a table. There
	// are at most about three times as many bytes in memory that are not in a table
	// yet; then Apply waits. 0 is an eighth of CacheBytes, but at least 1 MiB and at
	// most 64 MiB.
	MemTableBytes uint64
	// FS is the file system; nil is the operating system's.
	FS vfs.FS
}

const (
	defaultCacheBytes = 64 << 20
	minMemTableBytes  = 1 << 20
	maxMemTableBytes  = 64 << 20

	// maxMemTables times MemTableBytes is where Apply waits: one table fills, one is
	// written, and one keeps the two from waiting for each other.
	maxMemTables = 3
	// maxSublevels is how many tables a Load may have to look through on the level
	// that memtables are written to before Apply waits for compactions.
	maxSublevels = 20

	// indexBytes is enough for the index of most tables to be one block, so that a
	// Load looks into one index instead of two: 3.1 µs instead of 3.3 for one of
	// 200,000 values of 100 bytes that are in the cache. Rows in place of columns in
	// the blocks took 3.9 µs.
	indexBytes = 256 << 10

	// bloomBits for each key let 1 of 100 lookups of an absent key read a table.
	bloomBits = 10

	// formatVersion is that of the tables and of the files about them. It is not
	// Pebble's newest by name, so that an update of Pebble does not write what the
	// version before cannot read.
	formatVersion = pebble.FormatValueSeparation
)

func (o Options) withDefaults() Options {
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = min(max(uint64(o.CacheBytes)/8, minMemTableBytes), maxMemTableBytes)
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	return o
}

// base is what reading and writing have in common.
func base(fs vfs.FS) *pebble.Options {
	p := &pebble.Options{FS: fs, FormatMajorVersion: formatVersion}
	// The other scheduler differs in a goroutine that looks ten times a second for
	// compactions that may run, and that an Open which fails leaves behind. This one
	// looks when a flush or a compaction has ended.
	p.Experimental.CompactionScheduler = pebble.NewConcurrencyLimitSchedulerWithNoPeriodicGrantingForTest()
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return p
}

// pebble returns the options of the database. Pebble's own limits on what may be in
// memory are out of reach, because who waits for them cannot be woken by Close.
func (o Options) pebble(fs vfs.FS) *pebble.Options {
	p := base(fs)
	p.CacheSize = o.CacheBytes
	p.MemTableSize = o.MemTableBytes
	p.MemTableStopWritesThreshold = math.MaxInt32
	p.L0StopWritesThreshold = math.MaxInt32
	p.DisableWAL = true
	p.Experimental.EnableColumnarBlocks = func() bool { return true }
	for i := range p.Levels {
		p.Levels[i].IndexBlockSize = indexBytes
	}
	p.CompactionConcurrencyRange = func() (lower, upper int) {
		return 1, max(1, runtime.GOMAXPROCS(0)-1)
	}
	return p
}
