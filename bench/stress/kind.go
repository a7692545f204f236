package stress

import "math/rand/v2"

// Kind is a kind of transaction that the goroutines of a run mix.
type Kind int

// The kinds. The comment names the checks that each is there for.
const (
	Read        Kind = iota // a key read twice: RepeatableRead
	Scan                    // all accounts, both ways: ConstantTotal, ScanOrder
	Transfer                // between two accounts; an empty account is deleted
	Audit                   // a transfer that scans what it wrote: ConstantTotal, OwnWrites
	Batch                   // one stamp to a group of keys
	BatchRead               // a group of keys: AtomicCommit
	Churn                   // insert and delete in a range of one's own: InsertExists, OwnWrites
	ChurnRead               // the own range: OwnRange
	Increment               // hot counters, read, add and write: LostUpdate
	Savepoints              // writes rolled back to a savepoint: RolledBackUnseen
	Traces                  // looks for anything rolled back: RolledBackUnseen
	CommitPoint             // commit, then begin: RealTime, CommitOrder
	Skew                    // two keys under a constraint: WriteSkew
	Claim                   // at most one key in a range: Phantom
	Old                     // the reader held open: OldReader
	Early                   // forgotten, timed out, cancelled, ended twice: EndedHandle, RolledBackUnseen
	numKinds
)

// Name returns the name of the kind in reports.
func (k Kind) Name() string {
	return [numKinds]string{
		Read: "read", Scan: "scan", Transfer: "transfer", Audit: "audit", Batch: "batch",
		BatchRead: "batch read", Churn: "churn", ChurnRead: "churn read", Increment: "increment",
		Savepoints: "savepoints", Traces: "traces", CommitPoint: "commit point", Skew: "skew",
		Claim: "claim", Old: "old reader", Early: "ended early",
	}[k]
}

// weight is the share of the kind among all steps, in thousandths.
func (k Kind) weight() int {
	return [numKinds]int{
		Read: 240, Scan: 60, Transfer: 160, Audit: 20, Batch: 50, BatchRead: 60, Churn: 100,
		ChurnRead: 50, Increment: 70, Savepoints: 40, Traces: 10, CommitPoint: 40, Skew: 30,
		Claim: 40, Old: 25, Early: 5,
	}[k]
}

// pick draws a kind by weight.
func pick(rng *rand.Rand) Kind {
	n := rng.IntN(1000)
	for k := range numKinds {
		if n -= k.weight(); n < 0 {
			return k
		}
	}
	return Read
}

// run runs one transaction of kind k, or the few that belong together.
func (w *worker) run(k Kind) outcome {
	switch k {
	case Scan:
		return w.scanAccounts()
	case Transfer:
		return w.transfer()
	case Audit:
		return w.audit()
	case Batch:
		return w.batch()
	case BatchRead:
		return w.batchRead()
	case Churn:
		return w.churn()
	case ChurnRead:
		return w.churnRead()
	case Increment:
		return w.increment()
	case Savepoints:
		return w.savepoints()
	case Traces:
		return w.traces()
	case CommitPoint:
		return w.commitPoint()
	case Skew:
		return w.skew()
	case Claim:
		return w.claim()
	case Old:
		return w.oldReader()
	case Early:
		return w.early()
	}
	return w.readTwice()
}
