package fsys

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience: a descriptor is waited for, but not for ever, and nothing else is.
func TestPatience(t *testing.T) {
	file := new(os.File)
	for name, trial := range map[string]struct {
		err    error
		until  time.Duration // it comes again and again
		works  bool
		atMost time.Duration
	}{
		"of the process": {&os.PathError{Err: syscall.EMFILE}, time.Second, true, 2 * time.Second},
		"of the system":  {&os.PathError{Err: syscall.ENFILE}, time.Second, true, 2 * time.Second},
		"in vain":        {&os.PathError{Err: syscall.EMFILE}, time.Hour, false, 2 * patience},
		"not there":      {&os.PathError{Err: syscall.ENOENT}, time.Hour, false, 0},
		"at once":        {nil, 0, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				f, err := patiently(func() (*os.File, error) {
					if time.Since(begun) < trial.until {
						return nil, trial.err
					}
					return file, nil
				})
				if took := time.Since(begun); took > trial.atMost {
					t.Errorf("it took %v", took)
				}
				if trial.works && (f != file || err != nil) || !trial.works && !errors.Is(err, trial.err) {
					t.Errorf("%v, %v", f, err)
				}
			})
		})
	}
}
