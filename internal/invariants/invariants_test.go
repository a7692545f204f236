package invariants_test

import (
	"testing"

	"github.com/tierceldb/tiercel/internal/invariants"
)

// recovered runs fn and returns what it panicked with, nil if it returned.
func recovered(fn func()) (p any) {
	defer func() { p = recover() }()
	fn()
	return nil
}

func TestBrokenInvariantPanicsOnlyWhenEnabled(t *testing.T) {
	const message = "invariant violated: I1: 3 above 4"
	calls := map[string]func(){
		"Violated": func() { invariants.Violated("I1: %d above %d", 3, 4) },
		"Check":    func() { invariants.Check(false, "I1: %d above %d", 3, 4) },
	}
	for name, call := range calls {
		got := recovered(call)
		if invariants.Enabled && got != message {
			t.Errorf("%s: panic value %v, want %q", name, got, message)
		}
		if !invariants.Enabled && got != nil {
			t.Errorf("%s: panicked with %v while checks are off", name, got)
		}
	}
}

func TestCheckAcceptsWhatHolds(t *testing.T) {
	if got := recovered(func() { invariants.Check(true, "I1: never said") }); got != nil {
		t.Errorf("a condition that holds panicked with %v", got)
	}
}

// TestGuardedCheckIsFree holds the promise the call sites rely on: with checks
// off, a guarded violation evaluates and allocates nothing.
func TestGuardedCheckIsFree(t *testing.T) {
	if invariants.Enabled {
		t.Log("checks are on in this build; only their absence is free")
		return
	}
	evaluated := 0
	broken := func() bool { evaluated++; return true }
	allocs := testing.AllocsPerRun(100, func() {
		if invariants.Enabled && broken() {
			invariants.Violated("I1: %d", evaluated)
		}
	})
	if allocs != 0 || evaluated != 0 {
		t.Errorf("guarded check: %v allocations, %d evaluations, want none", allocs, evaluated)
	}
}
