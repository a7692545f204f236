package object

import "testing"

func TestValuesAreChecked(t *testing.T) {
	m := NewMaker(999, 7)
	var key Key
	value := make([]byte, 999)
	m.Fill(&key, value, 12345, 6)
	if n, err := m.Updates(12345, value); err != nil || n != 6 {
		t.Errorf("%d, %v", n, err)
	}
	if !m.Has(12345, value) || m.Has(12346, value) || m.Has(12345, value[1:]) {
		t.Error("Has is wrong")
	}
	for _, at := range []int{keyAt, fillerAt, 998} {
		value[at]++
		if _, err := m.Updates(12345, value); err == nil {
			t.Errorf("a change at %d is not noticed", at)
		}
		value[at]--
	}
	if _, err := m.Updates(12345, value[:998]); err == nil {
		t.Error("a value that was cut off is not noticed")
	}
}
