package storage_test

import (
	"bytes"
	"slices"
	"sync"

	"github.com/tierceldb/tiercel/storage"
)

// engine is the simplest engine: a map. Its hooks are called without the mutex, and
// may stop a call half-way. They are set while no other call runs.
type engine struct {
	onLoad    func() error // before the map is looked at
	onLoaded  func()       // after that
	onScan    func() error // before an iterator is opened
	onScanned func()       // after that
	onNext    func() error // before an iterator moves

	mu   sync.Mutex // protects following fields
	data map[string]applied
	mark storage.Mark
	open int // iterators
}

type applied struct {
	value []byte
	ts    uint64
}

var _ storage.Engine = (*engine)(nil)

func (e *engine) Mark() storage.Mark {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mark
}

func (e *engine) Load(key []byte, found func(value []byte, ts uint64)) error {
	if e.onLoad != nil {
		if err := e.onLoad(); err != nil {
			return err
		}
	}
	e.mu.Lock()
	a, has := e.data[string(key)]
	e.mu.Unlock()
	if e.onLoaded != nil {
		e.onLoaded()
	}
	if has {
		found(a.value, a.ts)
	}
	return nil
}

func (e *engine) Scan(lo, hi []byte, order storage.Order) (storage.Iterator, error) {
	if e.onScan != nil {
		if err := e.onScan(); err != nil {
			return nil, err
		}
	}
	it := e.iterate(lo, hi, order)
	if e.onScanned != nil {
		e.onScanned()
	}
	return it, nil
}

func (e *engine) iterate(lo, hi []byte, order storage.Order) *iterator {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open++
	it := &iterator{engine: e}
	for key, a := range e.data {
		if key >= string(lo) && (hi == nil || key < string(hi)) {
			it.rest = append(it.rest, storage.Change{Key: []byte(key), Value: a.value, TS: a.ts})
		}
	}
	slices.SortFunc(it.rest, func(a, b storage.Change) int {
		if order == storage.Descending {
			a, b = b, a
		}
		return bytes.Compare(a.Key, b.Key)
	})
	return it
}

func (e *engine) Apply(changes []storage.Change, mark storage.Mark) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.data == nil {
		e.data = make(map[string]applied)
	}
	for _, c := range changes {
		if c.Delete {
			delete(e.data, string(c.Key))
		} else {
			e.data[string(c.Key)] = applied{value: bytes.Clone(c.Value), ts: c.TS}
		}
	}
	e.mark = mark
	return nil
}

func (e *engine) Persisted() uint64 { return e.Mark().Applied }

func (e *engine) Sync() error { return nil }

func (e *engine) Close() error { return nil }

// iterator hands out slices that change with the next call.
type iterator struct {
	engine     *engine
	rest       []storage.Change
	key, value []byte
	ts         uint64
	err        error
	closed     bool
}

func (it *iterator) Next() bool {
	if it.closed {
		panic("an iterator is used after it was closed")
	}
	if it.engine.onNext != nil {
		it.err = it.engine.onNext()
	}
	if len(it.rest) == 0 || it.err != nil {
		return false
	}
	c := it.rest[0]
	it.rest = it.rest[1:]
	it.key, it.value, it.ts = append(it.key[:0], c.Key...), append(it.value[:0], c.Value...), c.TS
	return true
}

func (it *iterator) Key() []byte   { return it.key }
func (it *iterator) Value() []byte { return it.value }
func (it *iterator) TS() uint64    { return it.ts }
func (it *iterator) Err() error    { return it.err }

func (it *iterator) Close() error {
	if it.closed {
		panic("an iterator is closed twice")
	}
	it.closed = true
	it.engine.mu.Lock()
	defer it.engine.mu.Unlock()
	it.engine.open--
	return nil
}
