//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package fsys

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// What lock is asked for. Only an exclusive one may need permission to write.
const (
	exclusive = unix.LOCK_EX
	shared    = unix.LOCK_SH
)

// lock belongs to the open file, not to the process, so that a second opener is
// kept out in the same process too.
func lock(f *os.File, how int) error {
	err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
