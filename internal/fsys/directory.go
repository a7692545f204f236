//go:build !windows

package fsys

import (
	"errors"
	"os"
)

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := patiently(func() (*os.File, error) { return os.Open(dir) })
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
