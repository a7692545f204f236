// Package recovery measures how long Tiercel takes to open a store whose process was
// killed while its commit log held a given amount that the object store had not.
//
// A child process commits as fast as it can, and is killed when it has committed
// that much: the object store cannot have kept up. How much it has is told by Open,
// which says what it reads.
package recovery
