package peer

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync puts the content of a file on the disk, and of its metadata only what
// is needed to find it.
func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return err
		}
	}
}
