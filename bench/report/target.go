package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Target is a file that will be written at the end of a run. It is opened at
// the start, so that a path that cannot be written is known before any work is
// done, and an older result stays in place until the new one is complete.
type Target struct {
	path string
	file *os.File
	kind targetKind
}

// targetKind says how the finished content reaches the path.
type targetKind int

const (
	renamed targetKind = iota // written beside the path, renamed at the end
	direct                    // a device or a pipe: written as it is
)

// OpenTarget prepares to write path.
func OpenTarget(path string) (*Target, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a folder", path)
	case err == nil && !info.Mode().IsRegular():
		return openDirect(path)
	case err == nil:
		if err := tryWrite(path); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot write %s: %w", path, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, errors.Unwrap(err))
	}
	return &Target{path: path, file: file, kind: renamed}, nil
}

func openDirect(path string) (*Target, error) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot write: %w", err)
	}
	return &Target{path: path, file: file, kind: direct}, nil
}

// tryWrite refuses an existing file that is write-protected: a rename would
// replace it all the same.
func tryWrite(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	return file.Close()
}

// Write calls write with the open file and puts the result at the path.
func (t *Target) Write(write func(io.Writer) error) error {
	err := write(t.file)
	if t.kind == renamed {
		err = errors.Join(err, t.file.Chmod(0o644))
	}
	err = errors.Join(err, t.file.Close())
	if t.kind == renamed && err == nil {
		err = os.Rename(t.file.Name(), t.path)
	}
	if err != nil {
		t.remove()
		return fmt.Errorf("writing %s: %w", t.path, err)
	}
	return nil
}

// Abandon closes the target of a run that has no result.
func (t *Target) Abandon() {
	t.file.Close()
	t.remove()
}

func (t *Target) remove() {
	if t.kind == renamed {
		os.Remove(t.file.Name())
	}
}
