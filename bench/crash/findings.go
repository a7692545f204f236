package crash

import (
	"fmt"

	"github.com/tierceldb/tiercel/bench/stress"
)

// findings are the violations of a run.
type findings struct{ list []stress.Violation }

// keepDetails is how many violations of one kind are described.
const keepDetails = 5

// add takes note of a violation.
func (f *findings) add(invariant, name, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	for i := range f.list {
		if v := &f.list[i]; v.Invariant == invariant && v.Name == name {
			if v.Count++; len(v.Details) < keepDetails {
				v.Details = append(v.Details, detail)
			}
			return
		}
	}
	f.list = append(f.list, stress.Violation{Invariant: invariant, Name: name, Count: 1, Details: []string{detail}})
}

// The names of what can be found.
const (
	lostCommit   = "acknowledged commit lost"
	notPrefix    = "not a prefix of commit order"
	halfCommit   = "state differs from the commits that survived"
	lostRead     = "read-only transaction saw what was lost"
	lostPrepared = "prepared transaction"
	timeReused   = "commit timestamp used again"
	cannotGoOn   = "child ended by itself"
	unexpected   = "unexpected"
	unsound      = "store does not verify"
)
