//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package fsys

import (
	"errors"
	"os"
)

// What lock is asked for.
const exclusive, shared = 0, 1

// lock refuses: without a lock two processes could write one log.
func lock(*os.File, int) error { return errors.ErrUnsupported }
