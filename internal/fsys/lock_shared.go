package fsys

import (
	"errors"
	"os"
)

// LockShared locks a file that Read has opened: others may do the same, but while one
// of them has it open nobody gets the lock of FS.Lock, and the other way round, with an
// error that matches ErrLocked. It is for who may not write the file. Where it cannot
// be done the error matches errors.ErrUnsupported.
func LockShared(f File) error {
	opened, ok := f.(file)
	if !ok {
		return errors.ErrUnsupported
	}
	if err := lock(opened.File, shared); err != nil {
		return &os.PathError{Op: "lock", Path: opened.Name(), Err: err}
	}
	return nil
}
