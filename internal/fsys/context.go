package fsys

import "context"

type key struct{}

// With returns a context that carries fs to whoever opens something.
func With(ctx context.Context, fs FS) context.Context { return context.WithValue(ctx, key{}, fs) }

// From returns what With put into the context, or OS.
func From(ctx context.Context) FS {
	if fs, ok := ctx.Value(key{}).(FS); ok {
		return fs
	}
	return OS()
}
