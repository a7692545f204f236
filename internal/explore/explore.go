package explore

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// Result is what an exploration found.
type Result struct {
	States    int        // looked at, all different
	Steps     int        // from one to another, or back to one known
	Ends      int        // states in which all processes are done
	Depth     int        // steps from the first state to the last one that was new
	Complete  bool       // false if the limit, or a violation, ended it early
	Violation *Violation // nil if there is none
}

// Violation is a schedule at whose end something is wrong.
type Violation struct {
	What     string
	Schedule []Move
}

// Move is one step of a schedule.
type Move struct {
	// These are as the model has them.
	Process, Step string
}

// String returns the schedule, a line a step, and what is wrong at its end.
func (v *Violation) String() string {
	width := 0
	for _, m := range v.Schedule {
		width = max(width, len(m.Process))
	}
	var b strings.Builder
	for i, m := range v.Schedule {
		fmt.Fprintf(&b, "%3d  %-*s  %s\n", i+1, width, m.Process, m.Step)
	}
	fmt.Fprintf(&b, "     => %s", v.What)
	return b.String()
}

// Explore looks at every state that can be reached, up to the limit. The error is
// about the model, not about what it shows.
func (m Model[S]) Explore() (Result, error) {
	x, err := newMachine(m)
	if err != nil {
		return Result{}, err
	}
	s := &search[S]{
		machine: x,
		seeds:   [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		seen:    make(map[[2]uint64]struct{}),
	}
	err = s.run()
	return s.result, err
}

// search is one exploration.
type search[S comparable] struct {
	*machine[S]
	result Result

	seeds [2]maphash.Seed
	seen  map[[2]uint64]struct{} // hashes of what was reached
	// from says for each state, in the order they were reached, how.
	from []origin
	// level are the states that are so many steps away, and next those one step more.
	level, next []reached[S]
}

// origin is the step that first led to a state.
type origin struct {
	before       int32 // number of the state it was taken in
	process, way uint8
}

type reached[S comparable] struct {
	node[S]
	number int32
}

func (s *search[S]) run() error {
	first := s.first()
	s.enter(&first, origin{before: -1})
	if wrong := s.judge(&first); wrong != "" {
		return s.found(0, wrong)
	}
	for len(s.next) > 0 {
		s.level, s.next = s.next, s.level[:0]
		for i := range s.level {
			over, err := s.expand(&s.level[i])
			if over || err != nil {
				return err
			}
		}
		if len(s.next) > 0 {
			s.result.Depth++
		}
	}
	s.result.Complete = true
	return nil
}

// enter notes a state, and reports whether it is new.
func (s *search[S]) enter(n *node[S], from origin) bool {
	key := [2]uint64{maphash.Comparable(s.seeds[0], *n), maphash.Comparable(s.seeds[1], *n)}
	if _, known := s.seen[key]; known {
		return false
	}
	s.seen[key] = struct{}{}
	s.next = append(s.next, reached[S]{node: *n, number: int32(len(s.from))})
	s.from = append(s.from, from)
	s.result.States++
	if s.over(n) {
		s.result.Ends++
	}
	return true
}

// expand takes every step that can be taken in a state. It reports whether the
// exploration is over.
func (s *search[S]) expand(at *reached[S]) (over bool, err error) {
	moved := false
	for p := range s.Processes {
		for way := range s.ways(&at.node, p) {
			n := at.node
			could, wrong, err := s.take(&n, p, way)
			if err != nil {
				return true, err
			}
			if !could {
				continue
			}
			moved = true
			s.result.Steps++
			from := origin{before: at.number, process: uint8(p), way: uint8(way)}
			if wrong != "" || s.enter(&n, from) {
				if wrong == "" {
					wrong = s.judge(&n)
				} else {
					s.from = append(s.from, from)
				}
				if wrong != "" {
					return true, s.found(len(s.from)-1, wrong)
				}
			}
			if s.Limit > 0 && s.result.States >= s.Limit {
				return true, nil
			}
		}
	}
	if !moved && !s.machine.over(&at.node) {
		return true, s.found(int(at.number), s.stuck(&at.node))
	}
	return false, nil
}

// found makes a violation of what is wrong in the state with the number.
func (s *search[S]) found(number int, wrong string) error {
	var steps []origin
	for from := s.from[number]; from.before >= 0; from = s.from[from.before] {
		steps = append(steps, from)
	}
	v := &Violation{What: wrong}
	at := s.first()
	for i := len(steps) - 1; i >= 0; i-- {
		p := int(steps[i].process)
		v.Schedule = append(v.Schedule, Move{Process: s.Processes[p].Name, Step: s.label(&at, p)})
		if _, _, err := s.take(&at, p, int(steps[i].way)); err != nil {
			return err
		}
	}
	s.result.Violation = v
	return nil
}
