//go:build !linux

package fsys

import (
	"errors"
	"os"
)

// bypass cannot be asked for everywhere.
func bypass(*os.File, bool) error { return errors.ErrUnsupported }

// isUnaligned never is.
func isUnaligned(error) bool { return false }
