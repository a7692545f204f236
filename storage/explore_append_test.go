package storage_test

import (
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/internal/explore"
)

// What appends to a leaf share is explored here: two that append, one that inserts at
// the front, and an edit that freezes the leaf and lets it go again, which leaves it the
// same array. Objects are numbers.

const (
	appendArrays = 5
	appendSlots  = 4 // enough for all
)

// held is what a leaf holds. Two with the same number are the same content.
type heldArray struct {
	number, array, length int8
	frozen                bool
}

type appendState struct {
	arrays    [appendArrays][appendSlots]int8 // as they are
	published [appendArrays][appendSlots]int8 // as somebody may have seen them; 0: nobody
	made      int8                            // arrays
	numbers   int8                            // contents
	held      heldArray
	mark      bool
	seen      [4]heldArray // by each process
}

// appendFault is a mistake that the exploration has to find.
type appendFault string

const (
	noAppendFault appendFault = ""
	appendNoMark  appendFault = "nobody marks that it is about to append"
	appendNoLook  appendFault = "what the leaf holds is not looked at again under the mark"
	appendUnmark  appendFault = "the mark is taken off before the content is published"
	appendStore   appendFault = "the content is stored, not swapped"
)

type (
	appendStep    = explore.Step[appendState]
	appendProcess = explore.Process[appendState]
)

// swap is the CAS of what is held. It says what everybody sees from now on.
func (s *appendState) swap(from, to heldArray) bool {
	if s.held != from {
		return false
	}
	s.numbers++
	to.number = s.numbers
	s.held = to
	copy(s.published[to.array][:to.length], s.arrays[to.array][:to.length])
	return true
}

// with is content.with, and the CAS of who inserts: the copy is of what does not change.
func (s *appendState) with(from heldArray, at, object int8) bool {
	if s.held != from {
		return false
	}
	to := heldArray{array: s.made, length: from.length + 1}
	s.made++
	old, fresh := &s.arrays[from.array], &s.arrays[to.array]
	copy(fresh[:at], old[:at])
	fresh[at] = object
	copy(fresh[at+1:to.length], old[at:from.length])
	return s.swap(from, to)
}

func appending(label string, do func(s *appendState) explore.Next) appendStep {
	return appendStep{Label: label, Do: do}
}

// loadHeld is the first step of every attempt.
func loadHeld(who int) appendStep {
	return appending("load", func(s *appendState) explore.Next {
		if s.held.frozen {
			return explore.Wait()
		}
		s.seen[who] = s.held
		return explore.On()
	})
}

// appender is ordered.insert of an object behind all others.
func appender(who int, object int8, fault appendFault) appendProcess {
	mark := appending("mark", func(s *appendState) explore.Next {
		if s.mark && fault != appendNoMark {
			return explore.To("copy")
		}
		s.mark = fault != appendNoMark
		return explore.On()
	})
	look := appending("look again", func(s *appendState) explore.Next {
		if s.held != s.seen[who] && fault != appendNoLook {
			return explore.To("give up")
		}
		return explore.On()
	})
	write := appending("write", func(s *appendState) explore.Next {
		s.arrays[s.seen[who].array][s.seen[who].length] = object
		if fault == appendUnmark {
			s.mark = false
		}
		return explore.On()
	})
	publish := appending("publish", func(s *appendState) explore.Next {
		to := s.seen[who]
		to.length++
		if fault == appendStore {
			s.seen[who] = s.held
		}
		if !s.swap(s.seen[who], to) {
			return explore.To("give up")
		}
		return explore.On()
	})
	unmark := func(label string, next explore.Next) appendStep {
		return appending(label, func(s *appendState) explore.Next {
			if fault != appendUnmark {
				s.mark = false
			}
			return next
		})
	}
	copied := appending("copy", func(s *appendState) explore.Next {
		if !s.with(s.seen[who], s.seen[who].length, object) {
			return explore.To("load")
		}
		return explore.Done()
	})
	return appendProcess{Name: fmt.Sprint("append ", object), Steps: []appendStep{
		loadHeld(who), mark, look, write, publish, unmark("unmark", explore.Done()), unmark("give up", explore.To("copy")), copied,
	}}
}

// inserter is ordered.insert of an object before all others.
func inserter(who int, object int8) appendProcess {
	return appendProcess{Name: fmt.Sprint("insert ", object), Steps: []appendStep{
		loadHeld(who),
		appending("copy", func(s *appendState) explore.Next {
			if !s.with(s.seen[who], 0, object) {
				return explore.To("load")
			}
			return explore.Done()
		}),
	}}
}

// editor is ordered.split of a leaf that others have emptied in the meantime.
func editor(who int) appendProcess {
	return appendProcess{Name: "edit", Steps: []appendStep{
		loadHeld(who),
		appending("freeze", func(s *appendState) explore.Next {
			to := s.seen[who]
			if to.frozen = true; !s.swap(s.seen[who], to) {
				return explore.To("load")
			}
			return explore.On()
		}),
		appending("let go", func(s *appendState) explore.Next {
			to := s.held
			to.frozen = false
			s.swap(s.held, to)
			return explore.Done()
		}),
	}}
}

func appendModel(fault appendFault) explore.Model[appendState] {
	start := appendState{made: 1, held: heldArray{length: 1}}
	start.arrays[0][0], start.published[0][0] = 9, 9
	return explore.Model[appendState]{
		Start:     start,
		Processes: []appendProcess{appender(0, 1, fault), appender(1, 2, fault), inserter(2, 3), editor(3)},
		Holds: func(s *appendState) string {
			for a := range s.published {
				for i, object := range s.published[a] {
					if object != 0 && s.arrays[a][i] != object {
						return fmt.Sprintf("object %d was to be seen, and %d is in its place", object, s.arrays[a][i])
					}
				}
			}
			return ""
		},
		AtEnd: func(s *appendState) string {
			met := make(map[int8]int)
			for _, object := range s.arrays[s.held.array][:s.held.length] {
				met[object]++
			}
			if len(met) != 4 || s.held.length != 4 || s.arrays[s.held.array][0] != 3 {
				return fmt.Sprintf("the leaf has %v", s.arrays[s.held.array][:s.held.length])
			}
			return ""
		},
	}
}

// TestExploreAppend: whoever appends, inserts and edits at the same time, everything is
// in the leaf once, and what was to be seen does not change.
func TestExploreAppend(t *testing.T) {
	result, err := appendModel(noAppendFault).Explore()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d states, %d ends", result.States, result.Ends)
	if result.Violation != nil || !result.Complete || result.Ends == 0 {
		t.Error(result.Violation)
	}
	for _, fault := range []appendFault{appendNoMark, appendNoLook, appendUnmark, appendStore} {
		result, err := appendModel(fault).Explore()
		if err != nil {
			t.Fatalf("%s: %v", fault, err)
		}
		if result.Violation == nil {
			t.Errorf("not found: %s", fault)
		}
	}
}
