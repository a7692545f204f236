package durable

import (
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/internal/explore"
)

// cutting is what somebody who prepares shares with who gives up segments of the log.
type cutting struct {
	current, oldest int8 // segments of the log
	entered         int8 // segment in the register; 0: nobody is in it
	recorded        int8 // segment of the record; 0: it is not written
	read            int8 // by who prepares: the current segment
	seen, register  int8 // by who gives up
}

// cuttingFault is a mistake that the exploration has to find.
type cuttingFault string

const (
	noCuttingFault cuttingFault = ""
	noBound        cuttingFault = "what may be given up is bounded by the register alone"
	registerFirst  cuttingFault = "the current segment is looked at after the register"
	enteredLate    cuttingFault = "who prepares enters the register when the record is written"
	currentLate    cuttingFault = "who prepares looks at the current segment when the record is written"
)

// cuttingModel is Store.LogPrepared, Store.needed with Log.Truncate, and a log that
// others fill: no commit in it is needed any more.
func cuttingModel(fault cuttingFault) explore.Model[cutting] {
	type process = explore.Process[cutting]
	step := func(label string, do func(s *cutting)) explore.Step[cutting] {
		return explore.Step[cutting]{Label: label, Do: func(s *cutting) explore.Next { do(s); return explore.On() }}
	}
	read := step("look at the current segment", func(s *cutting) { s.read = s.current })
	enter := step("enter the register", func(s *cutting) { s.entered = s.read })
	write := step("write", func(s *cutting) { s.recorded = s.current })
	prepare := []explore.Step[cutting]{read, enter, write}
	switch fault {
	case enteredLate:
		prepare = []explore.Step[cutting]{read, write, enter}
	case currentLate:
		prepare = []explore.Step[cutting]{write, read, enter}
	}
	bound := step("look at the current segment", func(s *cutting) { s.seen = s.current })
	register := step("look at the register", func(s *cutting) { s.register = s.entered })
	cut := step("truncate", func(s *cutting) {
		keep := s.current
		if fault != noBound {
			keep = min(keep, s.seen)
		}
		if s.register != 0 {
			keep = min(keep, s.register)
		}
		s.oldest = max(s.oldest, keep)
	})
	truncate := []explore.Step[cutting]{bound, register, cut}
	if fault == registerFirst {
		truncate = []explore.Step[cutting]{register, bound, cut}
	}
	roll := func(n int) explore.Step[cutting] {
		return step(fmt.Sprint("begin a segment ", n), func(s *cutting) { s.current++ })
	}
	return explore.Model[cutting]{
		Start: cutting{current: 1, oldest: 1},
		Processes: []process{
			{Name: "prepare", Steps: prepare}, {Name: "truncate", Steps: truncate},
			{Name: "others", Steps: []explore.Step[cutting]{roll(1), roll(2)}},
		},
		Holds: func(s *cutting) string {
			if s.recorded != 0 && s.recorded < s.oldest {
				return fmt.Sprintf("the record is in segment %d, and the log begins with %d", s.recorded, s.oldest)
			}
			return ""
		},
	}
}

// TestExploreTruncation: no record of a prepared transaction is given up, although
// nothing is locked while segments are.
func TestExploreTruncation(t *testing.T) {
	result, err := cuttingModel(noCuttingFault).Explore()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d states, %d ends", result.States, result.Ends)
	if result.Violation != nil || !result.Complete || result.Ends == 0 {
		t.Error(result.Violation)
	}
	for _, fault := range []cuttingFault{noBound, registerFirst, enteredLate, currentLate} {
		result, err := cuttingModel(fault).Explore()
		if err != nil {
			t.Fatalf("%s: %v", fault, err)
		}
		if result.Violation == nil {
			t.Errorf("not found: %s", fault)
		}
	}
}
