// Package fsys is the little of a file system that a log needs, as an
// interface: OS is the real one, package faultfs one that can crash and fail.
//
// Three things are durable separately, and only after they were asked for: the
// bytes of a file (Datasync), its length and the place it occupies on the disk
// (Datasync as well), and its name (SyncDir of the directory). A failed sync
// says that some of what was written before is lost, and nothing about which:
// the system may have forgotten that it was to be written, so that the next
// sync succeeds without it. It must not be tried again.
package fsys

import (
	"errors"
	"io"
)

// ErrLocked says that another process, or another part of this one, holds the
// lock.
var ErrLocked = errors.New("fsys: locked by another process")

// FS is a file system. Names are paths as package path/filepath makes them. Its
// methods may be called by any goroutine.
type FS interface {
	// Create makes a file that must not exist yet and opens it for reading and
	// writing.
	Create(name string) (File, error)
	// Direct opens a file to be written past the system's cache, if the system can do
	// that: a sync has less to do then, and other writers' bytes do not get in its way.
	// WriteAt takes whole blocks only: position, length and address in memory are
	// multiples of BlockSize (see Blocks). It is for writing only.
	Direct(name string) (File, error)
	// Read opens a file for reading only.
	Read(name string) (File, error)
	// Rename gives a file another name, at once as far as other processes can
	// see. A file that had that name is lost. On some systems the file must not
	// be open.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// List returns the names of the files in a directory, in order, without the
	// directory's.
	List(dir string) ([]string, error)
	// MkdirAll makes a directory, and those above it, and makes sure that they
	// survive a crash. It is no error if they exist: then so much is made sure of the
	// last one.
	MkdirAll(dir string) error
	// Resolve returns the one name of a directory that is there: absolute, and without
	// symbolic links. Where the program goes, or somebody has a link point to later,
	// makes no difference to it.
	Resolve(dir string) (string, error)
	// SyncDir returns when the names in a directory are what they are for good.
	SyncDir(dir string) error
	// Lock makes a file unless it exists, and locks it until it is closed, or the
	// process ends, however it ends. It does not wait: who is too late gets an
	// error that matches ErrLocked.
	Lock(name string) (io.Closer, error)
}

// File is an open file. Different goroutines may use different files.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size is the length of the file in bytes.
	Size() (int64, error)
	// Allocate makes an empty file this long, of zeros that are written to the
	// disk: after the next Datasync, writing within that length changes nothing
	// but these bytes, so that a sync has no lengths and no maps to write.
	Allocate(size int64) error
	// Datasync returns when what was written to the file is on the disk.
	Datasync() error
}
