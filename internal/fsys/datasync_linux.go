package fsys

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// datasync leaves out what is not needed to read the data back: the time of the
// last change. An interrupted call has not failed, it has not finished.
func datasync(f *os.File) error {
	return uninterrupted(func() error { return unix.Fdatasync(int(f.Fd())) })
}

// reserve asks for place on the disk, where the file system knows how.
func reserve(f *os.File, size int64) error {
	err := uninterrupted(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

func uninterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
