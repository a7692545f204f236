// Package stages switches the optimisations of the active list off, one by one,
// so that the history of its design can be measured: the transaction managers of
// the Falcon storage engine before 2008, and each step since. Outside of that
// nobody wants a slower list, so the switches travel in the context given to
// Open and not in the public options.
package stages

import "context"

// Stages says what to switch off. The zero value switches nothing off.
type Stages struct {
	ExclusiveOnly bool // every search and every end takes the exclusive lock
	NoCAS         bool // slots are taken under the exclusive lock, not by CAS under the shared one
	NoBatch       bool // the list grows by one
	NoReuse       bool // a slot that ended leaves the list; the next begin makes a new one
	NoHint        bool // every begin searches the list
}

type key struct{}

// With returns a context that carries s to Open.
func With(ctx context.Context, s Stages) context.Context { return context.WithValue(ctx, key{}, s) }

// From returns what With put into the context, or the zero value.
func From(ctx context.Context) Stages {
	s, _ := ctx.Value(key{}).(Stages)
	return s
}
