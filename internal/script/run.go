package script

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// loadLevel is the level that load and dump begin their transactions at.
const (
	loadLevel = "serializable"
	dumpLevel = "read"
)

// runner performs the steps of one section in their order.
type runner struct {
	store  Store
	settle func()
	actors map[string]*actor
	names  []string // of the actors, in the order they began
	out    []string
}

// Run performs the section's steps on store and returns the section with the
// outcomes they had. After each step it calls settle, which must return when
// every other goroutine has ended or waits; testing/synctest's Wait does that.
// An error means the script itself makes no sense; wrong outcomes are for the
// caller to find, by comparing.
func (s Section) Run(store Store, settle func()) (Section, error) {
	r := &runner{store: store, settle: settle, actors: map[string]*actor{}}
	defer r.stop()
	for i, line := range s.Lines {
		if err := r.line(line); err != nil {
			return s, fmt.Errorf("line %d: %w", s.Line+i, err)
		}
	}
	if err := r.stillWaiting(); err != nil {
		return s, err
	}
	s.Lines = r.out
	return s, nil
}

// line handles one line of the section, whatever it is.
func (r *runner) line(line string) error {
	if isComment(line) {
		r.out = append(r.out, line)
		return nil
	}
	if strings.HasPrefix(line, completion) {
		return nil // what completes, and when, is for the run to say
	}
	s, err := parseStep(line)
	if err != nil {
		return err
	}
	outcome, err := r.step(s)
	if err != nil {
		return err
	}
	r.out = append(r.out, s.render(outcome))
	r.completions()
	return nil
}

// step performs one step and returns its outcome.
func (r *runner) step(s step) (string, error) {
	switch s.verb {
	case "load":
		return ok, r.load(s.args)
	case "dump":
		return r.dump()
	case "count":
		objects, versions := r.store.Counts()
		return fmt.Sprintf("objects=%d versions=%d", objects, versions), nil
	case "purge":
		r.store.Purge()
		return ok, nil
	case "sleep":
		return ok, r.sleep(s.args[0])
	case "cancel":
		return ok, r.cancel(s.args[0])
	case "locks", "prepared", "commit prepared", "rollback prepared":
		outcome := r.observe(s)
		r.settle()
		return outcome, nil
	}
	return r.hand(s)
}

// hand gives a step to its transaction's goroutine and waits until the whole
// store has come to rest.
func (r *runner) hand(s step) (string, error) {
	a, err := r.actor(s)
	if err != nil {
		return "", err
	}
	if s.how, err = a.how(s); err != nil {
		return "", err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	a.steps <- s
	r.settle()
	select {
	case outcome := <-a.outcomes:
		s.cancel()
		return outcome, nil
	default:
		a.waiting = &s
		return waits, nil
	}
}

// actor finds, or for a begin makes, the transaction that takes a step.
func (r *runner) actor(s step) (*actor, error) {
	a, begun := r.actors[s.actor]
	if begun == (s.verb == "begin") {
		return nil, fmt.Errorf("%s: %s must begin once, and first", s.text, s.actor)
	}
	if !begun {
		a = newActor(r.store)
		r.actors[s.actor] = a
		r.names = append(r.names, s.actor)
	}
	if a.waiting != nil {
		return nil, fmt.Errorf("%s: %s still waits in %q", s.text, s.actor, a.waiting.text)
	}
	return a, nil
}

// sleep lets time go by.
func (r *runner) sleep(text string) error {
	d, err := time.ParseDuration(text)
	if err == nil {
		time.Sleep(d)
		r.settle()
	}
	return err
}

// cancel cancels the context of a transaction that was begun cancellable, and else
// that of the call in which it waits.
func (r *runner) cancel(name string) error {
	a := r.actors[name]
	switch {
	case a == nil:
		return fmt.Errorf("cancel %s: it has not begun", name)
	case a.cancel != nil:
		a.cancel()
	case a.waiting != nil:
		a.waiting.cancel()
	default:
		return fmt.Errorf("cancel %s: it neither waits nor was begun cancellable", name)
	}
	r.settle()
	return nil
}

// completions writes a line for each step of another transaction that waited
// until now, in the order the transactions began.
func (r *runner) completions() {
	for _, name := range r.names {
		a := r.actors[name]
		if a.waiting == nil {
			continue
		}
		select {
		case outcome := <-a.outcomes:
			r.out = append(r.out, completion+" "+a.waiting.text+arrow+outcome)
			a.waiting.cancel()
			a.waiting = nil
		default:
		}
	}
}

// stillWaiting reports transactions that nobody released.
func (r *runner) stillWaiting() error {
	for _, name := range r.names {
		if a := r.actors[name]; a.waiting != nil {
			return fmt.Errorf("%s waits for ever in %q", name, a.waiting.text)
		}
	}
	return nil
}

// stop ends the goroutines, and with them every transaction left open.
func (r *runner) stop() {
	for _, a := range r.actors {
		close(a.steps)
		if a.cancel != nil {
			defer a.cancel()
		}
	}
	r.settle()
}

// load commits values in one transaction.
func (r *runner) load(args []string) error {
	pairs, err := parsePairs(args)
	if err != nil {
		return err
	}
	txn, err := r.store.Begin(How{Ctx: context.Background(), Level: loadLevel})
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if err := txn.Put(p[0], p[1]); err != nil {
			return err
		}
	}
	return txn.Commit()
}

// dump reads everything in a transaction of its own.
func (r *runner) dump() (string, error) {
	txn, err := r.store.Begin(How{Ctx: context.Background(), Level: dumpLevel})
	if err != nil {
		return "", err
	}
	defer txn.Rollback()
	return scan{}.render(txn), txn.Err()
}
