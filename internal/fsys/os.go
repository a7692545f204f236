package fsys

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// OS returns the file system of the operating system.
func OS() FS { return system{} }

type system struct{}

// Create fails if the file exists.
func (system) Create(name string) (File, error) {
	return open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Direct writes as usual where the file system knows no other way.
func (system) Direct(name string) (File, error) {
	f, err := patiently(func() (*os.File, error) { return os.OpenFile(name, os.O_RDWR, 0) })
	if err != nil {
		return nil, err
	}
	if bypass(f, true) != nil {
		return file{f}, nil
	}
	return direct{file{f}}, nil
}

// Read needs no permission to write.
func (system) Read(name string) (File, error) { return open(name, os.O_RDONLY) }

// Rename is atomic on POSIX systems.
func (system) Rename(from, to string) error { return os.Rename(from, to) }

// Remove is that of package os.
func (system) Remove(name string) error { return os.Remove(name) }

// List leaves directories out.
func (system) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// MkdirAll syncs the directory above each one it makes.
func (s system) MkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		// Whoever made it may have been killed before its name was on the disk.
		if err := s.SyncDir(filepath.Dir(dir)); !errors.Is(err, os.ErrPermission) {
			return err
		}
		return nil
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := s.MkdirAll(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return s.SyncDir(above)
}

// Resolve asks the system where the program is now.
func (system) Resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// SyncDir does nothing on Windows, where directories cannot be synced.
func (system) SyncDir(dir string) error { return syncDir(dir) }

// Lock uses flock, or what Windows has in its place.
func (system) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := lock(f, exclusive); err != nil {
		return nil, errors.Join(&os.PathError{Op: "lock", Path: name, Err: err}, f.Close())
	}
	return f, nil
}

// zeroedAtOnce is how much of a file is written with zeros at once: others wait for
// the disk no longer than that takes.
const zeroedAtOnce = 256 << 10

// file is an open file of the operating system.
type file struct{ *os.File }

func open(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o666)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

// Size asks the system each time.
func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Allocate asks for the whole place first, so that it is in one piece and a disk
// that is too full says so at once. The zeros have to be written all the same:
// place that was only asked for is marked as unwritten, and taking the mark off
// is a change of metadata that a later sync would have to write.
func (f file) Allocate(size int64) error {
	if err := reserve(f.File, size); err != nil {
		return &os.PathError{Op: "allocate", Path: f.Name(), Err: err}
	}
	var w io.WriterAt = f
	if size%BlockSize == 0 && bypass(f.File, true) == nil {
		defer bypass(f.File, false)
		w = direct{f}
	}
	zeros := Blocks(int(min(size, zeroedAtOnce)))
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := w.WriteAt(zeros[:min(size-at, int64(len(zeros)))], at); err != nil {
			return err
		}
	}
	return nil
}

// Datasync is fdatasync on Linux, and elsewhere a sync of everything.
func (f file) Datasync() error {
	if err := datasync(f.File); err != nil {
		return &os.PathError{Op: "datasync", Path: f.Name(), Err: err}
	}
	return nil
}
