package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// guarded is a file that is written to.
type guarded struct {
	vfs.File
	guard *guard
	name  string
}

// Write is under the guard.
func (f *guarded) Write(p []byte) (n int, err error) {
	err = f.guard.write(f.name, func() (err error) {
		n, err = f.File.Write(p)
		return err
	})
	return written(p, n, err)
}

// WriteAt is under the guard.
func (f *guarded) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.guard.write(f.name, func() (err error) {
		n, err = f.File.WriteAt(p, at)
		return err
	})
	return written(p, n, err)
}

// written is the result of a write.
func written(p []byte, n int, err error) (int, error) {
	if err == nil {
		return len(p), nil
	}
	return n, err
}

// Sync is under the guard.
func (f *guarded) Sync() error { return f.guard.write(f.name, f.File.Sync) }

// SyncData is under the guard.
func (f *guarded) SyncData() error { return f.guard.write(f.name, f.File.SyncData) }

// SyncTo is under the guard.
func (f *guarded) SyncTo(length int64) (full bool, err error) {
	err = f.guard.write(f.name, func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Preallocate is under the guard.
func (f *guarded) Preallocate(offset, length int64) error {
	return f.guard.write(f.name, func() error { return f.File.Preallocate(offset, length) })
}

// directory is an open directory.
type directory struct {
	vfs.File
	guard *guard
	name  string
}

// Sync is under the guard.
func (d *directory) Sync() error { return d.guard.write(d.name, d.File.Sync) }

// unwritten takes what is written and forgets it.
type unwritten struct{ vfs.File }

func newUnwritten() *unwritten { return &unwritten{File: vfs.NewMemFile(nil)} }

// Write does nothing.
func (*unwritten) Write(p []byte) (int, error) { return len(p), nil }

// WriteAt does nothing.
func (*unwritten) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// Sync does nothing.
func (*unwritten) Sync() error { return nil }

// SyncData does nothing.
func (*unwritten) SyncData() error { return nil }

// SyncTo does nothing.
func (*unwritten) SyncTo(int64) (bool, error) { return true, nil }

// Preallocate does nothing.
func (*unwritten) Preallocate(_, _ int64) error { return nil }

// lock locks a file. Pebble's file systems say with an error about the file that
// they could not open it, and with any other that somebody else holds the lock.
func lock(in vfs.FS, name string) (io.Closer, error) {
	closer, err := in.Lock(name)
	var path *fs.PathError
	if err != nil && !errors.As(err, &path) {
		return nil, fmt.Errorf("%w: %s: %w", fsys.ErrLocked, name, err)
	}
	return closer, err
}
