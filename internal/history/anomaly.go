package history

import (
	"fmt"
	"strings"
)

// Fault says in which way a history is not what was promised. The names are those
// of Adya, of Bailis and others (Highly Available Transactions, 2014), and of the
// Hermitage tests.
type Fault int

// The faults, worst first.
const (
	// G0 is a dirty write: versions of two transactions follow each other in a circle.
	G0 Fault = iota
	// G1a is an aborted read: of something that was rolled back.
	G1a
	// G1b is an intermediate read: of something that its writer then replaced.
	G1b
	// G1c is a circular flow of information: by reads and overwriting alone.
	G1c
	// Garbage is a read of something that nobody wrote, or that had been overwritten
	// before the history begins.
	Garbage
	// WrongOwn is a wrong answer about what the transaction has written itself.
	WrongOwn
	// Disorder is two lists that were read of one key, of which neither begins with
	// the other, or a list with an element twice.
	Disorder
	// LostUpdate is a transaction that overwrote a version that it had not seen,
	// having read an older one.
	LostUpdate
	// NonMonotonicRead is a read of a version older than one that was read before,
	// in the same transaction, or in one that had ended.
	NonMonotonicRead
	// OTV is an observed transaction that vanishes: it was read from, and then its
	// other writes were missing.
	OTV
	// FracturedRead is to see some writes of a transaction, having missed others.
	FracturedRead
	// GSingle is read skew: any other cycle with one rw edge.
	GSingle
	// OffSnapshot is a read of another version than the snapshot shows.
	OffSnapshot
	// StaleRead is a read of what had been overwritten before the transaction began.
	StaleRead
	// StaleSnapshot is a snapshot that lacks what was committed before the
	// transaction began, seen or not.
	StaleSnapshot
	// BadCommit is a commit timestamp that another transaction has too, or that is not
	// above the snapshot or what is older than the history.
	BadCommit
	// GNonadjacent is a cycle with several rw edges, never two in a row.
	GNonadjacent
	// G2Item is write skew: a cycle with several rw edges, all because of keys.
	G2Item
	// G2 is a cycle with several rw edges, some because of ranges: phantoms.
	G2
	numFaults
)

// String returns the name of the fault.
func (f Fault) String() string {
	return [numFaults]string{
		G0: "G0 (dirty write)", G1a: "G1a (aborted read)", G1b: "G1b (intermediate read)",
		G1c: "G1c (circular information flow)", Garbage: "garbage read", WrongOwn: "wrong read of an own write",
		Disorder: "incompatible orders", LostUpdate: "lost update", NonMonotonicRead: "non-monotonic read",
		OTV: "OTV (observed transaction vanishes)", FracturedRead: "fractured read", GSingle: "G-single (read skew)",
		OffSnapshot: "read off the snapshot", StaleRead: "stale read", StaleSnapshot: "stale snapshot",
		BadCommit: "bad commit timestamp", GNonadjacent: "G-nonadjacent", G2Item: "G2-item (write skew)",
		G2: "G2 (phantom)",
	}[f]
}

// Anomaly is one fault that was found.
type Anomaly struct {
	Fault Fault
	// RealTime says that there is a cycle only because of who ended before whom began.
	RealTime bool
	Txns     []ID   // involved
	Schedule string // what they did, and why that is wrong: lines
}

// Name returns the name of the fault.
func (a Anomaly) Name() string {
	if a.RealTime && a.Fault != StaleRead && a.Fault != NonMonotonicRead {
		return a.Fault.String() + ", real time"
	}
	return a.Fault.String()
}

// String returns the name, and the schedule below it.
func (a Anomaly) String() string { return a.Name() + "\n" + a.Schedule }

// keepAlike is how many anomalies of one fault are described.
const keepAlike = 3

// Report is the result of a check.
type Report struct {
	Transactions int // checked
	Edges        int // of the graph
	Cycles       int // parts of the graph in which everything leads to everything
	Faults       int // anomalies that need no graph

	// Anomalies are the worst, and of each fault the first few.
	Anomalies []Anomaly
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return r.Cycles+r.Faults == 0 }

// String returns one line, and the anomalies.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d transactions, %d edges, %d cycles, %d other faults\n", r.Transactions, r.Edges, r.Cycles, r.Faults)
	for _, a := range r.Anomalies {
		fmt.Fprintf(&b, "\n%v", a)
	}
	return b.String()
}

// Has reports whether a fault is among the anomalies.
func (r *Report) Has(f Fault) bool {
	for _, a := range r.Anomalies {
		if a.Fault == f {
			return true
		}
	}
	return false
}

// keep adds an anomaly. Of many alike it keeps the smallest.
func (r *Report) keep(a Anomaly) {
	alike, largest := 0, -1
	for i, b := range r.Anomalies {
		if b.Fault != a.Fault || b.RealTime != a.RealTime {
			continue
		}
		alike++
		if largest < 0 || len(b.Txns) > len(r.Anomalies[largest].Txns) {
			largest = i
		}
	}
	switch {
	case alike < keepAlike:
		r.Anomalies = append(r.Anomalies, a)
	case len(a.Txns) < len(r.Anomalies[largest].Txns):
		r.Anomalies[largest] = a
	}
}

// fault counts a fault that needs no graph, and describes it if there are not
// enough like it.
func (r *Report) fault(f Fault, h *History, t *Txn, format string, args ...any) {
	r.Faults++
	alike := 0
	for i := range r.Anomalies {
		if r.Anomalies[i].Fault == f {
			alike++
		}
	}
	if alike < keepAlike {
		why := fmt.Sprintf(format, args...)
		r.keep(Anomaly{Fault: f, Txns: []ID{t.ID}, Schedule: describe(h, t, nil) + "  " + t.ID.String() + ": " + why + "\n"})
	}
}
