// Package invariants says whether the numbered invariants of the design are
// checked while the program runs, and stops the program when one is broken.
//
// The checks are on under the build tag invariants, and under the race
// detector (which sets the tag race), because schedules that break an
// invariant are worth most where data races are looked for as well. Otherwise
// Enabled is the constant false, and the compiler drops a check written as
//
//	if invariants.Enabled && e > m {
//		invariants.Violated("I2: version %d purged above the readable watermark %d", e, m)
//	}
//
// together with the evaluation of its condition and its arguments. The guard
// stands at the call site for that reason: a function is inlined away, but its
// arguments would still be evaluated and, passed as any, allocated.
//
// A broken invariant is a bug in this module and never the caller's mistake.
// That is why it panics: a transaction manager that goes on from there would
// give wrong answers. Misuse by the caller is an error value instead.
package invariants

import "fmt"

// Violated panics with the formatted message when checks are enabled, and does
// nothing otherwise. The message begins with the number of the broken
// invariant ("I1: ...") so that a report leads to the page that explains it.
func Violated(format string, args ...any) {
	if Enabled {
		panic("invariant violated: " + fmt.Sprintf(format, args...))
	}
}

// Check calls [Violated] unless ok. It suits conditions and arguments that
// cost nothing to evaluate; on a hot path guard a call of Violated with
// [Enabled] instead.
func Check(ok bool, format string, args ...any) {
	if Enabled && !ok {
		Violated(format, args...)
	}
}
