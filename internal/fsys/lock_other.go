//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package fsys

import (
	"errors"
	"os"
)

// lock refuses: without a lock two processes could write one log.
func lock(*os.File) error { return errors.ErrUnsupported }
