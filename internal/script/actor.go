package script

import (
	"context"
	"fmt"
)

// actor is one transaction of a script and the goroutine that takes its steps.
// txn and cursors belong to that goroutine; everything else to the runner.
type actor struct {
	store    Store
	txn      Txn
	cursors  map[string]*cursor
	steps    chan step
	outcomes chan string        // holds one, so that nobody need be there when a step ends
	waiting  *step              // the step it is blocked in, nil if it is idle
	cancel   context.CancelFunc // of the transaction, nil if it was not begun cancellable
}

func newActor(store Store) *actor {
	a := &actor{
		store:    store,
		cursors:  map[string]*cursor{},
		steps:    make(chan step),
		outcomes: make(chan string, 1),
	}
	go a.run()
	return a
}

// run takes steps until there are no more, and then ends what was left open.
func (a *actor) run() {
	for s := range a.steps {
		a.outcomes <- a.perform(s)
	}
	for _, c := range a.cursors {
		c.leave()
	}
	if a.txn != nil {
		a.txn.Rollback()
	}
}

// perform takes one step and returns its outcome.
func (a *actor) perform(s step) string {
	if s.verb == "begin" {
		return a.begin(s)
	}
	if a.txn == nil {
		return "not begun"
	}
	switch s.verb {
	case "get":
		if len(s.args) > 1 {
			return a.getForUpdate(s)
		}
		return a.get(s.args[0])
	case "lock":
		return a.lock(s)
	case "prepare":
		return a.prepare(s)
	case "put":
		return a.name(a.txn.Put(s.args[0], s.args[1]))
	case "insert":
		return a.name(a.txn.Insert(s.args[0], s.args[1]))
	case "delete":
		return a.name(a.txn.Delete(s.args[0]))
	case "scan", "scandesc":
		return a.scan(s, scan.render)
	case "sum":
		return a.scan(s, scan.sum)
	case "open", "opendesc":
		return a.open(s)
	case "next":
		return a.next(s.args[0])
	case "stop":
		return a.leave(s.args[0])
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

// how reads the words of a begin step: LEVEL [cancellable | timeout D]. The runner
// calls it.
func (a *actor) how(s step) (How, error) {
	if s.verb != "begin" {
		return How{}, nil
	}
	how := How{Ctx: context.Background(), Name: s.actor, Level: s.args[0]}
	var err error
	switch rest := s.args[1:]; {
	case len(rest) == 0:
	case len(rest) == 1 && rest[0] == "cancellable":
		how.Ctx, a.cancel = context.WithCancel(how.Ctx)
	default:
		how.Timeout, err = parseDuration("timeout", rest)
	}
	return how, err
}

func (a *actor) begin(s step) string {
	txn, err := a.store.Begin(s.how)
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
	return quoteEmpty(value)
}

func (a *actor) scan(s step, outcome func(scan, Txn) string) string {
	sc, err := parseScan(s.verb, s.args)
	if err != nil {
		return err.Error()
	}
	return a.orError(outcome(sc, a.txn))
}

func (a *actor) open(s step) string {
	name := s.args[0]
	sc, err := parseScan(s.verb, s.args[1:])
	if err != nil {
		return err.Error()
	}
	if c := a.cursors[name]; c != nil {
		c.leave()
	}
	a.cursors[name] = newCursor(a.txn.Scan(sc.Range))
	return ok
}

func (a *actor) next(name string) string {
	c := a.cursors[name]
	if c == nil {
		return "no cursor"
	}
	if c.left {
		return c.step()
	}
	return a.orError(c.step())
}

func (a *actor) leave(name string) string {
	c := a.cursors[name]
	if c == nil {
		return "no cursor"
	}
	c.leave()
	return ok
}

// orError returns the outcome of a scan, unless an error stopped it.
func (a *actor) orError(outcome string) string {
	if err := a.txn.Err(); err != nil {
		return a.name(err)
	}
	return outcome
}

// name returns the outcome that an error, or none, stands for.
func (a *actor) name(err error) string {
	if err == nil {
		return ok
	}
	return a.store.Outcome(err)
}
