package storage

import (
	"fmt"
	"testing"
)

// TestSplitOfEmptied: a full leaf that is emptied while its inserter waits for
// another edit is not split, and takes the insert.
func TestSplitOfEmptied(t *testing.T) {
	s := New()
	fresh := func(name string) *Object { return NewObject([]byte(name), s.Hash([]byte(name))) }
	for left := range 3 {
		var objects []*Object
		for i := range leafSize {
			o := fresh(fmt.Sprintf("k%02d-%d", i, left))
			s.Adopt(o)
			objects = append(objects, o)
		}
		full := s.ordered.leafOf(objects[0].Key())
		for _, o := range objects[left:] {
			if !s.Remove(o) {
				t.Fatalf("%q is not removed", o.Key())
			}
		}
		s.ordered.split(full, 1)
		last := fresh("k99")
		s.Adopt(last)
		if at := s.Ascend([]byte("k99"), nil); at.Next() != last {
			t.Errorf("with %d left: the insert is lost", left)
		}
		s.Remove(last)
		for _, o := range objects[:left] {
			s.Remove(o)
		}
	}
}
