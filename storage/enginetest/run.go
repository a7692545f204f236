// Package enginetest is the suite that every storage.Engine passes, those of this
// module and anybody else's:
//
//	func TestEngine(t *testing.T) {
//		enginetest.Run(t, func(t *testing.T) enginetest.Opener {
//			dir := t.TempDir()
//			return func() (storage.Engine, error) { return mystore.Open(dir) }
//		})
//	}
//
// It is worth running under the race detector too. Random parts are drawn by
// pgregory.net/rapid, which prints how to repeat a failure (-rapid.seed) and takes
// the number of runs as -rapid.checks.
package enginetest

import (
	"testing"

	"github.com/tierceldb/tiercel/storage"
)

// Opener opens a store: empty the first time, and what is left of it every time
// after, when the engine it returned before has been closed.
type Opener func() (storage.Engine, error)

// Run runs the suite. Fresh returns the opener of a store of its own each time.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh) })
	}
}

var cases = []struct {
	name string
	run  func(t *testing.T, fresh func(t *testing.T) Opener)
}{
	{"empty", one(testEmpty)},
	{"apply", one(testApply)},
	{"awkward keys", one(testAwkwardKeys)},
	{"large values", one(testLargeValues)},
	{"mark", one(testMark)},
	{"persisted", one(testPersisted)},
	{"reopen", testReopen},
	{"reopen without sync", testReopenWithoutSync},
	{"bounds", one(testBounds)},
	{"iterator", one(testIterator)},
	{"view", one(testView)},
	{"slices", one(testSlices)},
	{"concurrent", one(testConcurrent)},
	{"random", testRandom},
}

// one is for cases that need one engine, opened once.
func one(run func(t *testing.T, e *engine)) func(*testing.T, func(*testing.T) Opener) {
	return func(t *testing.T, fresh func(t *testing.T) Opener) {
		e := open(t, fresh(t))
		run(t, e)
		e.close()
	}
}
