//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package fsys

import (
	"errors"
	"os"
)

// lockShared refuses: there is no lock that it could meet.
func lockShared(*os.File) error { return errors.ErrUnsupported }
