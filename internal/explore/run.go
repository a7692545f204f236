package explore

// Run is one execution of a model, for a test that takes the same steps with the
// real code and compares.
type Run[S comparable] struct {
	machine *machine[S]
	at      node[S]
}

// Run returns an execution that stands at the first state.
func (m Model[S]) Run() (*Run[S], error) {
	x, err := newMachine(m)
	if err != nil {
		return nil, err
	}
	return &Run[S]{machine: x, at: x.first()}, nil
}

// State returns the state, to be looked at.
func (r *Run[S]) State() *S { return &r.at.state }

// Next returns the label of the next step of a process, or "" if it is done.
func (r *Run[S]) Next(process int) string { return r.machine.label(&r.at, process) }

// Step takes the next step of a process. It reports false if that has to wait, and
// what is wrong afterwards. The process must not be done.
func (r *Run[S]) Step(process int) (moved bool, wrong string, err error) {
	n := r.at
	moved, wrong, err = r.machine.take(&n, process, 0)
	if err != nil || !moved {
		return false, "", err
	}
	r.at = n
	if wrong == "" {
		wrong = r.machine.judge(&r.at)
	}
	return true, wrong, nil
}

// Alone takes all steps of a process with nobody else around, and says what is
// wrong, be it that the process has to wait.
func Alone[S comparable](s *S, p Process[S]) (wrong string, err error) {
	r, err := Model[S]{Start: *s, Processes: []Process[S]{p}}.Run()
	if err != nil {
		return "", err
	}
	for r.Next(0) != "" {
		label := r.Next(0)
		moved, wrong, err := r.Step(0)
		if err != nil || wrong != "" {
			return wrong, err
		}
		if !moved {
			return p.Name + " waits at " + label + ", and nobody is there", nil
		}
	}
	*s = *r.State()
	return "", nil
}

// Mark returns the place where the execution stands, and Back returns to it.
func (r *Run[S]) Mark() Mark[S] { return Mark[S]{at: r.at} }

// Back returns to a place.
func (r *Run[S]) Back(to Mark[S]) { r.at = to.at }

// Mark is a place in an execution.
type Mark[S comparable] struct{ at node[S] }
