package explore

import (
	"fmt"
	"strings"
)

// Model is what there is to explore.
type Model[S comparable] struct {
	Start     S
	Processes []Process[S] // at most MaxProcesses

	// Holds says what is wrong in a state, or "". It is asked in every state.
	Holds func(s *S) string
	// AtEnd says what is wrong when all processes are done, or "". It may change
	// the state, which is a copy.
	AtEnd func(s *S) string
	// Limit is the greatest number of states to look at; 0 means all.
	Limit int
}

// Process is one that takes steps, from the first one of the list.
type Process[S any] struct {
	Name  string
	Steps []Step[S]
}

// Step is what a process does at once.
type Step[S any] struct {
	// Label names the step in schedules and in To. No two of a process are the same.
	Label string
	// Do takes the step and says where to go on.
	Do func(s *S) Next
	// Or, if not nil, is another way the step may go, where the choice is nobody's.
	Or func(s *S) Next
}

// Next says where a process goes on after a step.
type Next struct {
	kind next
	text string
}

type next uint8

const (
	on next = iota
	done
	wait
	to
	broken
)

// On goes on with the step behind this one; behind the last one the process is
// done.
func On() Next { return Next{} }

// Done ends the process.
func Done() Next { return Next{kind: done} }

// Wait says that the step cannot be taken yet. What it did to the state is
// forgotten.
func Wait() Next { return Next{kind: wait} }

// To goes on at the step with the label.
func To(label string) Next { return Next{kind: to, text: label} }

// Broken says that something is wrong, and ends the exploration.
func Broken(format string, args ...any) Next {
	return Next{kind: broken, text: fmt.Sprintf(format, args...)}
}

// MaxProcesses is the greatest number of processes, and maxSteps that of steps of one.
const (
	MaxProcesses = 8
	maxSteps     = 250
)

// ended is the place of a process that is done.
const ended = maxSteps + 1

// node is a state and the place of every process.
type node[S comparable] struct {
	state S
	at    [MaxProcesses]uint8
}

// machine is a model whose labels are resolved.
type machine[S comparable] struct {
	Model[S]
	places []map[string]uint8
}

func newMachine[S comparable](m Model[S]) (*machine[S], error) {
	if len(m.Processes) > MaxProcesses {
		return nil, fmt.Errorf("explore: %d processes, more than %d", len(m.Processes), MaxProcesses)
	}
	x := &machine[S]{Model: m}
	for _, p := range m.Processes {
		if len(p.Steps) > maxSteps {
			return nil, fmt.Errorf("explore: process %s has %d steps, more than %d", p.Name, len(p.Steps), maxSteps)
		}
		places := make(map[string]uint8)
		for i, step := range p.Steps {
			if _, twice := places[step.Label]; twice {
				return nil, fmt.Errorf("explore: process %s has two steps %q", p.Name, step.Label)
			}
			places[step.Label] = uint8(i)
		}
		x.places = append(x.places, places)
	}
	return x, nil
}

func (x *machine[S]) first() node[S] {
	n := node[S]{state: x.Start}
	for p := range n.at {
		if p >= len(x.Processes) || len(x.Processes[p].Steps) == 0 {
			n.at[p] = ended
		}
	}
	return n
}

// ways returns how many ways there are to take the next step of process p.
func (x *machine[S]) ways(n *node[S], p int) int {
	switch {
	case n.at[p] == ended:
		return 0
	case x.Processes[p].Steps[n.at[p]].Or != nil:
		return 2
	}
	return 1
}

// take takes the next step of process p, in one of the ways. It reports whether
// the process could go on, and what the step found wrong. After Wait n must be
// forgotten.
func (x *machine[S]) take(n *node[S], p, way int) (moved bool, wrong string, err error) {
	step := &x.Processes[p].Steps[n.at[p]]
	do := step.Do
	if way == 1 {
		do = step.Or
	}
	next := do(&n.state)
	switch next.kind {
	case on:
		n.at[p]++
		if int(n.at[p]) == len(x.Processes[p].Steps) {
			n.at[p] = ended
		}
	case done:
		n.at[p] = ended
	case wait:
		return false, "", nil
	case to:
		at, known := x.places[p][next.text]
		if !known {
			return false, "", fmt.Errorf("explore: process %s goes from %q to %q, which it does not have", x.Processes[p].Name, step.Label, next.text)
		}
		n.at[p] = at
	case broken:
		return true, next.text, nil
	}
	return true, "", nil
}

// judge says what is wrong in a state.
func (x *machine[S]) judge(n *node[S]) string {
	if x.Holds != nil {
		if wrong := x.Holds(&n.state); wrong != "" {
			return wrong
		}
	}
	if x.AtEnd != nil && x.over(n) {
		state := n.state
		return x.AtEnd(&state)
	}
	return ""
}

func (x *machine[S]) over(n *node[S]) bool {
	for _, at := range n.at {
		if at != ended {
			return false
		}
	}
	return true
}

// label names the next step of process p.
func (x *machine[S]) label(n *node[S], p int) string {
	if n.at[p] == ended {
		return ""
	}
	return x.Processes[p].Steps[n.at[p]].Label
}

// stuck says who waits for nobody.
func (x *machine[S]) stuck(n *node[S]) string {
	var waiting []string
	for p := range x.Processes {
		if n.at[p] != ended {
			waiting = append(waiting, fmt.Sprintf("%s at %q", x.Processes[p].Name, x.label(n, p)))
		}
	}
	return "nobody can go on: " + strings.Join(waiting, ", ")
}
