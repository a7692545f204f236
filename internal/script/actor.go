package script

import (
	"fmt"
	"strconv"
)

// actor is one transaction of a script and the goroutine that takes its steps.
// txn belongs to that goroutine; everything else to the runner.
type actor struct {
	store    Store
	txn      Txn
	steps    chan step
	outcomes chan string // holds one, so that nobody need be there when a step ends
	waiting  *step       // the step it is blocked in, nil if it is idle
}

func newActor(store Store) *actor {
	a := &actor{store: store, steps: make(chan step), outcomes: make(chan string, 1)}
	go a.run()
	return a
}

// run takes steps until there are no more, and then ends what was left open.
func (a *actor) run() {
	for s := range a.steps {
		a.outcomes <- a.perform(s)
	}
	if a.txn != nil {
		a.txn.Rollback()
	}
}

// perform takes one step and returns its outcome.
func (a *actor) perform(s step) string {
	if s.verb == "begin" {
		return a.begin(s.args[0])
	}
	if a.txn == nil {
		return "not begun"
	}
	switch s.verb {
	case "get":
		return a.get(s.args[0])
	case "put":
		return a.name(a.txn.Put(s.args[0], s.args[1]))
	case "insert":
		return a.name(a.txn.Insert(s.args[0], s.args[1]))
	case "delete":
		return a.name(a.txn.Delete(s.args[0]))
	case "scan", "scandesc":
		return a.scan(s, renderPairs)
	case "sum":
		return a.scan(s, renderSum)
	case "savepoint":
		return a.name(a.txn.Savepoint(s.args[0]))
	case "rollbackto":
		return a.name(a.txn.RollbackTo(s.args[0]))
	case "commit":
		return a.name(a.txn.Commit())
	case "rollback":
		return a.name(a.txn.Rollback())
	}
	return fmt.Sprintf("unknown step %q", s.verb)
}

func (a *actor) begin(level string) string {
	txn, err := a.store.Begin(level)
	if err == nil {
		a.txn = txn
	}
	return a.name(err)
}

func (a *actor) get(key string) string {
	value, err := a.txn.Get(key)
	if err != nil {
		return a.name(err)
	}
	return value
}

func (a *actor) scan(s step, render func([]Pair) string) string {
	r, err := parseRange(s.verb, s.args)
	if err != nil {
		return err.Error()
	}
	pairs, err := a.txn.Scan(r)
	if err != nil {
		return a.name(err)
	}
	return render(pairs)
}

// name returns the outcome that an error, or none, stands for.
func (a *actor) name(err error) string {
	if err == nil {
		return ok
	}
	return a.store.Outcome(err)
}

// renderSum writes the outcome of a sum step.
func renderSum(pairs []Pair) string {
	sum := 0
	for _, p := range pairs {
		n, err := strconv.Atoi(p.Value)
		if err != nil {
			return fmt.Sprintf("%s=%s is not a number", p.Key, p.Value)
		}
		sum += n
	}
	return strconv.Itoa(sum)
}
