package storage

// Engine is the object store under the object table: what was committed long
// enough ago is there, and what memory has no room for is only there. It keeps the
// newest version of each key that it was given, and no others.
//
// Apply is called by one goroutine at a time; all other methods may be called by
// any, at any time but after Close. No slice that is handed in is kept or modified.
type Engine interface {
	// Mark returns what the last Apply that returned nil was given, or, after the
	// engine was opened, what survived of that.
	Mark() Mark

	// Load calls found with the value of the key and the commit timestamp that is
	// stored with it, or does not call it if there is none. The slice is valid
	// during the call only. What an Apply has put there is found as soon as it has
	// returned.
	Load(key []byte, found func(value []byte, ts uint64)) error

	// Scan goes over lo ≤ key < hi in the given order, over what was applied when
	// Scan was called and nothing that is applied later. hi nil is the end.
	Scan(lo, hi []byte, order Order) (Iterator, error)

	// Apply makes the changes, and the mark together with them: after a crash there
	// are both or neither, and if there are, everything that was applied before too.
	// It need not survive a crash yet. No key comes twice in one call. After an
	// error nothing must be applied any more: whether the changes are there is
	// unknown until the engine is opened again.
	Apply(changes []Change, mark Mark) error

	// Persisted returns the applied timestamp that would survive a crash. It grows
	// by itself some time after an Apply.
	Persisted() uint64

	// Sync makes everything survive a crash that was applied before the call.
	Sync() error

	// Close releases what the engine holds. It is called when no other call runs
	// and every iterator is closed; but an Apply or a Sync may be waiting for room on
	// the disk, and must return an error then.
	Close() error
}

// StoreID tells one store from all others.
type StoreID [16]byte

// Mark says whose data an engine has, and up to which commit. The zero Mark is that
// of an engine to which nothing was ever applied.
type Mark struct {
	Store   StoreID // whose data it is
	Applied uint64  // a commit timestamp
}

// Change is the newest version of a key.
type Change struct {
	Key    []byte
	Value  []byte // nil if the key is gone
	TS     uint64 // its commit timestamp
	Delete bool   // the key is gone
}

// Order is the direction of a scan.
type Order uint8

const (
	// Ascending is from the smallest key up.
	Ascending Order = iota
	// Descending is from the greatest key down.
	Descending
)

// Iterator stands before its first key when it is new. It is for one goroutine at a
// time.
type Iterator interface {
	// Next moves to the next key. It reports false at the end, and after an error.
	Next() bool
	// Key and Value are valid until the next call.
	Key() []byte
	Value() []byte
	// TS is the commit timestamp stored with the value.
	TS() uint64
	// Err returns what stopped Next before the end.
	Err() error
	Close() error
}
