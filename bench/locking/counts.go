package locking

import "fmt"

// Op is a call of the library, and how it ended.
type Op int

// The operations, in the order of the tables. An absent record is one that had been
// deleted.
const (
	Insert        Op = iota // of a new record
	ReplaceSame             // by data of the same length
	ReplaceLonger           // by longer data
	ReplaceAbsent
	FetchFound
	FetchAbsent
	DeleteFound
	DeleteAbsent
	numOps
)

// Ops lists all there are.
func Ops() []Op {
	all := make([]Op, numOps)
	for op := range all {
		all[op] = Op(op)
	}
	return all
}

// String says what it is in words.
func (o Op) String() string {
	switch o {
	case Insert:
		return "store, inserted"
	case ReplaceSame:
		return "store, replaced, same length"
	case ReplaceLonger:
		return "store, replaced, longer"
	case ReplaceAbsent:
		return "store, no record to replace"
	case FetchFound:
		return "fetch, found"
	case FetchAbsent:
		return "fetch, no record"
	case DeleteFound:
		return "delete, found"
	case DeleteAbsent:
		return "delete, no record"
	}
	return fmt.Sprintf("Op(%d)", int(o))
}

// Counts are numbers of operations, by Op: whole ones, or means of several tests.
type Counts [numOps]float64

// Add adds those of another worker.
func (c *Counts) Add(other Counts) {
	for op, n := range other {
		c[op] += n
	}
}

// Fetches returns how many records were looked for.
func (c Counts) Fetches() float64 { return c[FetchFound] + c[FetchAbsent] }

// Stores returns how many insertions and replacements there were, with and without
// success.
func (c Counts) Stores() float64 {
	return c[Insert] + c[ReplaceSame] + c[ReplaceLonger] + c[ReplaceAbsent]
}

// Deletions returns how many there were, with and without success.
func (c Counts) Deletions() float64 { return c[DeleteFound] + c[DeleteAbsent] }
