package fsys

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// patience is how long to wait for a file descriptor, at least.
const patience = 4 * time.Second

// patiently opens what must be opened: a log that cannot go on to a segment that is ready
// has failed. A process that has no descriptor left, as a server may under load, soon
// has one again; so that is waited for.
func patiently(open func() (*os.File, error)) (*os.File, error) {
	for pause, waited := time.Millisecond, time.Duration(0); ; pause *= 2 {
		f, err := open()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) || waited >= patience {
			return f, err
		}
		time.Sleep(pause)
		waited += pause
	}
}
