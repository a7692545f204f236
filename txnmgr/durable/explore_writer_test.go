package durable

import (
	"flag"
	"fmt"
	"testing"

	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/internal/invariants"
)

var schedules = flag.Bool("schedules", false, "print the schedule by which each mistake was found")

// handOver is what writer, package deps and those who wait for the disk share. A
// channel that waiters wait for is a number: those up to closed are closed.
type handOver struct {
	visible, durable, writing int8
	present, next, closed     int8 // present 0: none
	busy, wake                bool
	note                      noteState
	noteAfter                 int8

	rounds  [4]round // of each process that may write
	clients [3]struct{ ts, waitsFor int8 }
	over    int8 // clients that are told
}

// round is a write, seen from who does it.
type round struct {
	upTo int8
	note bool
}

// noteState is how far the one note has come.
type noteState int8

const (
	noNote noteState = iota
	left
	taken
	onDisk
)

// writerFault is a mistake that the exploration has to find.
type writerFault string

const (
	noWriterFault    writerFault = ""
	noNudge          writerFault = "who has written does not look whether more has come"
	nudgeWhileBusy   writerFault = "who has written looks before others can write"
	clearLate        writerFault = "the goroutine takes the wake-up when it has written"
	closeFirst       writerFault = "waiters are woken before D is raised"
	waitForNext      writerFault = "a commit that the write under way has waits for the next one"
	channelLate      writerFault = "D is looked at, then who waits is entered, without a second look"
	noteTakenFirst   writerFault = "the note is taken before V is looked at"
	giveUpBehind     writerFault = "the goroutine ends its turn although more has come"
	noteIsNotLooked  writerFault = "only commits count as something to write"
	nudgeWithoutWake writerFault = "a client that finds nobody writing when it leaves a note goes on"
)

type writerModel struct {
	fault   writerFault
	clients int
	notes   int
	room    bool // the first client commits when the note was left, which made room for it
}

type (
	writerStep    = explore.Step[handOver]
	writerProcess = explore.Process[handOver]
)

func writing(label string, do func(s *handOver) explore.Next) writerStep {
	return writerStep{Label: label, Do: do}
}

// goingOn is for steps that always go on with the next one.
func goingOn(label string, do func(s *handOver)) writerStep {
	return writing(label, func(s *handOver) explore.Next { do(s); return explore.On() })
}

// enter is writer.enter: it goes on if it has become the writer.
func enter(prefix, otherwise string) []writerStep {
	return []writerStep{
		writing(prefix+"is it busy", func(s *handOver) explore.Next {
			if s.busy {
				return explore.To(otherwise)
			}
			return explore.On()
		}),
		writing(prefix+"swap", func(s *handOver) explore.Next {
			if s.busy {
				return explore.To(otherwise)
			}
			s.busy = true
			return explore.On()
		}),
	}
}

// round is writer.round. Nothing to write: it goes to done; afterwards to again.
func (m *writerModel) round(who int, prefix, done, again string) []writerStep {
	take := func(s *handOver) {
		r := &s.rounds[who]
		if r.note = s.note == left && s.noteAfter <= r.upTo; r.note {
			s.note = taken
		}
	}
	look := func(s *handOver) { s.rounds[who].upTo = s.visible }
	if m.fault == noteTakenFirst {
		take = func(s *handOver) {
			if s.rounds[who].note = s.note == left; s.rounds[who].note {
				s.note = taken
			}
		}
		look, take = take, look
	}
	finish := []writerStep{
		goingOn(prefix+"raise D", func(s *handOver) { s.durable = s.writing }),
		goingOn(prefix+"close", func(s *handOver) { s.closed, s.present = s.present, 0 }),
	}
	if m.fault == closeFirst {
		finish[0], finish[1] = finish[1], finish[0]
	}
	steps := []writerStep{
		goingOn(prefix+"look at V", look),
		goingOn(prefix+"take notes", take),
		writing(prefix+"anything", func(s *handOver) explore.Next {
			r := &s.rounds[who]
			if r.upTo == s.durable && !r.note {
				return explore.To(done)
			}
			return explore.On()
		}),
		goingOn(prefix+"begin", func(s *handOver) {
			s.writing = s.rounds[who].upTo
			s.present, s.next = s.next, s.next+1
		}),
	}
	steps = append(steps, finish...)
	return append(steps, writing(prefix+"tell notes", func(s *handOver) explore.Next {
		if r := &s.rounds[who]; r.note {
			if s.noteAfter > r.upTo {
				return explore.Broken("the note is behind commit %d, and the write ended with %d", s.noteAfter, r.upTo)
			}
			s.note, r.note = onDisk, false
		}
		return explore.To(again)
	}))
}

// behind reports whether there is something to write.
func (m *writerModel) behind(s *handOver) bool {
	return s.durable < s.visible || s.note == left && m.fault != noteIsNotLooked
}

// nudge is writer.nudge.
func (m *writerModel) nudge(prefix, next string) []writerStep {
	return []writerStep{
		writing(prefix+"nudge: is it busy", func(s *handOver) explore.Next {
			if s.busy && m.fault != nudgeWhileBusy {
				return explore.To(next)
			}
			return explore.On()
		}),
		writing(prefix+"nudge: wake", func(s *handOver) explore.Next {
			s.wake = s.wake || m.behind(s)
			return explore.To(next)
		}),
	}
}

// client commits, and waits until that is on the disk: Store.Wait.
func (m *writerModel) client(i int) writerProcess {
	wait := func(s *handOver) {
		c := &s.clients[i]
		if c.waitsFor = s.next; c.ts <= s.writing && m.fault != waitForNext {
			c.waitsFor = s.present
		}
	}
	steps := []writerStep{
		writing("become visible", func(s *handOver) explore.Next {
			if m.room && i == 0 && s.note == noNote {
				return explore.Wait()
			}
			s.visible++
			s.clients[i].ts = s.visible
			return explore.On()
		}),
		writing("is it durable", func(s *handOver) explore.Next {
			if s.durable >= s.clients[i].ts {
				return explore.To("told")
			}
			return explore.On()
		}),
		writing("enter who waits", func(s *handOver) explore.Next {
			if s.durable >= s.clients[i].ts && m.fault != channelLate {
				return explore.To("told")
			}
			wait(s)
			return explore.On()
		}),
	}
	steps = append(steps, enter("client: ", "sleep")...)
	steps = append(steps, writing("written", func(s *handOver) explore.Next {
		if s.durable >= s.clients[i].ts {
			return explore.To("leave")
		}
		return explore.On()
	}))
	steps = append(steps, m.round(i, "client: ", "leave", "written")...)
	leave := goingOn("leave", func(s *handOver) { s.busy = false })
	switch m.fault {
	case noNudge:
		steps = append(steps, writing("leave", func(s *handOver) explore.Next { s.busy = false; return explore.To("is it durable") }))
	case nudgeWhileBusy:
		steps = append(steps, goingOn("leave", func(*handOver) {}))
		steps = append(steps, m.nudge("client: ", "free")...)
		steps = append(steps, writing("free", func(s *handOver) explore.Next { s.busy = false; return explore.To("is it durable") }))
	default:
		steps = append(steps, leave)
		steps = append(steps, m.nudge("client: ", "is it durable")...)
	}
	steps = append(steps,
		writing("sleep", func(s *handOver) explore.Next {
			if c := &s.clients[i]; c.waitsFor == 0 || s.closed < c.waitsFor {
				return explore.Wait()
			}
			return explore.To("is it durable")
		}),
		goingOn("told", func(s *handOver) { s.over++ }))
	return writerProcess{Name: fmt.Sprint("client ", i), Steps: steps}
}

// leaver leaves a note and waits for it: Store.Dropped.
func (m *writerModel) leaver() writerProcess {
	steps := []writerStep{goingOn("leave a note", func(s *handOver) { s.note, s.noteAfter = left, s.visible })}
	if m.fault != nudgeWithoutWake {
		steps = append(steps, m.nudge("note: ", "wait")...)
	}
	steps = append(steps, writing("wait", func(s *handOver) explore.Next {
		if s.note != onDisk {
			return explore.Wait()
		}
		s.over++
		return explore.On()
	}))
	return writerProcess{Name: "note", Steps: steps}
}

// goroutine is writer.run, until everybody is told.
func (m *writerModel) goroutine() writerProcess {
	const who = 3
	steps := []writerStep{
		writing("wait for a wake-up", func(s *handOver) explore.Next {
			if s.wake {
				s.wake = m.fault == clearLate
				return explore.On()
			}
			if int(s.over) == m.clients+m.notes {
				return explore.Done()
			}
			return explore.Wait()
		}),
		writing("is it behind", func(s *handOver) explore.Next {
			if !m.behind(s) {
				return explore.To("rest")
			}
			return explore.On()
		}),
	}
	steps = append(steps, enter("goroutine: ", "rest")...)
	steps = append(steps, m.round(who, "goroutine: ", "end", "goroutine: look at V")...)
	return writerProcess{Name: "goroutine", Steps: append(steps,
		writing("end", func(s *handOver) explore.Next {
			s.busy = false
			if m.fault == giveUpBehind {
				return explore.To("rest")
			}
			return explore.To("is it behind")
		}),
		writing("rest", func(s *handOver) explore.Next {
			s.wake = s.wake && m.fault != clearLate
			return explore.To("wait for a wake-up")
		}))}
}

// holds: D is not beyond V, nor beyond what was written, and who needs the note is not
// on the disk without it.
func (m *writerModel) holds(s *handOver) string {
	if s.durable > s.visible || s.durable > s.writing {
		return fmt.Sprintf("D is %d, V %d, and %d were being written", s.durable, s.visible, s.writing)
	}
	if ts := s.clients[0].ts; m.room && ts != 0 && ts <= s.durable && s.note == left {
		return fmt.Sprintf("commit %d is on the disk, and the note that made room for it is not", ts)
	}
	return ""
}

func (m *writerModel) make() explore.Model[handOver] {
	processes := []writerProcess{m.goroutine()}
	for i := range m.clients {
		processes = append(processes, m.client(i))
	}
	for range m.notes {
		processes = append(processes, m.leaver())
	}
	return explore.Model[handOver]{Start: handOver{next: 1}, Processes: processes, Holds: m.holds}
}

// TestExploreWriter: whatever the order of steps, everybody who waits for the disk is
// told, and what is said to be on the disk was written.
func TestExploreWriter(t *testing.T) {
	for _, m := range []writerModel{{clients: 2}, {clients: 3}, {clients: 1, notes: 1}, {clients: 2, notes: 1}, {clients: 2, notes: 1, room: true}} {
		if m.clients+m.notes == 3 && (testing.Short() || invariants.Enabled) {
			continue
		}
		result, err := m.make().Explore()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d clients, %d notes: %d states, %d ends", m.clients, m.notes, result.States, result.Ends)
		if result.Violation != nil || !result.Complete || result.Ends == 0 {
			t.Errorf("%+v\n%v", m, result.Violation)
		}
	}
}

// TestExploreWriterFaults: each mistake is found.
func TestExploreWriterFaults(t *testing.T) {
	for _, fault := range []writerFault{noNudge, nudgeWhileBusy, clearLate, closeFirst, waitForNext, channelLate, noteTakenFirst, giveUpBehind, noteIsNotLooked, nudgeWithoutWake} {
		var found *explore.Violation
		for _, m := range []writerModel{{clients: 2}, {clients: 1, notes: 1}, {clients: 2, notes: 1, room: true}} {
			m.fault = fault
			result, err := m.make().Explore()
			if err != nil {
				t.Fatalf("%s: %v", fault, err)
			}
			if found = result.Violation; found != nil {
				break
			}
		}
		switch {
		case found == nil:
			t.Errorf("not found: %s", fault)
		case *schedules:
			t.Logf("%s:\n%v", fault, found)
		}
	}
}
