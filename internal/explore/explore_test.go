package explore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/internal/explore"
)

// counter is a number that two processes add to.
type counter struct {
	value    int8
	register [2]int8
	locked   bool
}

// adders add 1 each. lock and unlock, if not nil, come before and after.
func adders(lock, unlock func(*counter) explore.Next) []explore.Process[counter] {
	var processes []explore.Process[counter]
	for i, name := range []string{"a", "b"} {
		steps := []explore.Step[counter]{
			{Label: "load", Do: func(s *counter) explore.Next { s.register[i] = s.value; return explore.On() }},
			{Label: "store", Do: func(s *counter) explore.Next { s.value = s.register[i] + 1; return explore.On() }},
		}
		if lock != nil {
			steps = slices.Insert(steps, 0, explore.Step[counter]{Label: "lock", Do: lock})
		}
		if unlock != nil {
			steps = append(steps, explore.Step[counter]{Label: "unlock", Do: unlock})
		}
		processes = append(processes, explore.Process[counter]{Name: name, Steps: steps})
	}
	return processes
}

func lock(s *counter) explore.Next {
	if s.locked {
		return explore.Wait()
	}
	s.locked = true
	return explore.On()
}

func unlock(s *counter) explore.Next {
	s.locked = false
	return explore.On()
}

func bothCount(s *counter) string {
	if s.value != 2 {
		return "an update was lost"
	}
	return ""
}

func explored[S comparable](t *testing.T, m explore.Model[S]) explore.Result {
	t.Helper()
	result, err := m.Explore()
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestLostUpdate: the textbook bug, with its shortest schedule.
func TestLostUpdate(t *testing.T) {
	result := explored(t, explore.Model[counter]{Processes: adders(nil, nil), AtEnd: bothCount})
	v := result.Violation
	if v == nil {
		t.Fatal("the lost update was not found")
	}
	if v.What != "an update was lost" || len(v.Schedule) != 4 || v.Schedule[0].Step != "load" || v.Schedule[1].Step != "load" {
		t.Errorf("found:\n%s", v)
	}
	if text := v.String(); !strings.Contains(text, "  1  ") || !strings.HasSuffix(text, "=> an update was lost") {
		t.Errorf("printed as:\n%s", text)
	}
	result = explored(t, explore.Model[counter]{Processes: adders(lock, unlock), AtEnd: bothCount})
	if result.Violation != nil || !result.Complete {
		t.Errorf("with a lock: %+v", result)
	}
}

// TestStuck: a lock that is never given back.
func TestStuck(t *testing.T) {
	result := explored(t, explore.Model[counter]{Processes: adders(lock, nil)})
	v := result.Violation
	if v == nil || !strings.HasPrefix(v.What, "nobody can go on: ") || !strings.Contains(v.What, `at "lock"`) || len(v.Schedule) != 3 {
		t.Errorf("found:\n%v", v)
	}
}

// TestNumberOfStates: processes that have nothing to do with each other, of n and
// m steps, have (n+1)·(m+1) states, and n·(m+1) + m·(n+1) steps between them.
func TestNumberOfStates(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {3, 5}, {40, 40}} {
		n, m := size[0], size[1]
		result := explored(t, explore.Model[[2]uint8]{Processes: []explore.Process[[2]uint8]{walker(0, n), walker(1, m)}})
		want := explore.Result{States: (n + 1) * (m + 1), Steps: n*(m+1) + m*(n+1), Ends: 1, Depth: n + m, Complete: true}
		if result != want {
			t.Errorf("%d and %d steps: got %+v, want %+v", n, m, result, want)
		}
	}
}

// walker goes through so many steps.
func walker(number, steps int) explore.Process[[2]uint8] {
	p := explore.Process[[2]uint8]{Name: string(rune('a' + number))}
	for i := range steps {
		p.Steps = append(p.Steps, explore.Step[[2]uint8]{
			Label: string(rune('0' + i)),
			Do:    func(s *[2]uint8) explore.Next { s[number]++; return explore.On() },
		})
	}
	return p
}

// TestLimit: a model without end stops at the limit, and says so.
func TestLimit(t *testing.T) {
	forever := explore.Process[int]{Name: "a", Steps: []explore.Step[int]{
		{Label: "add", Do: func(s *int) explore.Next { *s++; return explore.To("add") }},
	}}
	result := explored(t, explore.Model[int]{Processes: []explore.Process[int]{forever}, Limit: 1000})
	if result.States != 1000 || result.Complete || result.Violation != nil {
		t.Errorf("got %+v", result)
	}
}

// TestChoice: both ways of a step are taken, and a loop back to a known state
// ends.
func TestChoice(t *testing.T) {
	toss := explore.Process[int]{Name: "coin", Steps: []explore.Step[int]{
		{
			Label: "toss",
			Do:    func(s *int) explore.Next { *s = 1; return explore.To("look") },
			Or:    func(s *int) explore.Next { *s = 2; return explore.To("look") },
		},
		{Label: "look", Do: func(s *int) explore.Next {
			if *s == 2 {
				return explore.To("toss")
			}
			return explore.Done()
		}},
	}}
	result := explored(t, explore.Model[int]{Processes: []explore.Process[int]{toss}})
	// 0, then 1 and 2 at look, then 1 done and 2 at toss.
	if result.States != 5 || result.Ends != 1 || !result.Complete {
		t.Errorf("got %+v", result)
	}
}

// TestWhereSomethingIsWrong: the first state, a state on the way, and a step can be
// wrong.
func TestWhereSomethingIsWrong(t *testing.T) {
	add := explore.Step[int]{Label: "add", Do: func(s *int) explore.Next { *s++; return explore.On() }}
	cry := explore.Step[int]{Label: "cry", Do: func(*int) explore.Next { return explore.Broken("%d wolves", 3) }}
	model := func(holds func(*int) string, steps ...explore.Step[int]) explore.Model[int] {
		return explore.Model[int]{Processes: []explore.Process[int]{{Name: "a", Steps: steps}}, Holds: holds}
	}
	atLeast := func(n int) func(*int) string {
		return func(s *int) string {
			if *s >= n {
				return "too much"
			}
			return ""
		}
	}
	for _, c := range []struct {
		name  string
		model explore.Model[int]
		what  string
		steps int
	}{
		{"first state", model(atLeast(0), add), "too much", 0},
		{"state on the way", model(atLeast(1), add, cry), "too much", 1},
		{"step", model(atLeast(2), add, cry), "3 wolves", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := explored(t, c.model).Violation
			if v == nil || v.What != c.what || len(v.Schedule) != c.steps {
				t.Errorf("found:\n%v", v)
			}
		})
	}
}

// TestBadModel: mistakes in a model are errors, not results.
func TestBadModel(t *testing.T) {
	stay := func(*int) explore.Next { return explore.On() }
	lost := explore.Process[int]{Name: "a", Steps: []explore.Step[int]{
		{Label: "go", Do: func(*int) explore.Next { return explore.To("nowhere") }},
	}}
	twice := explore.Process[int]{Name: "a", Steps: []explore.Step[int]{{Label: "x", Do: stay}, {Label: "x", Do: stay}}}
	long := explore.Process[int]{Name: "a", Steps: make([]explore.Step[int], 300)}
	for name, processes := range map[string][]explore.Process[int]{
		"label that is not there": {lost}, "label twice": {twice}, "too many steps": {long},
		"too many processes": make([]explore.Process[int], explore.MaxProcesses+1),
	} {
		if _, err := (explore.Model[int]{Processes: processes}).Explore(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRun: one execution, with a step that has to wait and a return to a mark.
func TestRun(t *testing.T) {
	run, err := explore.Model[counter]{Processes: adders(lock, unlock), AtEnd: bothCount}.Run()
	if err != nil {
		t.Fatal(err)
	}
	step := func(process int, want bool) {
		t.Helper()
		if moved, wrong, err := run.Step(process); moved != want || wrong != "" || err != nil {
			t.Fatalf("step of %d: %v, %q, %v", process, moved, wrong, err)
		}
	}
	step(0, true)
	mark := run.Mark()
	step(1, false)
	for run.Next(0) != "" {
		step(0, true)
	}
	if run.State().value != 1 || run.Next(1) != "lock" {
		t.Errorf("state %+v, next %q", *run.State(), run.Next(1))
	}
	run.Back(mark)
	if run.State().value != 0 || run.Next(0) != "load" {
		t.Errorf("after the return: state %+v, next %q", *run.State(), run.Next(0))
	}
}

// TestAlone: a process by itself, to its end, to a wait, and to a mistake.
func TestAlone(t *testing.T) {
	processes := adders(lock, unlock)
	s := counter{value: 4}
	if wrong, err := explore.Alone(&s, processes[1]); wrong != "" || err != nil || s.value != 5 {
		t.Errorf("%q, %v, state %+v", wrong, err, s)
	}
	s.locked = true
	if wrong, err := explore.Alone(&s, processes[0]); wrong != "a waits at lock, and nobody is there" || err != nil {
		t.Errorf("locked: %q, %v", wrong, err)
	}
	cry := explore.Step[counter]{Label: "cry", Do: func(*counter) explore.Next { return explore.Broken("wolf") }}
	if wrong, err := explore.Alone(&s, explore.Process[counter]{Steps: []explore.Step[counter]{cry}}); wrong != "wolf" || err != nil {
		t.Errorf("a step that is wrong: %q, %v", wrong, err)
	}
	astray := explore.Step[counter]{Label: "go", Do: func(*counter) explore.Next { return explore.To("nowhere") }}
	if _, err := explore.Alone(&s, explore.Process[counter]{Steps: []explore.Step[counter]{astray}}); err == nil {
		t.Error("a label that is not there: no error")
	}
}
