// Package explore looks at every interleaving of a few processes that share a
// state, and reports the shortest one that breaks an invariant.
//
// A protocol that is right under ten thousand random schedules may be wrong under
// the one in which a goroutine sleeps between two loads. A model of it with two
// or three transactions has few enough states that all of them can be looked at,
// and the bug, if there is one, is then found every time.
//
// # Models
//
// A model is a state, a comparable value without pointers, and processes, each a
// list of labelled steps. A step changes the state and says where its process goes
// on. It is taken at once, so it should be what the real code does at once: one
// atomic load, store or compare-and-swap, with the local computation behind it.
// Whatever of a process's variables lives on from one step to the next is part of
// the state.
//
//	add := func(register func(*counter) *int8) []explore.Step[counter] {
//		return []explore.Step[counter]{
//			{Label: "load", Do: func(s *counter) explore.Next { *register(s) = s.value; return explore.On() }},
//			{Label: "store", Do: func(s *counter) explore.Next { s.value = *register(s) + 1; return explore.Done() }},
//		}
//	}
//
// A step that cannot be taken yet returns Wait, whatever it has changed till then.
// A step that finds something wrong returns Broken. A state in which nobody can
// go on, and somebody is not done, is reported too.
//
// # What is looked at
//
// The search is breadth first from the first state. A state, together with the
// place of every process, is looked at once, however many schedules lead there;
// that is what makes it finite and quick. Breadth first makes the schedule that is
// reported as short as can be, which matters more for whoever reads it than the
// memory that depth first would save.
//
// Visited states are kept as 128 bits of two hashes with random seeds, not as
// themselves. Two of ten million states fall on one with probability below 10⁻²⁴,
// and would then hide what follows from one of them in that one run.
//
// # What is not
//
// Steps follow each other in one order that all processes see. That is what Go's
// memory model promises of atomic operations, and of nothing else: plain
// variables belong into one step with the lock or the word that protects them. No
// process is ever stopped for good in a model, and none is promised a turn: a
// schedule in which one spins for ever while the others could go on is no
// violation, one in which nobody can go on is.
package explore
