//go:build !invariants && !race

package invariants

// Enabled tells whether invariants are checked: true under the build tags
// invariants and race.
const Enabled = false
