package house

import (
	"slices"
	"testing"
	"testing/fstest"
)

// exceptions are the places that may break a rule, each with the reason.
type exceptions struct {
	atomics map[string]string // by folder
	panics  map[string]string // by folder.function or folder.Type.method
	state   map[string]string // by folder.variable; assignment is still an error
}

// granted are the exceptions in this repository.
var granted = exceptions{
	atomics: map[string]string{
		"internal/pad": "only the types of sync/atomic are aligned on 32-bit machines, and hand that on",
	},
	state: map[string]string{
		"storage.vacated":           "a sentinel: only its address means something",
		"storage.versionAllocators": "an array of functions, too large to pass by value on the way to one of them",
		"storage.shortJoiners":      "an array of functions, likewise",
		"storage.longJoiners":       "an array of functions, likewise",
		"storage.objectAllocators":  "an array of functions, too large to pass by value on the way to one of them",
	},
}

func TestExceptionsAreGrantedByName(t *testing.T) {
	parsed, err := readTree(fstest.MapFS{"pool/a.go": {Data: []byte(`package pool
import _ "sync/atomic"
var gone = &T{}
var old = &T{}
func f() {
	g(&gone)
	gone = nil
	panic(1)
}
func h() { panic(1) }
`)}})
	if err != nil {
		t.Fatal(err)
	}
	some := exceptions{
		atomics: map[string]string{"pool": "a reason", "deps": "an old reason"},
		panics:  map[string]string{"pool.f": "a reason", "pool.g": "an old reason"},
		state:   map[string]string{"pool.gone": "a reason", "pool.went": "an old reason"},
	}
	got := slices.Concat(
		checkAtomics(some.atomics)(parsed), checkState(some.state)(parsed), checkPanics(some.panics)(parsed),
	)
	want := []string{
		"deps has an exception and does not need it",
		"pool/a.go:4: package variable old is neither an error nor a table",
		"pool/a.go:7: package variable gone is assigned to",
		"pool.went has an exception and does not need it",
		"pool/a.go:10: panic in pool.h",
		"pool.g has an exception and does not need it",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// idle reports the exceptions that nothing made use of.
func idle(granted map[string]string, used map[string]bool) []string {
	var found []string
	for name := range granted {
		if !used[name] {
			found = append(found, name+" has an exception and does not need it")
		}
	}
	slices.Sort(found)
	return found
}
