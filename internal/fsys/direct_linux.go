package fsys

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// bypass has writes go past the system's cache, or through it again. A file system
// that keeps everything in memory refuses.
func bypass(f *os.File, past bool) error {
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err == nil {
		flags &^= unix.O_DIRECT
		if past {
			flags |= unix.O_DIRECT
		}
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETFL, flags)
	}
	return err
}

// isUnaligned reports whether a write past the cache was refused because the blocks of
// the disk are larger than ours.
func isUnaligned(err error) bool { return errors.Is(err, unix.EINVAL) }
