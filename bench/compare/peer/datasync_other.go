//go:build !linux

package peer

import "os"

// datasync puts a file on the disk.
func datasync(f *os.File) error { return f.Sync() }
