package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between Pebble and the file system and decides what an error of the
// latter means.
//
// A table that cannot be written is not lost: its content is still in memory, or in
// the tables it was to replace, and Pebble writes it again, under another name. It
// does so at once, so the guard lets it wait a little.
//
// Everything else is written to say which tables count. When that fails, Pebble
// ends the process, for it cannot know what is on the disk, and if it is not let,
// goes on with half of a change in memory and panics later. So it never hears of it:
// the guard remembers the first such error, and holds the call, and every later one,
// until the store is closed. Then it says that they worked. Nothing of what Pebble
// believes matters by then, and the guard sees to it that nothing reaches the disk
// any more: no write, and no removal of what might still count.
type guard struct {
	vfs.FS

	mu      sync.Mutex // protects following fields
	armed   bool       // calls are held: there is a Close that will release them
	failure error      // the first
	tables  int        // failures to write a table since the last success
	trouble error      // the last of them

	failed   chan struct{} // closed with the first failure
	released chan struct{} // closed by release
}

func newGuard(fs vfs.FS) *guard {
	return &guard{FS: fs, failed: make(chan struct{}), released: make(chan struct{})}
}

// arm begins to hold calls. If there was a failure before, the store is not fit for
// use.
func (g *guard) arm() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = true
}

// release lets held calls go, for ever.
func (g *guard) release() { close(g.released) }

// fail remembers the first failure.
func (g *guard) fail(cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure == nil {
		g.failure = cause
		close(g.failed)
	}
}

// cause returns the failure as the file system reported it.
func (g *guard) cause() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

// err returns the failure as ErrFailed.
func (g *guard) err() error {
	if cause := g.cause(); cause != nil {
		return fmt.Errorf("%w: %w", ErrFailed, cause)
	}
	return nil
}

// retrying returns the last failure to write a table if none was written since.
func (g *guard) retrying() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.trouble
}

// written notes that a table was.
func (g *guard) written() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tables, g.trouble = 0, nil
}

// write does one operation that changes the file system. Unless it is about a table,
// Pebble is never told of an error.
func (g *guard) write(name string, op func() error) error {
	if filepath.Ext(name) == tableSuffix {
		return g.writeTable(op)
	}
	if g.cause() == nil {
		err := op()
		if err == nil {
			return nil
		}
		g.fail(err)
	}
	g.hold()
	return nil
}

// tableSuffix is that of the files that Pebble can do without.
const tableSuffix = ".sst"

// hold waits for Close, if there will be one.
func (g *guard) hold() {
	g.mu.Lock()
	armed := g.armed
	g.mu.Unlock()
	if armed {
		<-g.released
	}
}

// writeTable lets Pebble try again after a pause. A store that has failed needs no
// more tables.
func (g *guard) writeTable(op func() error) error {
	if err := g.err(); err != nil {
		g.hold()
		return err
	}
	err := op()
	if err != nil {
		g.pause(err)
	}
	return err
}

// pauses between attempts to write a table, doubled from the first to the last.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

func (g *guard) pause(cause error) {
	g.mu.Lock()
	length := min(firstPause<<min(g.tables, 20), lastPause)
	g.tables++
	g.trouble = cause
	g.mu.Unlock()
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.failed:
	case <-g.released:
	}
}

// open does what makes a file that Pebble then writes to.
func (g *guard) open(name string, how func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := g.write(name, func() (err error) {
		f, err = how()
		return err
	})
	if err != nil {
		return nil, err
	}
	if f == nil { // there was a failure
		return newUnwritten(), nil
	}
	return &guarded{File: f, guard: g, name: name}, nil
}

// Create does not make the log that Pebble always has, and never writes to when it
// is told to have none.
func (g *guard) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if filepath.Ext(name) == ".log" {
		return newUnwritten(), nil
	}
	return g.open(name, func() (vfs.File, error) {
		if strings.HasPrefix(g.FS.PathBase(name), "marker.") {
			if err := syncDir(g.FS, g.FS.PathDir(name)); err != nil {
				return nil, err
			}
		}
		return g.FS.Create(name, category)
	})
}

// syncDir comes before a marker is made. Pebble syncs the directory after it, for
// both the marker and the file that it speaks of: if a file system does not keep
// names in the order in which they were made, a crash between leaves a marker that
// speaks of nothing, and a store that cannot be opened.
func syncDir(in vfs.FS, name string) error {
	dir, err := in.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// OpenReadWrite opens a file to write to.
func (g *guard) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.open(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, category, opts...) })
}

// ReuseForWrite opens a file to write to.
func (g *guard) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.open(to, func() (vfs.File, error) { return g.FS.ReuseForWrite(from, to, category) })
}

// OpenDir opens a directory to sync it.
func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &directory{File: f, guard: g, name: name}, nil
}

// Link makes a second name.
func (g *guard) Link(from, to string) error {
	return g.write(to, func() error { return g.FS.Link(from, to) })
}

// Rename gives a file another name.
func (g *guard) Rename(from, to string) error {
	return g.write(to, func() error { return g.FS.Rename(from, to) })
}

// MkdirAll makes directories.
func (g *guard) MkdirAll(dir string, perm os.FileMode) error {
	return g.write(dir, func() error { return g.FS.MkdirAll(dir, perm) })
}

// Remove leaves everything in place once the store has failed. An error of it is
// not the end: Pebble only wants the space.
func (g *guard) Remove(name string) error {
	if err := g.err(); err != nil {
		return err
	}
	return g.FS.Remove(name)
}

// RemoveAll is as Remove.
func (g *guard) RemoveAll(name string) error {
	if err := g.err(); err != nil {
		return err
	}
	return g.FS.RemoveAll(name)
}

// Lock tells a lock that is held from one that cannot be had.
func (g *guard) Lock(name string) (io.Closer, error) { return lock(g.FS, name) }

// Unwrap is how Pebble finds out what it runs on.
func (g *guard) Unwrap() vfs.FS { return g.FS }
