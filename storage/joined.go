package storage

// joined is an object with its first version in one allocation: of data that is
// cold, and was not written again, a read then costs two cache misses, the cell
// of the table and this, and not three or four. The price is the room of the
// first value, which stays for as long as the object does.
type joined[K, R any] struct {
	object Object
	_      K // the key
	first  Version
	_      R // the value
}

func newJoined[K, R any]() (*Object, *Version) {
	j := new(joined[K, R])
	return &j.object, &j.first
}

// joiners lists the allocators by class of the value, for keys of one class.
type joiners [fineRoom / 16]func() (*Object, *Version)

func makeJoiners[K any]() joiners {
	return joiners{
		newJoined[K, [16]byte], newJoined[K, [32]byte], newJoined[K, [48]byte], newJoined[K, [64]byte],
		newJoined[K, [80]byte], newJoined[K, [96]byte], newJoined[K, [112]byte], newJoined[K, [128]byte],
		newJoined[K, [144]byte], newJoined[K, [160]byte], newJoined[K, [176]byte], newJoined[K, [192]byte],
		newJoined[K, [208]byte], newJoined[K, [224]byte],
	}
}

// maxJoinedKey is the length of the longest key that is joined.
const maxJoinedKey = 32

var shortJoiners, longJoiners = makeJoiners[[16]byte](), makeJoiners[[maxJoinedKey]byte]()

// NewWritten returns what NewObject and NewVersion return, in one allocation
// unless key or value are too large for that. It copies both.
func NewWritten(key []byte, hash uint64, value []byte, state *State) (*Object, *Version) {
	var by *joiners
	switch {
	case len(value) == 0 || len(value) > fineRoom || len(key) == 0 || len(key) > maxJoinedKey:
		return NewObject(key, hash), NewVersion(value, state)
	case len(key) <= 16:
		by = &shortJoiners
	default:
		by = &longJoiners
	}
	class := (len(value) - 1) / 16
	o, v := by[class]()
	o.set(key, hash)
	o.room = uint8(class + 1)
	v.set(value, state)
	return o, v
}
