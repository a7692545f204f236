package enginetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// testSlices overwrites everything that was handed in as soon as the call is over.
func testSlices(t *testing.T, e *engine) {
	key, value := make([]byte, 0, 64), make([]byte, 0, 2000)
	for i := range 100 {
		key = fmt.Appendf(key[:0], "%03d", i)
		value = append(value[:0], bytes.Repeat(key, 1+i*5)...)
		k, v := string(key), string(value)
		changes := []storage.Change{{Key: key, Value: value, TS: uint64(i)}}
		e.apply(changes...)
		if string(key) != k || string(value) != v {
			t.Fatalf("an Apply of %q modified what it was given", k)
		}
		overwrite(key, value)
		changes[0] = storage.Change{}
		e.expect(k, v, uint64(i))
	}
	e.sync()
	key = fmt.Appendf(key[:0], "%03d", 50)
	if err := e.Load(key, func([]byte, uint64) { overwrite(key) }); err != nil {
		t.Errorf("load: %v", err)
	}
	lo, hi := []byte("020"), []byte("080")
	ascending, descending := e.scan(lo, hi, storage.Ascending), e.scan(lo, hi, storage.Descending)
	overwrite(lo, hi)
	for _, it := range []storage.Iterator{ascending, descending} {
		if got := e.drain(it); len(got) != 60 {
			t.Errorf("%d keys, want 60", len(got))
		}
	}
}

func overwrite(all ...[]byte) {
	for _, b := range all {
		for i := range b {
			b[i] = 0xa5
		}
	}
}
