package stress

// outcome is how one step of a goroutine ended.
type outcome int

const (
	ended  outcome = iota // as it should
	gaveUp                // conflicts in every attempt: no fault, and nothing was written
	idle                  // there was nothing to do, or a violation was recorded
)

// KindCount is what became of the transactions of one kind.
type KindCount struct {
	Kind   string `json:"kind"`
	Ended  uint64 `json:"transactions"` // as they should
	GaveUp uint64 `json:"gave_up"`      // after a conflict in every attempt
}
